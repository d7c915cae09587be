package boundary

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequestsAreReadAsTheVectorsSay(t *testing.T) {
	text, err := os.ReadFile("../../../tests/vectors/records.json")
	require.NoError(t, err)
	var vectors struct {
		Requests []struct {
			Name       string
			Op         Op
			ID, Handle uint32
			JSON       map[string]any
			Hex        string
		}
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors.Requests)
	for _, v := range vectors.Requests {
		t.Run(v.Name, func(t *testing.T) {
			record, err := hex.DecodeString(v.Hex)
			require.NoError(t, err)
			op, id, handle, body := DecodeRequest(record)
			require.Equal(t, []any{v.Op, v.ID, v.Handle}, []any{op, id, handle})
			require.Len(t, body, len(record)-requestHeader)
			if v.JSON != nil {
				var got map[string]any
				require.NoError(t, json.Unmarshal(body, &got))
				require.Equal(t, v.JSON, got)
			}
		})
	}
}

package node

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The spellings that the TypeScript half takes for one peer are that peer here too.
func TestEverySpellingOfAPeerIDIsReadAsThatPeer(t *testing.T) {
	text, err := os.ReadFile("../../../tests/vectors/peer_ids.json")
	require.NoError(t, err)
	var vectors []struct {
		ID        string
		Spellings []string
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		for _, spelling := range append(v.Spellings, v.ID) {
			p, err := decodePeer(spelling)
			require.NoError(t, err, spelling)
			require.Equal(t, v.ID, p.String(), spelling)
		}
	}
}

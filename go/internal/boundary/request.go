package boundary

import "encoding/binary"

const requestHeader = 16

// DecodeRequest takes a request record apart, which p2p_submit has seen to be no shorter than its header. body is a part of record.
func DecodeRequest(record []byte) (op Op, id, handle uint32, body []byte) {
	length := min(int(binary.LittleEndian.Uint32(record[12:])), len(record)-requestHeader)
	return Op(binary.LittleEndian.Uint32(record)), binary.LittleEndian.Uint32(record[4:]), binary.LittleEndian.Uint32(record[8:]),
		record[requestHeader : requestHeader+length]
}

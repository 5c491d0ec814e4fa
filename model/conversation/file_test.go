package conversation

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// FuzzState: no file of any content is worse than refused. A header is changed
// somewhere, sealed again or not, and cut short or not.
func FuzzState(f *testing.F) {
	whole := Header([sha256.Size]byte{}, new(Past), 0, sha256.Sum256(nil), true)
	f.Add([]byte{3}, uint16(8), true, uint16(HeaderBytes))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255}, uint16(16), true, uint16(HeaderBytes))
	f.Add([]byte("any"), uint16(0), false, uint16(100))
	f.Fuzz(func(t *testing.T, patch []byte, at uint16, seal bool, size uint16) {
		data := slices.Clone(whole)
		copy(data[int(at)%len(data):], patch)
		if seal {
			sum := sha256.Sum256(data[:AtSum])
			copy(data[AtSum:], sum[:])
		}
		data = data[:min(len(data), int(size))]
		info, err := Inspect(gpu.BlobOf(data))
		if err == nil && (info.Bytes != int64(len(data)) || info.Position < 0 || info.Position > machine.MaxPosition) {
			t.Errorf("%+v of %d bytes", info, len(data))
		}
		if err != nil && (!errors.Is(err, ErrState) || strings.ContainsAny(err.Error(), "\n\x00")) {
			t.Errorf("%v", err)
		}
	})
}

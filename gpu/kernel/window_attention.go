package kernel

import (
	"fmt"
	"math"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// WindowAttention records attention of each query to the Window positions that
// end with its own; buffers are as RoPE leaves them.
func (r *Recorder) WindowAttention(s reference.AttentionShape, qkv, keys, values, out *gpu.Buffer) {
	if s.Ring < s.Window+r.Tokens-1 {
		r.Program.Fail(fmt.Errorf("kernel window_attention: a ring of %d positions for a window of %d and chunks of %d, want at least %d",
			s.Ring, s.Window, r.Tokens, s.Window+r.Tokens-1))
	}
	r.want("window_attention", "out", out, r.Tokens, s.Heads, s.HeadDim)
	c := attentionConstants(s)
	c["WINDOW"], c["SCALE"] = s.Window, 1/math.Sqrt(float64(s.HeadDim))
	r.dispatch("window_attention", c, [3]uint32{uint32(s.Heads), uint32(r.Tokens), 1}, qkv, keys, values, out, r.Cursor)
}

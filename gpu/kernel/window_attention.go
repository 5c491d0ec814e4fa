package kernel

import (
	"fmt"
	"math"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// The kernels' workgroups have this many threads; so many keys make a split.
const attentionSize = 128

// AttentionSplits is the number of workgroups that share a head's keys when one
// token attends over a window.
func AttentionSplits(v Variant, window int) int {
	if v.CPU {
		return 1
	}
	return min(int(blocks(window, attentionSize)), 64)
}

// AttentionPartials is the number of values that WindowAttention needs beside
// its own buffers when one token attends; 0 for none.
func AttentionPartials(v Variant, s reference.AttentionShape) int {
	if splits := AttentionSplits(v, s.Window); splits > 1 {
		return s.Heads * splits * (s.HeadDim + 2)
	}
	return 0
}

// WindowAttention records attention of each query to the Window positions that
// end with its own; qkv and kv are as RoPE leaves them. partials has room for
// AttentionPartials values; more tokens than one do without.
func (r *Recorder) WindowAttention(s reference.AttentionShape, qkv, kv, partials, out *gpu.Buffer) {
	if s.Ring < s.Window+r.Tokens-1 {
		r.Program.Fail(fmt.Errorf("kernel window_attention: a ring of %d positions for a window of %d and chunks of %d, want at least %d",
			s.Ring, s.Window, r.Tokens, s.Window+r.Tokens-1))
	}
	r.want("window_attention", "qkv", qkv, r.Tokens, s.Heads+2*s.KVHeads, s.HeadDim)
	r.want("window_attention", "KV ring", kv, 2, s.Ring, s.KVHeads, s.HeadDim)
	r.want("window_attention", "out", out, r.Tokens, s.Heads, s.HeadDim)
	c := shaders.Constants{
		"HEADS": s.Heads, "KV_HEADS": s.KVHeads, "HEAD_DIM": s.HeadDim, "RING": s.Ring, "WINDOW": s.Window,
		"SCALE": 1 / math.Sqrt(float64(s.HeadDim)), "QUAD": s.HeadDim%4 == 0,
	}
	columns := s.HeadDim / 2
	if s.HeadDim%4 == 0 {
		columns = s.HeadDim / 4
	}
	c["BLOCKS"] = int(blocks(columns, attentionSize))
	if r.Tokens > 1 {
		queries, keys, staged := attentionTile(s.HeadDim, int(r.Device.Info().Limits.MaxWorkgroupStorage)/4)
		groups := 1
		for groups*2 <= attentionSize/columns && groups < queries {
			groups *= 2
		}
		c["BQ"], c["VALUE_GROUPS"], c["SCORED"], c["SUMMED"] = queries, groups, queries*keys/attentionSize, queries/groups
		c["KEYS"], c["STAGED"] = keys, staged
		r.dispatch("window_attention", c, [3]uint32{uint32(s.Heads), blocks(r.Tokens, queries), 1}, qkv, kv, out, r.Cursor)
		return
	}
	splits := AttentionSplits(r.variant(), s.Window)
	slices := largestDivisor(attentionSize, attentionSize/columns)
	near := largestDivisor(8, columns)
	c["SPLITS"], c["WHOLE"], c["SLICES"], c["TOGETHER"] = splits, splits == 1, slices, largestDivisor(8, attentionSize/slices)
	c["NEAR"], c["ROUNDS"], c["STRIDES"] = near, near, int(blocks(columns, near))
	grid := [3]uint32{uint32(s.Heads), uint32(splits), 1}
	if splits == 1 {
		r.dispatch("window_attention_split", c, grid, qkv, kv, out, r.Cursor)
		return
	}
	r.want("window_attention", "partials", partials, s.Heads, splits, s.HeadDim+2)
	r.dispatch("window_attention_split", c, grid, qkv, kv, partials, r.Cursor)
	r.dispatch("window_attention_merge", shaders.Constants{"HEADS": s.Heads, "HEAD_DIM": s.HeadDim, "SPLITS": splits},
		[3]uint32{blocks(s.Heads*s.HeadDim, 64), 1, 1}, partials, out)
}

// attentionTile is how many queries and keys a workgroup takes at once, and
// whether the keys are staged: as many as workgroup memory, in words, has room for.
func attentionTile(headDim, storage int) (queries, keys int, staged bool) {
	for _, t := range [][2]int{{32, 32}, {32, 16}, {16, 16}, {16, 8}, {8, 16}} {
		if q, k := t[0], t[1]; q*headDim+k*(headDim+4)+k*q+attentionSize+q <= storage {
			return q, k, true
		}
	}
	queries = 32
	for queries > 8 && queries*headDim+33*queries+attentionSize > storage {
		queries /= 2
	}
	return queries, 32, false
}

// largestDivisor is the largest divisor of n, a power of two, that is at most limit, and 1 at least.
func largestDivisor(n, limit int) int {
	for n > 1 && n > limit {
		n /= 2
	}
	return n
}

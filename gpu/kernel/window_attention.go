package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// The kernels' workgroups have this many threads; so many keys make a split at least.
const attentionSize = 128

// sharing is how one token's attention is dealt out to workgroups.
type sharing struct {
	group  int // query heads of one KV head that a workgroup takes together
	slots  int // scores of a thread at once
	parts  int // workgroups for the queries of a KV head
	splits int // workgroups that share the keys
}

// sharingOf chooses it. Full attention reads keys and values once for as many
// queries as there is room for, and splits them so that hundreds of workgroups
// have some when there are many. One token's window has few: what counts there
// is that all of them are read at once. A batch of so many sequences, 0 for
// none, has keys enough for the GPU with fewer splits, and reads them once for
// several queries whatever the window. Measured on an H200
// (BenchmarkTokenAttention).
func sharingOf(v Variant, s reference.AttentionShape, storage, sequences int) sharing {
	perKV := s.Heads / s.KVHeads
	if v.CPU || s.Window > 0 && sequences == 0 {
		d := sharing{group: 1, slots: 1, parts: perKV, splits: 1}
		if !v.CPU {
			d.splits = min(int(blocks(s.Window, attentionSize)), 64)
		}
		return d
	}
	d := sharing{group: 1, slots: 1}
	for _, try := range [][2]int{{8, 2}, {8, 1}, {4, 2}, {4, 1}, {2, 2}, {2, 1}} {
		group, slots := try[0], try[1]
		if group/2 < perKV && group <= slots*nearOf(s) && group*s.HeadDim+attentionSize*(slots*(nearMost+2)+1+4)+group <= storage {
			d.group, d.slots = group, slots
			break
		}
	}
	d.parts = int(blocks(perKV, d.group))
	least, most, workgroups := 64, maxSplits, 512
	if sequences > 0 {
		least, most, workgroups = 1, sharingOf(v, s, storage, 0).splits, 2048 // a row's partials have room for one token's splits
		if s.Window > 0 {
			d.slots, workgroups = 1, 512
		}
	}
	for d.splits = least; 2*d.splits <= most && max(sequences, 1)*d.splits*s.KVHeads*d.parts < workgroups; {
		d.splits *= 2
	}
	return d
}

// A key's columns are shared by at most so many threads; and how many splits window_attention_merge takes.
const nearMost, maxSplits = 8, 256

// columnsOf is the number of vectors in a head: of 4 values where they divide it, else of 2.
func columnsOf(s reference.AttentionShape) int {
	if s.HeadDim%4 == 0 {
		return s.HeadDim / 4
	}
	return s.HeadDim / 2
}

// nearOf is how many threads share a key.
func nearOf(s reference.AttentionShape) int { return largestDivisor(nearMost, columnsOf(s)) }

func (r *Recorder) sharing(s reference.AttentionShape) sharing {
	if r.tunedSharing != nil {
		return *r.tunedSharing
	}
	return sharingOf(r.variant(), s, r.storage(), r.Slots)
}

// storage is workgroup memory, in words.
func (r *Recorder) storage() int { return int(r.Device.Info().Limits.MaxWorkgroupStorage) / 4 }

// AttentionPartials is the number of values that WindowAttention needs beside
// its own buffers when one token attends; 0 for none.
func (r *Recorder) AttentionPartials(s reference.AttentionShape) int {
	s = doubled(s)
	if splits := r.sharing(s).splits; splits > 1 {
		return s.Heads * splits * (s.HeadDim + 2)
	}
	return 0
}

// ring tells a kernel how positions lie in the KV ring.
func ring(c shaders.Constants, s reference.AttentionShape) {
	if c["FULL"] = s.Window == 0; s.Window > 0 {
		c["RING"] = s.Ring
	}
}

// WindowAttention records attention of each query to the Window positions that
// end with its own, or to all; qkv and kv are as RoPE leaves them. Full
// attention takes kv as large as it is, [2, ring, kv_heads, head_dim]. partials
// has room for AttentionPartials values for each row of a batch; more tokens of
// one sequence do without. Of differential attention out has the heads that
// DifferentialAttention makes pairs of.
func (r *Recorder) WindowAttention(s reference.AttentionShape, qkv, kv, partials, out *gpu.Buffer) {
	if r.Slots == 0 && s.Window > 0 && s.Ring < s.Window+r.Tokens-1 {
		r.Program.Fail(fmt.Errorf("kernel window_attention: a ring of %d positions for a window of %d and chunks of %d, want at least %d",
			s.Ring, s.Window, r.Tokens, s.Window+r.Tokens-1))
	}
	r.want("window_attention", "qkv", qkv, r.Tokens, s.RowHeads(), s.HeadDim)
	r.want("window_attention", "KV ring", kv, r.places(), 2, s.Ring, s.KVHeads, s.HeadDim)
	row := s.RowHeads()
	s = doubled(s)
	r.want("window_attention", "out", out, r.Tokens, s.Heads, s.HeadDim)
	c := shaders.Constants{
		"ROW": row, "DIFFERENTIAL": s.Differential,
		"HEADS": s.Heads, "KV_HEADS": s.KVHeads, "HEAD_DIM": s.HeadDim,
		"SCALE": s.Factor(), "QUAD": s.HeadDim%4 == 0,
	}
	if ring(c, s); s.Window > 0 {
		c["WINDOW"] = s.Window
	}
	columns := columnsOf(s)
	c["BLOCKS"] = int(blocks(columns, attentionSize))
	if t, ok := r.matrixTile(s); ok && r.Tokens > 1 && r.Slots == 0 {
		subgroup := r.variant().Subgroup
		size := t.warps * subgroup
		c["SUBGROUP"], c["WARPS"], c["SIZE"], c["KEYS"] = subgroup, t.warps, size, t.keys
		c["KEY_BLOCKS"], c["DEPTH"], c["ROWS"], c["OWN"] = t.keys/16, s.HeadDim/16, 64/subgroup, t.keys/4
		c["TURNS"], c["TILE_ROWS"] = t.keys*columns/size, max(2*t.keys, 16*t.warps)
		r.dispatch("window_attention_matrix", c, [3]uint32{uint32(s.Heads), blocks(r.Tokens, 16*t.warps), 1}, qkv, kv, out, r.Cursor)
		return
	}
	if r.Tokens > 1 && r.Slots == 0 {
		queries, keys, staged := attentionTile(s.HeadDim, r.storage())
		groups := 1
		for groups*2 <= attentionSize/columns && groups < queries {
			groups *= 2
		}
		pairs, keyed := queries*keys/attentionSize, 1
		for keyed*keyed*4 <= pairs {
			keyed *= 2
		}
		c["BQ"], c["KEYS"], c["STAGED"], c["KEYED"], c["SCORED"], c["PAIRS"] = queries, keys, staged, keyed, pairs/keyed, pairs
		summed := queries / groups
		c["VALUE_GROUPS"], c["SUMMED"], c["QUARTERS"], c["FOURS"] = groups, summed, summed/4, summed%4 == 0
		r.dispatch("window_attention", c, [3]uint32{uint32(s.Heads), blocks(r.Tokens, queries), 1}, qkv, kv, out, r.Cursor)
		return
	}
	if r.variant().CPU && columns <= lanesMost {
		threads, together := attentionLanes(s, r.storage())
		c["SIZE"], c["TOGETHER"], c["COLUMNS"] = threads, together, columns
		r.dispatch("window_attention_lanes", c, [3]uint32{uint32(s.Heads / together), 1, uint32(r.Tokens)}, qkv, kv, out, r.Cursor)
		return
	}
	d := r.sharing(s)
	near, tile := nearOf(s), attentionSize/d.group*d.slots
	slices := largestDivisor(tile, attentionSize/columns)
	c["GROUP"], c["PARTS"], c["SLOTS"], c["SPLITS"], c["WHOLE"] = d.group, d.parts, d.slots, d.splits, d.splits == 1
	c["SLICES"], c["TOGETHER"] = slices, largestDivisor(8, tile/slices)
	c["NEAR"], c["ROUNDS"], c["STRIDES"] = near, tile*near/attentionSize, int(blocks(columns, near))
	grid := [3]uint32{uint32(s.KVHeads * d.parts), uint32(d.splits), uint32(r.Tokens)}
	if d.splits == 1 {
		r.dispatch("window_attention_split", c, grid, qkv, kv, out, r.Cursor)
		return
	}
	r.want("window_attention", "partials", partials, r.Tokens, s.Heads, d.splits, s.HeadDim+2)
	r.dispatch("window_attention_split", c, grid, qkv, kv, partials, r.Cursor)
	r.dispatch("window_attention_merge", shaders.Constants{
		"HEADS": r.Tokens * s.Heads, "HEAD_DIM": s.HeadDim, "SPLITS": d.splits, "SLICES": largestDivisor(256, 256/s.HeadDim), "TOGETHER": min(d.splits, 8),
	}, [3]uint32{uint32(r.Tokens * s.Heads), 1, 1}, partials, out)
}

// window_attention_lanes keeps so many vectors of a query and of a sum in
// registers at most: what is unrolled for more takes long to compile.
const lanesMost = 64

// attentionLanes is how many threads of a processor share a key head's keys,
// and how many of its query heads they serve at once: as many as registers and
// workgroup memory, in words, have room for.
func attentionLanes(s reference.AttentionShape, storage int) (threads, together int) {
	threads, together = 8, 4
	for together > 1 && (s.Heads/s.KVHeads%together != 0 || together*columnsOf(s) > lanesMost || threads*together*(s.HeadDim+2) > storage) {
		together--
	}
	for threads > 1 && threads*together*(s.HeadDim+2) > storage {
		threads /= 2
	}
	return threads, together
}

// matrixTile is how window_attention_matrix deals out a chunk: 16 queries to a
// subgroup of a workgroup, and so many keys to a tile.
type matrixTile struct{ warps, keys int }

// words is how much workgroup memory a tile takes, 4 bytes each.
func (t matrixTile) words(headDim int) int {
	return max(2*t.keys, 16*t.warps)*(headDim+8)/2 + 16*t.warps*(t.keys+4) + 16*t.warps*(t.keys+8)/2
}

// matrixTile chooses it, 64 queries and 32 keys where there is room (measured on
// an H100, BenchmarkAttention); false where the device has no matrix units, or
// they do not suit the shape: a subgroup's sums have to stay in registers.
func (r *Recorder) matrixTile(s reference.AttentionShape) (matrixTile, bool) {
	v := r.variant()
	if !v.Matrix || v.CPU || r.Exact || v.Subgroup < 4 || v.Subgroup > 64 || s.HeadDim%16 != 0 || s.HeadDim > 128 {
		return matrixTile{}, false
	}
	tiles := []matrixTile{{4, 32}, {2, 32}}
	if r.tunedAttention != (matrixTile{}) {
		tiles = []matrixTile{r.tunedAttention}
	}
	for _, t := range tiles {
		if t.words(s.HeadDim) <= r.storage() && t.keys*s.HeadDim/4%(t.warps*v.Subgroup) == 0 {
			return t, true
		}
	}
	return matrixTile{}, false
}

// attentionTile is how many queries and keys a workgroup takes at once, and
// whether the keys are staged: as many as workgroup memory, in words, has room for.
func attentionTile(headDim, storage int) (queries, keys int, staged bool) {
	pitch := headDim + 4
	for _, t := range [][2]int{{64, 32}, {32, 32}, {32, 16}, {16, 16}, {16, 8}, {8, 16}} {
		if q, k := t[0], t[1]; (q+k)*pitch+k*(q+4)+attentionSize+q <= storage {
			return q, k, true
		}
	}
	queries = 32
	for queries > 8 && queries*pitch+32*(queries+4)+attentionSize+queries > storage {
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

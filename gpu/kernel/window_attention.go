package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// The kernels' workgroups have this many threads; this many keys make a split at least.
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
// is that all of them are read at once. A batch of this many sequences, 0 for
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

// mergeColumns is how many of a head's values a workgroup of window_attention_merge joins: as
// few as are read in one stretch, so that many threads share the splits.
const mergeColumns = 32

// A key's columns are shared by at most this many threads; and how many splits window_attention_merge takes.
const nearMost, maxSplits = 8, 256

// columnsOf is the number of vectors in a head: of 4 values where they divide it, else of 2.
func columnsOf(headDim int) int {
	if headDim%4 == 0 {
		return headDim / 4
	}
	return headDim / 2
}

// columnBlocks is how often all threads take a vector of a head.
func columnBlocks(headDim int) int { return int(blocks(columnsOf(headDim), attentionSize)) }

// nearOf is how many threads share a key.
func nearOf(s reference.AttentionShape) int { return largestDivisor(nearMost, columnsOf(s.HeadDim)) }

func (p planner) sharing(s reference.AttentionShape) sharing {
	if p.tuned.sharing != nil {
		return *p.tuned.sharing
	}
	return sharingOf(p.Variant, s, p.storage, p.slots)
}

// AttentionPartials is the number of values that WindowAttention needs beside
// its own buffers when one token attends; 0 for none.
func (r *Recorder) AttentionPartials(s reference.AttentionShape) int {
	s = doubled(s)
	if splits := r.planner().sharing(s).splits; splits > 1 {
		return s.Heads * splits * splitPitch(s.HeadDim)
	}
	return 0
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
	p, s, row := r.wantAttention(s, qkv, kv)
	r.want("window_attention", "out", out, r.Tokens, s.Heads, s.HeadDim)
	attend, merge := p.windowAttention(s, row)
	if merge == nil {
		r.record(attend, qkv, kv, out, r.Cursor)
		return
	}
	r.want("window_attention", "partials", partials, r.Tokens, s.Heads, merge.kernel.(windowAttentionMerge).SPLITS, splitPitch(s.HeadDim))
	r.record(attend, qkv, kv, partials, r.Cursor)
	r.recordHalved(*merge, out, s.Heads*s.HeadDim, partials, out)
}

// Splits is one token's attention as workgroups that share its keys left it in
// their partials: [heads, splits, head_dim + 4], or that of each of those that go apart.
type Splits struct{ heads, headDim, splits int }

// pitch is how many values there are of a token.
func (s *Splits) pitch() int { return s.heads * s.splits * splitPitch(s.headDim) }

// joinedMost is how many splits a linear layer joins at most: its threads have what
// all of them say in registers.
const joinedMost = 16

// splitPitch is how many values a split leaves of a head: window_attention_split.wgsl.
func splitPitch(headDim int) int { return headDim + 4 }

// SplitAttention is WindowAttention whose outcome stays in partials, for reader, which
// takes them as LinearOptions.Splits. It is nil, and nothing is recorded, where the
// keys are not split, or in too many for it.
func (r *Recorder) SplitAttention(reader *Weight, s reference.AttentionShape, qkv, kv, partials *gpu.Buffer) *Splits {
	p, doubled, row := r.wantAttention(s, qkv, kv)
	attend, merge := p.windowAttention(doubled, row)
	if merge == nil || s.Differential || r.Slots > 0 {
		return nil
	}
	splits := &Splits{s.Heads, s.HeadDim, merge.kernel.(windowAttentionMerge).SPLITS}
	if !p.joins(reader, splits) {
		return nil
	}
	r.want("window_attention", "partials", partials, r.Tokens, splits.pitch())
	r.record(attend, qkv, kv, partials, r.Cursor)
	return splits
}

// joins tells whether a layer for one token can read splits.
func (p planner) joins(reader *Weight, s *Splits) bool {
	if s.splits > joinedMost || s.headDim%4 != 0 || reader.In != s.heads*s.headDim {
		return false
	}
	for _, part := range reader.Parts {
		if !p.matvec(reader, part, LinearOptions{XStride: s.pitch(), Add: true, Splits: s}).kernel.(matvecAdd).STAGED {
			return false
		}
	}
	return true
}

// wantAttention fails the recording if qkv or kv is smaller than attention takes. Its
// planner, its shape, doubled if differential, and the heads in a row of qkv come back.
func (r *Recorder) wantAttention(s reference.AttentionShape, qkv, kv *gpu.Buffer) (planner, reference.AttentionShape, int) {
	r.want("window_attention", "qkv", qkv, r.Tokens, s.RowHeads(), s.HeadDim)
	p := r.planner()
	r.want("window_attention", "KV ring", kv, p.places(), 2, s.Ring, s.KVHeads, headWords(s))
	return p, doubled(s), s.RowHeads()
}

// attentionConstants are those of shared/attention.wgsl.
type attentionConstants struct {
	cursorConstants
	HEADS, KV_HEADS, HEAD_DIM, ROW, RING, WINDOW, SIZE int
	SCALE                                              float64
	QUAD, DIFFERENTIAL, FULL, HALVES                   bool
}

func (p planner) attentionConstants(s reference.AttentionShape, row int) attentionConstants {
	c := attentionConstants{
		cursorConstants: p.cursor(),
		HEADS:           s.Heads, KV_HEADS: s.KVHeads, HEAD_DIM: s.HeadDim, ROW: row, SIZE: attentionSize,
		SCALE: s.Factor(), QUAD: s.HeadDim%4 == 0, DIFFERENTIAL: s.Differential, HALVES: s.Halves,
	}
	c.FULL, c.RING, c.WINDOW = ring(s)
	return c
}

// windowAttention plans attention of a shape, doubled if it is differential, with
// rows of this many heads; merge is nil unless several workgroups share the keys.
func (p planner) windowAttention(s reference.AttentionShape, row int) (attend plan, merge *plan) {
	c := p.attentionConstants(s, row)
	if p.tokens > 1 && p.slots == 0 && !p.apart {
		if t, ok := p.matrixTile(s); ok {
			return p.attentionMatrix(t, c), nil
		}
		return p.attentionTiles(c), nil
	}
	if p.CPU && columnsOf(s.HeadDim) <= lanesMost {
		return p.attentionLanes(s, c), nil
	}
	return p.attentionSplit(s, c)
}

type windowAttentionMatrix struct {
	attentionConstants
	SUBGROUP, WARPS, KEYS, KEY_BLOCKS, DEPTH_BLOCKS, ROWS, OWN, TURNS, TILE_ROWS int
}

func (windowAttentionMatrix) stem() string { return "window_attention_matrix" }

// attentionMatrix is a chunk's attention on matrix units.
func (p planner) attentionMatrix(t matrixTile, c attentionConstants) plan {
	c.SIZE = t.warps * p.Subgroup
	return plan{windowAttentionMatrix{
		attentionConstants: c,
		SUBGROUP:           p.Subgroup, WARPS: t.warps, KEYS: t.keys, KEY_BLOCKS: t.keys / 16, DEPTH_BLOCKS: c.HEAD_DIM / 16, ROWS: 64 / p.Subgroup, OWN: t.keys / 4,
		TURNS: t.keys * columnsOf(c.HEAD_DIM) / c.SIZE, TILE_ROWS: max(2*t.keys, 16*t.warps),
	}, [3]uint32{uint32(c.HEADS), blocks(p.tokens, 16*t.warps), 1}}
}

type windowAttention struct {
	attentionConstants
	BQ, KEYS, VALUE_GROUPS, BLOCKS, KEYED, SCORED, PAIRS, SUMMED, QUARTERS int
	STAGED, FOURS                                                          bool
}

func (windowAttention) stem() string { return "window_attention" }

// attentionTiles is a chunk's attention in fp32.
func (p planner) attentionTiles(c attentionConstants) plan {
	queries, keys, staged := attentionTile(c.HEAD_DIM, p.storage)
	groups := 1
	for groups*2 <= attentionSize/columnsOf(c.HEAD_DIM) && groups < queries {
		groups *= 2
	}
	pairs, keyed := queries*keys/attentionSize, 1
	for keyed*keyed*4 <= pairs {
		keyed *= 2
	}
	summed := queries / groups
	return plan{windowAttention{
		attentionConstants: c,
		BQ:                 queries, KEYS: keys, VALUE_GROUPS: groups, BLOCKS: columnBlocks(c.HEAD_DIM), KEYED: keyed, SCORED: pairs / keyed, PAIRS: pairs,
		SUMMED: summed, QUARTERS: summed / 4, STAGED: staged, FOURS: summed%4 == 0,
	}, [3]uint32{uint32(c.HEADS), blocks(p.tokens, queries), 1}}
}

type windowAttentionLanes struct {
	attentionConstants
	TOGETHER, COLUMNS int
}

func (windowAttentionLanes) stem() string { return "window_attention_lanes" }

// attentionLanes is one token's attention on a processor.
func (p planner) attentionLanes(s reference.AttentionShape, c attentionConstants) plan {
	threads, together := attentionLanes(s, p.storage)
	c.SIZE = threads
	return plan{windowAttentionLanes{attentionConstants: c, TOGETHER: together, COLUMNS: columnsOf(c.HEAD_DIM)},
		[3]uint32{uint32(s.Heads / together), 1, uint32(p.tokens)}}
}

type windowAttentionSplit struct {
	attentionConstants
	GROUP, PARTS, SLOTS, SPLITS, SLICES, TOGETHER, BLOCKS, NEAR, ROUNDS, STRIDES int
	WHOLE                                                                        bool
}

func (windowAttentionSplit) stem() string { return "window_attention_split" }

type windowAttentionMerge struct {
	halvedConstants
	HEADS, ROW_HEADS, HEAD_DIM, SPLITS, COLUMNS, TOGETHER int
}

func (windowAttentionMerge) stem() string { return "window_attention_merge" }

// attentionSplit is one token's attention on a GPU, or that of each row of a batch.
func (p planner) attentionSplit(s reference.AttentionShape, c attentionConstants) (attend plan, merge *plan) {
	d := p.sharing(s)
	near, tile := nearOf(s), attentionSize/d.group*d.slots
	slices := largestDivisor(tile, attentionSize/columnsOf(c.HEAD_DIM))
	attend = plan{windowAttentionSplit{
		attentionConstants: c,
		GROUP:              d.group, PARTS: d.parts, SLOTS: d.slots, SPLITS: d.splits, WHOLE: d.splits == 1,
		SLICES: slices, TOGETHER: largestDivisor(8, tile/slices), BLOCKS: columnBlocks(c.HEAD_DIM),
		NEAR: near, ROUNDS: tile * near / attentionSize, STRIDES: int(blocks(columnsOf(c.HEAD_DIM), near)),
	}, [3]uint32{uint32(s.KVHeads * d.parts), uint32(d.splits), uint32(p.tokens)}}
	if d.splits == 1 {
		return attend, nil
	}
	return attend, &plan{windowAttentionMerge{
		halvedConstants: p.halved(p.halves(s.Heads * s.HeadDim)),
		HEADS:           p.tokens * s.Heads, ROW_HEADS: s.Heads, HEAD_DIM: s.HeadDim, SPLITS: d.splits, COLUMNS: mergeColumns, TOGETHER: min(int(blocks(d.splits, 256/mergeColumns)), 8),
	}, [3]uint32{uint32(p.tokens * s.Heads), blocks(s.HeadDim, mergeColumns), 1}}
}

// window_attention_lanes keeps this many vectors of a query and of a sum in
// registers at most: what is unrolled for more takes long to compile.
const lanesMost = 64

// attentionLanes is how many threads of a processor share a key head's keys,
// and how many of its query heads they serve at once: as many as registers and
// workgroup memory, in words, have room for.
func attentionLanes(s reference.AttentionShape, storage int) (threads, together int) {
	threads, together = 8, 4
	for together > 1 && (s.Heads/s.KVHeads%together != 0 || together*columnsOf(s.HeadDim) > lanesMost || threads*together*(s.HeadDim+2) > storage) {
		together--
	}
	for threads > 1 && threads*together*(s.HeadDim+2) > storage {
		threads /= 2
	}
	return threads, together
}

// matrixTile is how window_attention_matrix deals out a chunk: 16 queries to a
// subgroup of a workgroup, and this many keys to a tile.
type matrixTile struct{ warps, keys int }

// words is how much workgroup memory a tile takes, 4 bytes each.
func (t matrixTile) words(headDim int) int {
	return max(2*t.keys, 16*t.warps)*(headDim+8)/2 + 16*t.warps*(t.keys+4) + 16*t.warps*(t.keys+8)/2
}

// matrixTile chooses it, 64 queries and 32 keys where there is room (measured on
// an H100, BenchmarkAttention); false where the device has no matrix units, or
// they do not suit the shape: a subgroup's sums have to stay in registers.
func (p planner) matrixTile(s reference.AttentionShape) (matrixTile, bool) {
	if !p.Matrix || p.CPU || p.exact || p.Subgroup < 4 || p.Subgroup > 64 || s.HeadDim%16 != 0 || s.HeadDim > 128 {
		return matrixTile{}, false
	}
	tiles := []matrixTile{{4, 32}, {2, 32}}
	if p.tuned.attention != (matrixTile{}) {
		tiles = []matrixTile{p.tuned.attention}
	}
	for _, t := range tiles {
		if t.words(s.HeadDim) <= p.storage && t.keys*s.HeadDim/4%(t.warps*p.Subgroup) == 0 {
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

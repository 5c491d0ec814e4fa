package kernel

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// allKernels has every kernel, as the shaders' names have them.
var allKernels = []kernel{
	adjust{}, blocksW{}, blocksX{}, bytesX{}, causalConv1D{}, convRows{}, diffCombine{}, embedding{}, gate{}, groupNorm{}, guessesJudge{}, guessesPlace{}, layerNorm{}, logprobs{}, matmul{}, matmulBatch{},
	matmulBlocks{}, matmulBytes{}, matmulDirect{}, matvec{}, matvecAdd{}, matvecConv{}, matvecGate{}, matvecRope{}, normDBC{}, packAffine{}, rmsnorm{}, rooflineFMA{}, rooflineRead{}, rope{}, sample{}, sampleParts{}, score{},
	selectiveScan{}, selectiveStateUpdate{}, squaredReLU{}, ssdScan{}, swiglu{}, takeState{}, windowAttention{}, windowAttentionLanes{}, windowAttentionMatrix{},
	windowAttentionMerge{}, windowAttentionSplit{},
}

// fieldsOf collects a kernel's fields by name: "bool", "u32" or "f32", and the embedded struct that has it, if one has.
func fieldsOf(t *testing.T, s reflect.Type, group string, kinds, groups map[string]string) {
	t.Helper()
	for i := range s.NumField() {
		f := s.Field(i)
		kind := map[reflect.Kind]string{reflect.Bool: "bool", reflect.Int: "u32", reflect.Float32: "f32", reflect.Float64: "f32"}[f.Type.Kind()]
		switch {
		case f.Anonymous:
			fieldsOf(t, f.Type, f.Name, kinds, groups)
		case kind == "":
			t.Errorf("%v.%s is a %v, want bool, int or float", s, f.Name, f.Type)
		default:
			kinds[f.Name], groups[f.Name] = kind, group
		}
	}
}

// Go and WGSL speak of the same constants: each that a shader has a kernel's struct gives, with its type, and each that
// a struct gives its shader has. What several shaders share at least one of them must speak of.
func TestConstants(t *testing.T) {
	var stems []string
	unread := map[string]string{} // a group's constant that no shader reads yet: in which kernel
	read := map[string]bool{}
	for _, k := range allKernels {
		stem := k.stem()
		stems = append(stems, stem)
		names, err := shaders.Names(stem)
		if err != nil {
			t.Error(err)
			continue
		}
		kinds, groups := map[string]string{}, map[string]string{}
		fieldsOf(t, reflect.TypeOf(k), "", kinds, groups)
		for name, kind := range names {
			if kinds[name] != kind {
				t.Errorf("shaders/%s.wgsl has a %s %s; in Go %T has %q for it", stem, kind, name, k, kinds[name])
			}
		}
		for name := range kinds {
			shared := groups[name] + "." + name
			switch {
			case names[name] != "":
				read[shared] = true
			case groups[name] == "":
				t.Errorf("%T gives %s, of which shaders/%s.wgsl and what it includes say nothing", k, name, stem)
			default:
				unread[shared] = fmt.Sprintf("%T", k)
			}
		}
	}
	for shared, k := range unread {
		if !read[shared] {
			t.Errorf("%s, in %s and perhaps others: no shader speaks of it", shared, k)
		}
	}
	slices.Sort(stems)
	if want := shaders.Stems(); !slices.Equal(stems, want) {
		t.Errorf("kernels %v, want one for each shader: %v", stems, want)
	}
}

// The devices that the tables speak of.
var (
	baseline  = planner{size: 256, storage: 4096}
	large     = planner{Variant: Variant{Subgroup: 32}, size: 1024, storage: 12288}
	dots      = planner{Variant: Variant{Subgroup: 32, Dots: true}, size: 1024, storage: 12288}
	matrices  = planner{Variant: Variant{Subgroup: 32, F16: true, Matrix: true}, size: 1024, storage: 12288, room: room{1 << 30, 1 << 30}}
	stock     = planner{Variant: Variant{Subgroup: 32, Dots: true}, size: 1024, storage: 12288, room: room{1 << 30, 1 << 30}} // a browser's without experimental features
	processor = planner{Variant: Variant{CPU: true}, size: 1024, storage: 8192}
)

// of is a planner's for this many tokens, or a batch of this many slots.
func (p planner) of(tokens, slots int) planner {
	p.tokens, p.slots = tokens, slots
	return p
}

// brief is a plan in a line: the kernel, those of its constants that are named and not zero, the grid.
func brief(p plan, names ...string) string {
	line, fields := p.kernel.stem(), reflect.ValueOf(p.kernel)
	for _, name := range names {
		if f := fields.FieldByName(name); f.IsValid() && !f.IsZero() {
			line += fmt.Sprintf(" %s=%v", name, f)
		}
	}
	return line + fmt.Sprint(" ", p.grid)
}

func TestLinearPlans(t *testing.T) {
	weight := func(dtype reference.DType, out, in int) *Weight {
		return &Weight{DType: dtype, Out: out, In: in, Group: 64, Parts: []Part{{Rows: out}}}
	}
	gain := gpu.Phantom("gain", 4)
	conv := &Conv{DInner: 1024, DConv: 4}
	window := &RoPE{Shape: reference.AttentionShape{Heads: 12, KVHeads: 4, HeadDim: 64, Window: 512, Ring: 1024}, Angles: gain}
	halved := weight(reference.Q4, 4096, 1024)
	halved.Parts = []Part{{Rows: 3000}, {Row0: 3000, Rows: 1096}}
	halved.Bias, halved.Factor = gpu.Phantom("bias", 4*4096), 0.5
	there := matrices
	there.there = true
	tight := matrices
	tight.room.w = 100 << 10
	for _, c := range []struct {
		name string
		p    planner
		w    *Weight
		o    LinearOptions
		want []string
	}{
		{"few outputs: many lanes", baseline.of(1, 0), weight(reference.Q4, 256, 2048), LinearOptions{},
			[]string{"matvec VALUES=32 SIZE=128 LANES=16 ROWS=1 N=1 SUMS=1 SUBGROUP=1 WARP=1 STAGED=true SHARED=true FACTOR=1 [1 32 1]"}},
		{"few outputs of a long x", large.of(1, 0), weight(reference.Q8, 288, 8192), LinearOptions{},
			[]string{"matvec VALUES=16 SIZE=512 LANES=128 ROWS=1 N=1 SUMS=1 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true SHARED=true FACTOR=1 [1 72 1]"}},
		{"large, where integers are multiplied four at a time: x in digits", dots.of(1, 0), weight(reference.Q4, 4096, 8192), LinearOptions{Add: true},
			[]string{"matvec_add VALUES=32 SIZE=512 LANES=32 ROWS=2 N=2 SUMS=2 SUBGROUP=32 WARP=32 STAGED=true DIGITS=true SUBGROUPS=true FACTOR=1 [1 128 1]"}},
		{"small: x in fp32", dots.of(1, 0), weight(reference.Q4, 1536, 4096), LinearOptions{Add: true},
			[]string{"matvec_add VALUES=32 SIZE=512 LANES=32 ROWS=1 N=1 SUMS=1 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true FACTOR=1 [1 96 1]"}},
		{"subgroups", large.of(1, 0), weight(reference.Q4, 1024, 2048), LinearOptions{Add: true},
			[]string{"matvec_add VALUES=32 SIZE=512 LANES=32 ROWS=1 N=1 SUMS=1 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true FACTOR=1 [1 64 1]"}},
		{"a workgroup of 512 where there are 256", baseline.of(1, 0), weight(reference.Q8, 2048, 1024), LinearOptions{},
			[]string{"matvec VALUES=16 SIZE=256 LANES=32 ROWS=2 N=2 SUMS=2 SUBGROUP=1 WARP=1 STAGED=true SHARED=true FACTOR=1 [1 128 1]"}},
		{"x has no room in workgroup memory: squares are summed along", baseline.of(1, 0), weight(reference.Q8, 8192, 4096), LinearOptions{Gain: gain},
			[]string{"matvec VALUES=16 SIZE=256 LANES=32 ROWS=2 N=2 SUMS=3 SUBGROUP=1 WARP=1 SHARED=true NORM=true FACTOR=1 [1 512 1]"}},
		{"odd rows", large.of(1, 0), weight(reference.F16, 600, 13), LinearOptions{},
			[]string{"matvec VALUES=1 SIZE=512 LANES=32 ROWS=1 N=1 SUMS=1 SUBGROUP=32 WARP=32 SUBGROUPS=true FACTOR=1 [1 38 1]"}},
		{"a processor", processor.of(1, 0), weight(reference.F32, 1000, 64), LinearOptions{},
			[]string{"matvec VALUES=4 SIZE=16 LANES=1 ROWS=8 N=8 SUMS=8 SUBGROUP=1 WARP=1 FACTOR=1 [1 8 1]"}},
		{"the last of a chunk", large.of(512, 0), weight(reference.Q4, 50304, 768), LinearOptions{Last: true, Gain: gain},
			[]string{"matvec VALUES=32 SIZE=256 LANES=16 ROWS=2 N=2 SUMS=2 SUBGROUP=16 WARP=32 STAGED=true SUBGROUPS=true NORM=true LAST=true FACTOR=1 [1 1572 1]"}},
		{"a vocabulary beyond one direction of the grid", baseline.of(1, 0), weight(reference.F16, 1<<21, 64), LinearOptions{},
			[]string{"matvec VALUES=4 SIZE=256 LANES=16 ROWS=2 N=2 SUMS=2 SUBGROUP=1 WARP=1 STAGED=true SHARED=true FACTOR=1 [1 32768 2]"}},
		{"LayerNorm on the way", large.of(1, 0), weight(reference.Q4, 5120, 2560), LinearOptions{Gain: gain, Layer: gain},
			[]string{"matvec VALUES=32 SIZE=512 LANES=16 ROWS=1 N=1 SUMS=1 SUBGROUP=16 WARP=32 STAGED=true SUBGROUPS=true LAYER=true FACTOR=1 [1 160 1]"}},
		{"gate and up", large.of(1, 0), weight(reference.Q4, 6144, 1024), LinearOptions{SwiGLU: true},
			[]string{"matvec_gate VALUES=32 SIZE=256 LANES=16 ROWS=1 N=2 SUMS=2 SUBGROUP=16 WARP=32 STAGED=true SUBGROUPS=true PAIRED=true FACTOR=1 [1 192 1]"}},
		{"in_proj with its convolution", large.of(1, 0), weight(reference.Q4, 4096, 1024), LinearOptions{Conv: conv},
			[]string{"matvec_conv VALUES=32 SIZE=256 LANES=16 ROWS=2 N=2 SUMS=2 SUBGROUP=16 WARP=32 STAGED=true SUBGROUPS=true D_INNER=1024 D_CONV=4 TAPS=3 FACTOR=1 [1 128 1]"}},
		{"heads that turn", large.of(1, 0), weight(reference.Q4, 20*64, 768), LinearOptions{RoPE: window},
			[]string{"matvec_rope VALUES=32 SIZE=256 LANES=32 ROWS=1 N=2 SUMS=2 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true PAIRED=true HEADS=12 RING=1024 FACTOR=1 [1 80 1]"}},
		{"the splits of attention on the way", large.of(1, 0), weight(reference.Q4, 1536, 1536), LinearOptions{Add: true, Splits: &Splits{12, 128, 16}},
			[]string{"matvec_add VALUES=32 SIZE=512 LANES=32 ROWS=1 N=1 SUMS=1 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true JOINED=true SPLITS=16 COLUMNS=32 FACTOR=1 [1 96 1]"}},
		{"two parts, bias and factor", large.of(1, 0), halved, LinearOptions{}, []string{
			"matvec VALUES=32 SIZE=512 LANES=32 ROWS=2 N=2 SUMS=2 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true FACTOR=0.5 BIAS=true [1 94 1]",
			"matvec VALUES=32 SIZE=512 LANES=32 ROWS=1 N=1 SUMS=1 SUBGROUP=32 WARP=32 STAGED=true SUBGROUPS=true ROW0=3000 FACTOR=0.5 BIAS=true [1 69 1]"}},
		{"a chunk", baseline.of(130, 0), weight(reference.Q4, 1000, 768), LinearOptions{Add: true}, []string{"matmul ADD=true VECTORS=true EIGHTS=true FACTOR=1 [16 3 1]"}},
		{"a chunk, odd strides", baseline.of(130, 0), weight(reference.F32, 1000, 768), LinearOptions{XStride: 769}, []string{"matmul FACTOR=1 [16 3 1]"}},
		{"two tokens on a processor", processor.of(2, 0), weight(reference.F32, 1000, 64), LinearOptions{},
			[]string{"matmul_direct SIZE=16 LANES=1 VECTORS=true EIGHTS=true TOKENS=2 FACTOR=1 [16 1 1]"}},
		{"a batch", large.of(16, 16), weight(reference.Q4, 1024, 768), LinearOptions{},
			[]string{"matmul_direct SIZE=128 LANES=32 SUBGROUPS=true BATCH=true PLACES=16 VECTORS=true EIGHTS=true TOKENS=4 FACTOR=1 [64 4 1]"}},
		{"a batch without subgroups, many rows", baseline.of(16, 16), weight(reference.Q4, 8192, 768), LinearOptions{},
			[]string{"matmul_direct SIZE=128 LANES=32 SHARED=true BATCH=true PLACES=16 VECTORS=true EIGHTS=true TOKENS=8 FACTOR=1 [512 2 1]"}},
		{"a batch on matrix units", matrices.of(3, 16), weight(reference.Q8, 4096, 768), LinearOptions{},
			[]string{"blocks_x BATCH=true PLACES=16 VECTORS=true [6 1 1]", "matmul_batch VALUES=4 SUBGROUP=32 BATCH=true PLACES=16 FN=2 GK=8 STEPS=2 WORDS=2 TOKEN_BLOCKS=1 FACTOR=1 [128 1 1]"}},
		{"its x lies there, 20 of it", there.of(20, 32), weight(reference.Q4, 160, 1024), LinearOptions{Halved: true},
			[]string{"matmul_batch VALUES=2 SUBGROUP=32 BATCH=true PLACES=32 FN=1 GK=16 STEPS=2 WORDS=1 HALVED=true TOKEN_BLOCKS=2 FACTOR=1 [10 2 1]"}},
		{"its gate and up", there.of(16, 16), weight(reference.Q4, 6144, 1024), LinearOptions{SwiGLU: true},
			[]string{"matmul_batch VALUES=2 SUBGROUP=32 BATCH=true PLACES=16 FN=2 GK=8 STEPS=2 WORDS=1 GATED=true HALVED=true TOKEN_BLOCKS=1 FACTOR=1 [192 1 1]"}},
		{"rows that 32 divides, and not 64", there.of(9, 9), weight(reference.F16, 4096, 96), LinearOptions{Add: true},
			[]string{"matmul_batch VALUES=4 SUBGROUP=32 BATCH=true PLACES=9 ADD=true FN=2 GK=8 STEPS=2 WORDS=4 TOKEN_BLOCKS=1 FACTOR=1 [128 1 1]"}},
		{"rows that 16 divides, and not 32", there.of(9, 9), weight(reference.F16, 4096, 48), LinearOptions{},
			[]string{"matmul_batch VALUES=4 SUBGROUP=32 BATCH=true PLACES=9 FN=2 GK=8 STEPS=2 WORDS=4 TOKEN_BLOCKS=1 FACTOR=1 [128 1 1]"}},
		{"odd rows in a batch", there.of(9, 9), weight(reference.F16, 4096, 40), LinearOptions{},
			[]string{"matmul_direct SIZE=128 LANES=32 SUBGROUPS=true BATCH=true PLACES=9 VECTORS=true EIGHTS=true TOKENS=4 FACTOR=1 [256 3 1]"}},
		{"too few sequences for them", matrices.of(4, 4), weight(reference.Q8, 4096, 768), LinearOptions{},
			[]string{"matmul_direct SIZE=128 LANES=32 SUBGROUPS=true BATCH=true PLACES=4 VECTORS=true EIGHTS=true TOKENS=4 FACTOR=1 [256 1 1]"}},
		{"a chunk on matrix units, W at once", matrices.of(300, 0), weight(reference.Q4, 2048, 768), LinearOptions{}, []string{
			"blocks_x VECTORS=true [6 24 1]", "blocks_w [6 128 1]", "matmul_blocks SUBGROUP=32 FM=4 FN=2 GM=2 GN=2 GK=1 STEPS=2 FACTOR=1 [3 32 1]"}},
		{"W in slices of 64 rows", tight.of(300, 0), weight(reference.Q4, 100, 512), LinearOptions{}, []string{
			"blocks_x VECTORS=true [4 20 1]",
			"blocks_w [4 6 1]", "matmul_blocks SUBGROUP=32 FM=2 FN=2 GM=2 GN=1 GK=4 STEPS=1 FACTOR=1 [5 3 1]",
			"blocks_w [4 2 1]", "matmul_blocks SUBGROUP=32 FM=2 FN=2 GM=2 GN=1 GK=4 STEPS=1 FACTOR=1 [5 1 1]"}},
		{"a chunk in whole numbers of 8 bits", stock.of(300, 0), weight(reference.Q4, 6144, 1536), LinearOptions{Add: true}, []string{
			"bytes_x VECTORS=true [48 6 1]", "matmul_bytes ADD=true TM=8 TN=4 GM=8 GN=16 STEPS=2 FACTOR=1 [96 5 1]"}},
		{"of fewer rows, x at an odd stride", stock.of(300, 0), weight(reference.Q8, 1536, 1536), LinearOptions{XStride: 1537}, []string{
			"bytes_x [48 6 1]", "matmul_bytes TM=8 TN=4 GM=8 GN=16 STEPS=2 FACTOR=1 [24 5 1]"}},
		{"in two parts", stock.of(2, 0), halved, LinearOptions{}, []string{
			"bytes_x VECTORS=true [32 2 1]", "matmul_bytes TM=8 TN=4 GM=8 GN=16 STEPS=2 FACTOR=0.5 BIAS=true [47 1 1]", "matmul_bytes TM=8 TN=4 GM=8 GN=16 STEPS=2 FACTOR=0.5 BIAS=true [18 1 1]"}},
		{"no room for it", dots.of(300, 0), weight(reference.Q4, 6144, 1536), LinearOptions{}, []string{"matmul VECTORS=true EIGHTS=true FACTOR=1 [96 5 1]"}},
		{"few rows stay in fp32", stock.of(300, 0), weight(reference.Q8, 128, 3072), LinearOptions{}, []string{"matmul_direct SIZE=128 LANES=32 SUBGROUPS=true VECTORS=true EIGHTS=true TOKENS=8 FACTOR=1 [8 38 1]"}},
		{"so does a short x", stock.of(300, 0), weight(reference.Q8, 3072, 96), LinearOptions{}, []string{"matmul VECTORS=true EIGHTS=true FACTOR=1 [48 5 1]"}},
		{"and a batch", stock.of(16, 16), weight(reference.Q4, 1024, 768), LinearOptions{},
			[]string{"matmul_direct SIZE=128 LANES=32 SUBGROUPS=true BATCH=true PLACES=16 VECTORS=true EIGHTS=true TOKENS=4 FACTOR=1 [64 4 1]"}},
		{"no room for fp16", baseline.of(300, 0), weight(reference.Q4, 2048, 768), LinearOptions{}, []string{"matmul VECTORS=true EIGHTS=true FACTOR=1 [32 5 1]"}},
		{"more bits than fp16 has", matrices.of(300, 0), weight(reference.BF16, 2048, 768), LinearOptions{}, []string{"matmul VECTORS=true EIGHTS=true FACTOR=1 [32 5 1]"}},
	} {
		if c.o.XStride == 0 {
			c.o.XStride = c.w.In
		}
		var got []string
		var plans []plan
		for _, step := range c.p.linear(c.w, c.o) {
			plans = append(plans, step.plan)
			got = append(got, brief(step.plan, "VALUES", "SIZE", "LANES", "ROWS", "N", "SUMS", "SUBGROUP", "WARP", "STAGED", "DIGITS", "SUBGROUPS", "SHARED", "NORM", "LAST", "PAIRED", "BATCH", "PLACES",
				"ADD", "D_INNER", "D_CONV", "TAPS", "HEADS", "RING", "ROW0", "VECTORS", "EIGHTS", "TOKENS", "TM", "TN", "FM", "FN", "GM", "GN", "GK", "STEPS", "WORDS", "GATED", "HALVED", "TOKEN_BLOCKS", "JOINED", "LAYER", "SPLITS", "COLUMNS", "FACTOR", "BIAS"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		writable(t, c.name, plans)
	}
}

// writable holds plans to what every GPU asks of a grid, and to a text without open names.
func writable(t *testing.T, name string, plans []plan) {
	t.Helper()
	for _, p := range plans {
		if text, err := shaders.Specialize(p.kernel.stem(), p.kernel); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(text, "override ") {
			t.Errorf("%s: an override is left in %s", name, p.kernel.stem())
		}
		for _, n := range p.grid {
			if n < 1 || n > 65535 {
				t.Errorf("%s: a grid of %v", name, p.grid)
			}
		}
	}
}

func TestOtherPlans(t *testing.T) {
	window := reference.AttentionShape{Heads: 12, KVHeads: 4, HeadDim: 64, Window: 512, Ring: 1024}
	full := reference.AttentionShape{Heads: 32, KVHeads: 8, HeadDim: 128, Ring: 4096}
	attention := func(p planner, s reference.AttentionShape) []plan {
		attend, merge := p.windowAttention(s, s.RowHeads())
		if merge == nil {
			return []plan{attend}
		}
		return []plan{attend, *merge}
	}
	exact := matrices.of(512, 0)
	exact.exact = true
	mamba2 := reference.SSDShape{Heads: 24, HeadDim: 64, DState: 128, Groups: 1}
	mamba := reference.ScanShape{DInner: 1536, DState: 16, DConv: 4, DTRank: 48}
	dtProj := &Weight{DType: reference.F16, Out: 1536, In: 48, Parts: []Part{{Rows: 1536}}}
	carried := Conv{DInner: 1000, DConv: 4, Carry: true}
	one := func(p plan) []plan { return []plan{p} }
	for _, c := range []struct {
		name  string
		plans []plan
		want  []string
	}{
		{"a chunk's attention", attention(baseline.of(512, 0), window), []string{"window_attention SIZE=128 KEYS=16 BQ=32 STAGED=true WINDOW=512 RING=1024 [12 16 1]"}},
		{"on matrix units", attention(matrices.of(512, 0), window), []string{"window_attention_matrix SIZE=128 SUBGROUP=32 KEYS=32 WARPS=4 WINDOW=512 RING=1024 TURNS=4 [12 8 1]"}},
		{"in fp32 nevertheless", attention(exact, window), []string{"window_attention SIZE=128 KEYS=32 BQ=64 STAGED=true WINDOW=512 RING=1024 [12 8 1]"}},
		{"one token's window", attention(large.of(1, 0), window), []string{
			"window_attention_split SIZE=128 SPLITS=4 GROUP=1 SLOTS=1 TOGETHER=8 WINDOW=512 RING=1024 [12 4 1]", "window_attention_merge SPLITS=4 TOGETHER=1 [12 2 1]"}},
		{"all positions: the ring's size is not in the kernel", attention(large.of(1, 0), full), []string{
			"window_attention_split SIZE=128 SPLITS=64 GROUP=4 SLOTS=2 TOGETHER=8 FULL=true [8 64 1]", "window_attention_merge SPLITS=64 TOGETHER=8 [32 4 1]"}},
		{"one token on a processor", attention(processor.of(1, 0), window), []string{"window_attention_lanes SIZE=8 TOGETHER=3 WINDOW=512 RING=1024 [4 1 1]"}},
		{"a sampler's many workgroups", one(large.of(1, 0).sampleParts(200064, 128, 64)), []string{"sample_parts SIZE=256 PER=8 LANES=32 [98 1 1]"}},
		{"a small vocabulary's", one(baseline.of(1, 0).sampleParts(5000, 128, 64)), []string{"sample_parts SIZE=256 PER=1 LANES=16 [20 1 1]"}},
		{"a batch's", one(processor.of(3, 8).sampleParts(5000, 128, 64)), []string{"sample_parts SIZE=8 BATCH=true PLACES=8 PER=2 LANES=8 [313 3 1]"}},
		{"the one that draws", one(large.of(1, 0).sample(262144, 512)), []string{"sample SIZE=1024 SUBGROUP=32 SUBGROUPS=true TWO_LEVELS=true [1 1 1]"}},
		{"one without subgroups", one(baseline.of(1, 0).sample(5000, 512)), []string{"sample SIZE=256 SUBGROUP=1 [1 1 1]"}},
		{"a batch's that draws", one(processor.of(3, 8).sample(5000, 512)), []string{"sample SIZE=64 SUBGROUP=1 BATCH=true PLACES=8 [3 1 1]"}},
		{"Mamba's chunk", one(baseline.of(512, 0).selectiveScan(mamba)), []string{"selective_scan SIZE=32 TILE=8 VECTORS=true [48 1 1]"}},
		{"Mamba's batch", one(baseline.of(5, 8).selectiveScan(mamba)), []string{"selective_scan SIZE=32 BATCH=true PLACES=8 TILE=1 VECTORS=true [48 5 1]"}},
		{"Mamba's token", one(large.of(1, 0).selectiveStateUpdate(mamba, dtProj, nil, dtProj.Parts[0])), []string{"selective_state_update SUBGROUPS=true GROUP=1 PER=2 LANES=16 TURNS=1 [384 1 1]"}},
		{"without subgroups", one(baseline.of(1, 0).selectiveStateUpdate(mamba, dtProj, nil, dtProj.Parts[0])), []string{"selective_state_update SHARED=true GROUP=1 PER=2 LANES=16 TURNS=1 [384 1 1]"}},
		{"on a processor", one(processor.of(1, 0).selectiveStateUpdate(mamba, dtProj, nil, dtProj.Parts[0])), []string{"selective_state_update GROUP=1 PER=2 LANES=1 TURNS=16 [24 1 1]"}},
		{"Mamba-2's chunk", one(large.of(512, 0).ssdScan(mamba2, 3352, 1536)), []string{"ssd_scan TILE=16 LANES=16 CHANNELS=8 VECTORS=true Z_FACTOR=1 [192 1 1]"}},
		{"Mamba-2's token on a processor", one(processor.of(1, 0).ssdScan(mamba2, 3352, 1536)), []string{"ssd_scan TILE=1 LANES=4 CHANNELS=8 VECTORS=true Z_FACTOR=1 [192 1 1]"}},
		{"a convolution that carries its state", one(baseline.of(100, 0).causalConv1D(carried)), []string{"causal_conv1d RUN=8 [16 13 1]"}},
		{"a batch's convolution", one(baseline.of(7, 8).causalConv1D(carried)), []string{"causal_conv1d BATCH=true PLACES=8 RUN=1 [16 7 1]"}},
		{"a norm", one(baseline.of(9, 0).rmsnorm(770, 1e-5)), []string{"rmsnorm SIZE=256 [9 1 1]"}},
		{"a batch's norm, for a product on matrix units", one(matrices.of(9, 16).rmsnorm(768, 1e-5)), []string{"rmsnorm SIZE=256 VECTORS=true HALVED=true TOKEN_BLOCKS=1 [9 1 1]"}},
		{"too few for them", one(matrices.of(3, 4).rmsnorm(768, 1e-5)), []string{"rmsnorm SIZE=256 VECTORS=true [3 1 1]"}},
		{"Mamba's batch where 8 buffers are bound at most", one(matrices.of(9, 16).selectiveScan(mamba)), []string{"selective_scan SIZE=32 BATCH=true PLACES=16 TILE=1 VECTORS=true [48 9 1]"}},
		{"a norm on a processor", one(processor.of(9, 0).rmsnorm(768, 1e-5)), []string{"rmsnorm SIZE=8 VECTORS=true [9 1 1]"}},
		{"a gated norm's groups", one(baseline.of(9, 0).groupNorm(4, 64, 1e-5, false, reference.Gate{Stride: 512})), []string{"group_norm SIZE=256 Z_FACTOR=1 [9 4 1]"}},
		{"heads that turn", one(baseline.of(9, 0).rope(RoPE{Shape: window})), []string{"rope SIZE=64 NOPE=true RING=1024 [10 9 1]"}},
	} {
		var got []string
		for _, p := range c.plans {
			got = append(got, brief(p, "SIZE", "SUBGROUP", "SUBGROUPS", "SHARED", "TWO_LEVELS", "BATCH", "PLACES", "KEYS", "BQ", "STAGED", "WARPS", "SPLITS", "GROUP", "SLOTS", "TOGETHER",
				"FULL", "WINDOW", "NOPE", "RING", "PER", "HELD", "TILE", "LANES", "CHANNELS", "TURNS", "RUN", "VECTORS", "HALVED", "TOKEN_BLOCKS", "Z_FACTOR", "CUTS", "BF16", "Q4"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		writable(t, c.name, c.plans)
	}
}

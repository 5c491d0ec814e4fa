enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// A subgroup's number comes from its threads' numbers, which no analysis knows to be one for all of them.
diagnostic(off, chromium.subgroup_matrix_uniformity);
// matmul.wgsl on matrix units for a batch: products of fp16 values, summed in fp32, for weights of at most 16 bits.
//
// A workgroup makes 16 tokens by FN blocks of 16 rows. Its GK subgroups share the walk along k, STEPS blocks deep at a
// time. x lies in blocks of fp16 (shared/halved.wgsl) and is read where it lies; W is read once as it lies in memory, and
// becomes fp16 in workgroup memory, each subgroup's in tiles of its own. The next words are on their way while these are
// multiplied.
//
// Every matrix is loaded from an array of its own, at a constant place and stride, and every place in a tile is a number
// whose bounds follow from %: elsewhere WebGPU's implementations check bounds, which took most of the time.
//
// WIDTH % 16 == 0. A token's sums are added in the same order whatever the other tokens are, and however many.
// GATED    W holds gate's rows, then up's: y = SiLU(gate) * up. The first half of a workgroup's blocks are of gate.
// HALVED   y becomes the next product's x, too
//#include shared/cursor.wgsl
//#if FOURS
alias Words = vec4<u32>;
//#else
//#if PAIRS
alias Words = vec2<u32>;
//#else
alias Words = u32;
//#endif
//#endif
@group(0) @binding(0) var<storage, read> weight: array<Words>;
//#include shared/weight.wgsl
@group(0) @binding(2) var<storage, read> x: array<array<f16, 256>>;
//#include shared/matmul_y.wgsl
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
//#include shared/matmul_sizes.wgsl
//#include shared/halved.wgsl
//#if HALVED
@group(0) @binding(6) var<storage, read_write> halved: array<f16>;
//#endif
//#if GATED
//#include shared/activation.wgsl
//#endif

override SUBGROUP: u32; // a multiple of 16
override FN: u32;
override GK: u32;
override STEPS: u32;
override BUFFERS: u32;  // tiles in turn: with 2 one is filled while the other one is read
override SPAN: u32;     // eights of W's row that a thread brings at a time: 32 STEPS / SUBGROUP
override WORDS: u32;    // of eight weights
override VALUES: u32;   // of Words: 1, 2 or 4
override EACH: u32;     // of Words: SPAN WORDS / VALUES
override OUTS: u32;     // blocks of 16 rows of y: FN, or half of them where GATED
override OWN: u32;      // sums of a thread, of a block
const SIZE = GK * SUBGROUP;
const LANES = SUBGROUP / 16u;   // threads that share a row
const DEEP = 16u * STEPS;
const PITCH = 24u;              // halves of a tile's row: eights of eight rows lie in banks of their own
const TILE = 16u * PITCH;
const BLOCKS = FN * STEPS;
const TILES = BUFFERS * GK * BLOCKS;
const LOADS = FN * EACH;

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

var<workgroup> tiles: array<array<f16, TILE>, TILES>;
var<workgroup> sums: array<array<f32, 256>, GK>;

// What is on its way of W, and its scales and biases
struct Brought {
    w: array<Words, LOADS>,
    affine: array<u32, FN>,
}

// Rows past the last are the last again, and nothing of theirs is written; past a row's end are zeros.
fn bring(b: ptr<function, Brought>, block0: u32, k0: u32, lane: u32) {
    let k = k0 + lane % LANES * SPAN * 8u;
    for (var n = 0u; n < FN; n++) { //#unroll
        let own = (block0 + n % OUTS) * 16u + lane / LANES;
//#if GATED
        let row = min(own, sizes.rows / 2u - 1u) + n / OUTS * (sizes.rows / 2u);
//#else
        let row = min(own, sizes.rows - 1u);
//#endif
        let eighth = (row * sizes.width + k) / 8u;
        for (var j = 0u; j < EACH; j++) { //#unroll
            (*b).w[n * EACH + j] = Words();
            if k < sizes.width {
                (*b).w[n * EACH + j] = weight[eighth * WORDS / VALUES + j];
            }
        }
//#if QUANTIZED
        (*b).affine[n] = 0u;
        if k < sizes.width {
            (*b).affine[n] = affine[eighth * 8u / GROUP];
        }
//#endif
    }
}

//#if QUANTIZED
const MOST = vec2<f16>(65504.0h);
//#if Q4
const MASK = 0x000f000fu;
//#else
const MASK = 0x00ff00ffu;
//#endif

// Two quantized values, at the lower ends of both halves of bits: put behind the ones of 1024.0, they are 1024 + q.
fn dequantized(bits: u32, a: vec2<f16>) -> vec2<f16> {
    let q = bitcast<vec2<f16>>((bits & MASK) | 0x64006400u) - vec2<f16>(1024.0h);
    return clamp(fma(q, vec2<f16>(a.x), vec2<f16>(a.y)), -MOST, MOST);
}

fn pair(low: f16, high: f16) -> u32 {
    return bitcast<u32>(vec2<f16>(low, high));
}
//#endif

// Eight weights: four pairs of neighbours
fn eight(low: u32, high: u32, last: vec2<u32>, a: vec2<f16>) -> vec4<u32> {
//#if Q4
    let p0 = dequantized(low, a);
    let p1 = dequantized(low >> 4u, a);
    let p2 = dequantized(low >> 8u, a);
    let p3 = dequantized(low >> 12u, a);
    return vec4<u32>(pair(p0.x, p1.x), pair(p2.x, p3.x), pair(p0.y, p1.y), pair(p2.y, p3.y));
//#else
//#if Q8
    let p0 = dequantized(low, a);
    let p1 = dequantized(low >> 8u, a);
    let p2 = dequantized(high, a);
    let p3 = dequantized(high >> 8u, a);
    return vec4<u32>(pair(p0.x, p1.x), pair(p0.y, p1.y), pair(p2.x, p3.x), pair(p2.y, p3.y));
//#else
    return vec4<u32>(low, high, last);
//#endif
//#endif
}

// Word i of what a thread has brought
fn word(b: ptr<function, Brought>, i: u32) -> u32 {
//#if FOURS
    return (*b).w[i / 4u][i % 4u];
//#else
//#if PAIRS
    return (*b).w[i / 2u][i % 2u];
//#else
    return (*b).w[i];
//#endif
//#endif
}

// Pairs of an eight are written beginning with another one by threads whose eights lie in the same banks.
fn stage(b: ptr<function, Brought>, turn: u32, thread: u32) {
    let lane = thread % SUBGROUP;
    let first = (turn % BUFFERS * GK + thread / SUBGROUP % GK) * BLOCKS;
    let row = lane / LANES % 16u;
    let begin = (lane % LANES + row / 8u * 2u) % 4u;
    for (var n = 0u; n < FN; n++) { //#unroll
//#if QUANTIZED
        let a = vec2<f16>(affine_pair((*b).affine[n]));
//#else
        let a = vec2<f16>();
//#endif
        for (var e = 0u; e < SPAN; e++) { //#unroll
            let i = (n * SPAN + e) * WORDS;
            let across = lane % LANES * SPAN + e;
            let tile = first + n * STEPS + across / 2u;
            let at = row * PITCH + across % 2u * 8u;
//#if Q4
            let v = eight(word(b, i), 0u, vec2<u32>(), a);
//#else
//#if Q8
            let v = eight(word(b, i), word(b, i + 1u), vec2<u32>(), a);
//#else
            let v = eight(word(b, i), word(b, i + 1u), vec2<u32>(word(b, i + 2u), word(b, i + 3u)), a);
//#endif
//#endif
//#if TURNED
            var turned = select(v, v.yzwx, (begin & 1u) != 0u);
            turned = select(turned, turned.zwxy, (begin & 2u) != 0u);
            for (var j = 0u; j < 4u; j++) { //#unroll
                let to = at + (j + begin) % 4u * 2u;
                let two = bitcast<vec2<f16>>(turned[j]);
                tiles[tile][to] = two.x;
                tiles[tile][to + 1u] = two.y;
            }
//#else
            for (var j = 0u; j < 4u; j++) { //#unroll
                let two = bitcast<vec2<f16>>(v[j]);
                tiles[tile][at + j * 2u] = two.x;
                tiles[tile][at + j * 2u + 1u] = two.y;
            }
//#endif
        }
    }
}

// The sum of those that share a walk, in the order of their shares
fn total(i: u32) -> f32 {
    var sum = 0.0;
    for (var p = 0u; p < GK; p++) { //#unroll const
        sum += sums[p][i % 256u];
    }
    return sum;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let t0 = group.y * 16u;
    if t0 >= cursor.count {
        return;
    }
    let block0 = group.x * OUTS;
    let lane = thread % SUBGROUP;
    let subgroup = thread / SUBGROUP % GK;
    let x_last = sizes.width / 16u - 1u;
    let turns = (sizes.width + DEEP * GK - 1u) / (DEEP * GK);
    var acc: array<Sum, FN>;
    var brought: Brought;
    bring(&brought, block0, subgroup * DEEP, lane);
    for (var turn = 0u; turn < turns; turn++) {
        let k_block = (turn * GK + subgroup) * STEPS;
        // Past a row's end W is zero, and x is a token's own.
        var left: array<Left, STEPS>;
        for (var q = 0u; q < STEPS; q++) { //#unroll const
            left[q] = subgroupMatrixLoad<Left, row_major>(&x[min(k_block + q, x_last) * TOKEN_BLOCKS + group.y], 0u, 16u);
        }
        stage(&brought, turn, thread);
        workgroupBarrier();
        bring(&brought, block0, (k_block + STEPS * GK) * 16u, lane);
        for (var q = 0u; q < STEPS; q++) { //#unroll const
            for (var n = 0u; n < FN; n++) { //#unroll const
                let right = subgroupMatrixLoad<Right, col_major>(&tiles[(turn % BUFFERS * GK + subgroup) * BLOCKS + n * STEPS + q], 0u, PITCH);
                acc[n] = subgroupMatrixMultiplyAccumulate(left[q], right, acc[n]);
            }
        }
//#if !DOUBLE
        workgroupBarrier();
//#endif
    }
    for (var n = 0u; n < OUTS; n++) { //#unroll const
        var v: array<f32, OWN>;
        subgroupMatrixStore<row_major>(&sums[subgroup], 0u, acc[n], 16u);
        workgroupBarrier();
        for (var j = 0u; j < OWN; j++) { //#unroll
            v[j] = total(thread + j * SIZE);
        }
        workgroupBarrier();
//#if GATED
        subgroupMatrixStore<row_major>(&sums[subgroup], 0u, acc[OUTS + n], 16u);
        workgroupBarrier();
//#endif
        for (var j = 0u; j < OWN; j++) { //#unroll
            let i = thread + j * SIZE;
            let t = t0 + i / 16u;
            let r = (block0 + n) * 16u + i % 16u;
//#if GATED
            let there = i < 256u && t < cursor.count && r < sizes.rows / 2u;
            if there {
                let h = silu(finished(v[j], r)) * finished(total(i), r + sizes.rows / 2u);
                y[t * sizes.y_stride + r] = h;
//#if HALVED
                halved[halved_at(t, r)] = half(h);
//#endif
            }
//#else
            if i < 256u && t < cursor.count && r < sizes.rows {
                put(t, r, v[j]);
//#if HALVED
                halved[halved_at(t, r)] = half(finished(v[j], r));
//#endif
            }
//#endif
        }
//#if GATED
        workgroupBarrier();
//#endif
    }
}

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// A subgroup's number comes from its threads' numbers, which no analysis knows to be one for all of them.
diagnostic(off, chromium.subgroup_matrix_uniformity);
// matmul.wgsl on matrix units for a batch: products of fp16 values, summed in fp32, for weights of at most 16 bits.
//
// A workgroup makes 16 tokens by FN blocks of 16 rows. Its GK subgroups share the walk along k, STEPS blocks deep at a
// time; each brings its own x and W, which is read once as it lies in memory, and becomes fp16 in workgroup memory. The
// next ones are on their way while these are multiplied.
//
// WIDTH % 8 == 0. A token's sums are added in the same order whatever the other tokens are, and however many.
//#include shared/matmul.wgsl
//#include shared/halves.wgsl

override SUBGROUP: u32;
override FN: u32;
override GK: u32;
override STEPS: u32;    // a multiple of 2
override WORDS: u32;    // of eight weights
override X_TURNS: u32;  // eights of x that a thread brings at a time: 32 STEPS / SUBGROUP
override W_TURNS: u32;  // eights of W: FN X_TURNS
override W_WORDS: u32;  // their words
const SIZE = GK * SUBGROUP;
const ACROSS = 2u * STEPS;      // eights of a tile's row
const PITCH = 16u * STEPS + 8u; // halves of it: padded against bank conflicts
const W_TILE = 16u * PITCH;     // where a subgroup's W begins, behind its x
const TILE = W_TILE * (1u + FN);
const TILES = TILE * GK;
const SUMS = 256u * GK;

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

var<workgroup> tiles: array<f16, TILES>;
var<workgroup> sums: array<f32, SUMS>;

// What is on its way: eights of x, words of W, and their scales and biases
struct Brought {
    x: array<array<vec4<f32>, 2>, X_TURNS>,
    w: array<u32, W_WORDS>,
    affine: array<u32, W_TURNS>,
}

// Rows and tokens past the last are the last again, and nothing of theirs is written; past a row's end are zeros.
fn bring(b: ptr<function, Brought>, row0: u32, t0: u32, k0: u32, lane: u32) {
    for (var n = 0u; n < X_TURNS; n++) { //#unroll
        let i = n * SUBGROUP + lane;
        let k = k0 + i % ACROSS * 8u;
        (*b).x[n] = array<vec4<f32>, 2>();
        if k < sizes.width {
            let at = (min(t0 + i / ACROSS, cursor.count - 1u) * sizes.x_stride + k) / 4u;
            (*b).x[n] = array<vec4<f32>, 2>(x[at], x[at + 1u]);
        }
    }
    for (var n = 0u; n < W_TURNS; n++) { //#unroll
        let i = n * SUBGROUP + lane;
        let k = k0 + i % ACROSS * 8u;
        let eighth = (min(row0 + i / ACROSS, sizes.rows - 1u) * sizes.width + k) / 8u;
        for (var j = 0u; j < WORDS; j++) { //#unroll
            (*b).w[n * WORDS + j] = 0u;
            if k < sizes.width {
                (*b).w[n * WORDS + j] = weight[eighth * WORDS + j];
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

// An eight lies in a tile as four pairs, in the order in which W's words give them up: of 4 bits 0 4, 1 5, 2 6, 3 7, of
// 8 bits 0 2, 1 3, 4 6, 5 7. Neighbours across begin with another pair each, so that a subgroup's threads find banks of
// their own.
fn put_pair(row: u32, across: u32, p: u32, pair: vec2<f16>) {
    let to = row + across * 8u + p * 2u;
    tiles[to] = pair.x;
    tiles[to + 1u] = pair.y;
}

fn put_eight(row: u32, across: u32, eight: vec4<u32>) {
    var v = select(eight, eight.yzwx, (across & 1u) != 0u);
    v = select(v, v.zwxy, (across & 2u) != 0u);
    for (var j = 0u; j < 4u; j++) { //#unroll
        put_pair(row, across, (j + across) % 4u, bitcast<vec2<f16>>(v[j]));
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
//#endif

fn stage(b: ptr<function, Brought>, tile: u32, lane: u32) {
    for (var n = 0u; n < X_TURNS; n++) { //#unroll
        let i = n * SUBGROUP + lane;
        let low = (*b).x[n][0];
        let high = (*b).x[n][1];
//#if Q4
        let eight = halves(vec4<f32>(low.x, high.x, low.y, high.y), vec4<f32>(low.z, high.z, low.w, high.w));
//#else
//#if Q8
        let eight = halves(low.xzyw, high.xzyw);
//#else
        let eight = halves(low, high);
//#endif
//#endif
        put_eight(tile + i / ACROSS * PITCH, i % ACROSS, eight);
    }
    for (var n = 0u; n < W_TURNS; n++) { //#unroll
        let i = n * SUBGROUP + lane;
        let row = tile + W_TILE + i / ACROSS * PITCH;
        let across = i % ACROSS;
//#if QUANTIZED
        let a = vec2<f16>(affine_pair((*b).affine[n]));
        for (var j = 0u; j < 4u; j++) { //#unroll
            let p = (j + across) % 4u;
//#if Q4
            put_pair(row, across, p, dequantized((*b).w[n] >> (4u * p), a));
//#else
            put_pair(row, across, p, dequantized(select((*b).w[2u * n], (*b).w[2u * n + 1u], p > 1u) >> (8u * (p % 2u)), a));
//#endif
        }
//#else
        put_eight(row, across, vec4<u32>((*b).w[n * 4u], (*b).w[n * 4u + 1u], (*b).w[n * 4u + 2u], (*b).w[n * 4u + 3u]));
//#endif
    }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let t0 = group.y * 16u;
    if t0 >= cursor.count {
        return;
    }
    let row0 = group.x * 16u * FN;
    let lane = thread % SUBGROUP;
    let subgroup = thread / SUBGROUP;
    let k0 = subgroup * 16u * STEPS;
    let tile = subgroup * TILE;
    var acc: array<Sum, FN>;
    var brought: Brought;
    bring(&brought, row0, t0, k0, lane);
    for (var k = 0u; k < sizes.width; k += 16u * STEPS * GK) {
        stage(&brought, tile, lane);
        workgroupBarrier();
        bring(&brought, row0, t0, k + 16u * STEPS * GK + k0, lane);
        for (var q = 0u; q < STEPS; q++) { //#unroll const
            let left = subgroupMatrixLoad<Left, row_major>(&tiles, tile + 16u * q, PITCH);
            for (var n = 0u; n < FN; n++) { //#unroll const
                let right = subgroupMatrixLoad<Right, col_major>(&tiles, tile + W_TILE * (1u + n) + 16u * q, PITCH);
                acc[n] = subgroupMatrixMultiplyAccumulate(left, right, acc[n]);
            }
        }
        workgroupBarrier();
    }
    // Those that share a walk add up in the order of their shares.
    for (var n = 0u; n < FN; n++) { //#unroll const
        subgroupMatrixStore<row_major>(&sums, subgroup * 256u, acc[n], 16u);
        workgroupBarrier();
        for (var i = thread; i < 256u; i += SIZE) {
            let t = t0 + i / 16u;
            let r = row0 + n * 16u + i % 16u;
            if t < cursor.count && r < sizes.rows {
                var sum = 0.0;
                for (var p = 0u; p < GK; p++) { //#unroll const
                    sum += sums[p * 256u + i];
                }
                put(t, r, sum);
            }
        }
        workgroupBarrier();
    }
}

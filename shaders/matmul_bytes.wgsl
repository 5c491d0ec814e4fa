// matmul.wgsl in whole numbers of 8 bits, for quantized weights on GPUs that multiply four pairs of them in one
// instruction: y[t, r] = FACTOR (sum_k W[r, k] x'[t, k] + bias[r]), where x' is x as bytes_x.wgsl rounds it.
// W [OUT, IN] as in shared/weight.wgsl, IN and GROUP multiples of 32
//
// ADD     y += x W^T: the residual
//
// Within 32 neighbours along k, a group of x and no more than a group of W, products of q and n are summed exactly:
// sum (scale q + bias) unit n = scale unit (sum q n) + bias unit (sum n). A weight of 8 bits counts from 128 on.
//
// A workgroup makes a tile of TM GM tokens by TN GN rows, a thread TM x TN of it; k is walked STEPS groups at a time,
// whose bytes lie in workgroup memory. The next ones are on their way while these are multiplied; with DOUBLE they have
// room of their own, which spares one of two barriers.
//#include shared/cursor.wgsl
//#if Q4
@group(0) @binding(0) var<storage, read> weight: array<vec2<u32>>; // 16 of a row
//#else
@group(0) @binding(0) var<storage, read> weight: array<vec4<u32>>;
//#endif
//#include shared/weight.wgsl
@group(0) @binding(2) var<storage, read> x: array<vec4<u32>>;
//#include shared/matmul_y.wgsl
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
@group(0) @binding(6) var<storage, read> x_groups: array<vec2<f32>>;
//#include shared/matmul_sizes.wgsl

override TM: u32;        // of a thread: tokens,
override TN: u32;        // rows
override GM: u32;        // threads along tokens,
override GN: u32;        // along rows
override STEPS: u32;
override BUFFERS: u32;
override X_EACH: u32;    // halves of groups that a thread brings of x,
override W_EACH: u32;    // of W,
override ABOUT_X: u32;   // units of x,
override ABOUT_W: u32;   // scales of W
const BM = TM * GM;      // a multiple of 64
const BN = TN * GN;
const SIZE = GM * GN;
const OUTPUTS = TM * TN;
const GROUPS = BUFFERS * STEPS;
const HALVES = 2u * GROUPS;

var<workgroup> x_tile: array<array<array<vec4<u32>, GM>, TM>, HALVES>;
var<workgroup> w_tile: array<array<array<vec4<u32>, GN>, TN>, HALVES>;
var<workgroup> x_about: array<array<array<vec2<f32>, GM>, TM>, GROUPS>;
var<workgroup> w_about: array<array<array<vec2<f32>, GN>, TN>, GROUPS>;

// 1.5 * 2^23: a sum that starts with its bits is, read as fp32, as much more than it. Sums of 32 products are below 2^22,
// and a conversion takes longer.
const START = 12582912.0;
const START_BITS = 0x4b400000;

//#if !DOTS
// For tests, on devices that do not have it.
fn dot4I8Packed(a: u32, b: u32) -> i32 {
    let places = vec4<u32>(24u, 16u, 8u, 0u);
    let products = (vec4<i32>(vec4<u32>(a) << places) >> vec4<u32>(24u)) * (vec4<i32>(vec4<u32>(b) << places) >> vec4<u32>(24u));
    return (products.x + products.y) + (products.z + products.w);
}
//#endif

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.x * BN;
    let t0 = group.y * BM;
    if t0 >= cursor.count {
        return;
    }
    let tn = thread % GN;
    let tm = thread / GN;
    let groups = sizes.width / 32u;
    let last = sizes.rows - 1u;
    var acc: array<f32, OUTPUTS>;
    var lies = 0u; // where the groups lie that are multiplied
    // The first turn multiplies nothing, the last one's groups come to nothing.
    for (var g = 0u; g < groups + STEPS; g += STEPS) {
        var x_next: array<vec4<u32>, X_EACH>;
        for (var i = 0u; i < X_EACH; i++) { //#unroll
            let at = thread + i * SIZE;
            let t = at % BM;
            let k = min(2u * g + at / BM, 2u * groups - 1u);
            x_next[i] = x[((t0 + t) / 64u * groups * 2u + k) * 64u + t % 64u];
        }
//#if Q4
        var w_next: array<vec2<u32>, W_EACH>;
//#else
        var w_next: array<vec4<u32>, W_EACH>;
//#endif
        for (var i = 0u; i < W_EACH; i++) { //#unroll
            let at = thread + i * SIZE;
            let k = min(2u * g + at % (2u * STEPS), 2u * groups - 1u);
            w_next[i] = weight[min(row0 + at / (2u * STEPS), last) * groups * 2u + k];
        }
        var x_group: array<vec2<f32>, ABOUT_X>;
        for (var i = 0u; i < ABOUT_X; i++) { //#unroll
            let at = thread + i * SIZE;
            let t = at % BM;
            let k = min(g + at / BM, groups - 1u);
            x_group[i] = x_groups[((t0 + t) / 64u * groups + k) * 64u + t % 64u];
        }
        var w_group: array<u32, ABOUT_W>;
        for (var i = 0u; i < ABOUT_W; i++) { //#unroll
            let at = thread + i * SIZE;
            let k = g + at / BN;
            let word = affine[(min(row0 + at % BN, last) * groups + min(k, groups - 1u)) / (GROUP / 32u)];
            w_group[i] = select(0u, word, k < groups); // past the row's end nothing counts
        }
        if g > 0u {
            for (var s = 0u; s < STEPS; s++) {
                let own = lies + s;
                var low: array<vec4<u32>, TN>;
                var high: array<vec4<u32>, TN>;
                var about: array<vec2<f32>, TN>;
                for (var n = 0u; n < TN; n++) { //#unroll
                    low[n] = w_tile[2u * own][n][tn];
                    high[n] = w_tile[2u * own + 1u][n][tn];
                    about[n] = w_about[own][n][tn];
                }
                for (var m = 0u; m < TM; m++) { //#unroll
                    let a = x_tile[2u * own][m][tm];
                    let b = x_tile[2u * own + 1u][m][tm];
                    let unit = x_about[own][m][tm];
                    for (var n = 0u; n < TN; n++) { //#unroll
                        var sum = START_BITS;
                        sum += dot4I8Packed(low[n].x, a.x);
                        sum += dot4I8Packed(low[n].y, a.y);
                        sum += dot4I8Packed(low[n].z, a.z);
                        sum += dot4I8Packed(low[n].w, a.w);
                        sum += dot4I8Packed(high[n].x, b.x);
                        sum += dot4I8Packed(high[n].y, b.y);
                        sum += dot4I8Packed(high[n].z, b.z);
                        sum += dot4I8Packed(high[n].w, b.w);
                        acc[m * TN + n] += about[n].x * (unit.x * (bitcast<f32>(sum) - START)) + about[n].y * unit.y;
                    }
                }
            }
        }
//#if DOUBLE
        let into = STEPS - lies;
//#else
        let into = lies;
        workgroupBarrier();
//#endif
        for (var i = 0u; i < X_EACH; i++) { //#unroll
            let at = thread + i * SIZE;
            x_tile[2u * into + at / BM][at % BM / GM][at % GM] = x_next[i];
        }
        for (var i = 0u; i < W_EACH; i++) { //#unroll
            let at = thread + i * SIZE;
            let row = at / (2u * STEPS);
//#if Q4
            // Nibbles at even places and those at odd ones.
            let even = w_next[i] & vec2<u32>(0x0f0f0f0fu);
            let odd = (w_next[i] >> vec2<u32>(4u)) & vec2<u32>(0x0f0f0f0fu);
            w_tile[2u * into + at % (2u * STEPS)][row / GN][row % GN] = vec4<u32>(even.x, odd.x, even.y, odd.y);
//#else
            w_tile[2u * into + at % (2u * STEPS)][row / GN][row % GN] = w_next[i] ^ vec4<u32>(0x80808080u);
//#endif
        }
        for (var i = 0u; i < ABOUT_X; i++) { //#unroll
            let at = thread + i * SIZE;
            if at < STEPS * BM {
                x_about[into + at / BM][at % BM / GM][at % GM] = x_group[i];
            }
        }
        for (var i = 0u; i < ABOUT_W; i++) { //#unroll
            let at = thread + i * SIZE;
            if at < STEPS * BN {
                var a = affine_pair(w_group[i]);
//#if Q8
                a.y += 128.0 * a.x;
//#endif
                w_about[into + at / BN][at % BN / GN][at % GN] = a;
            }
        }
        workgroupBarrier();
        lies = into;
    }
    for (var m = 0u; m < TM; m++) { //#unroll
        let t = t0 + m * GM + tm;
        if t < cursor.count {
            for (var n = 0u; n < TN; n++) { //#unroll
                let r = row0 + n * GN + tn;
                if r < sizes.rows {
                    put(t, r, acc[m * TN + n]);
                }
            }
        }
    }
}

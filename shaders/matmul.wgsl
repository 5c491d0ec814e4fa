// A chunk of tokens through a linear layer: y[t, r] = sum_k W[r, k] x[t, k].     W [OUT, IN] as in shared/weight.wgsl
//
// ADD     y += x W^T: the residual
//
// A workgroup makes a tile of BM tokens by BN rows; IN is walked BK at a time, both tiles dequantized into
// workgroup memory as fp32; each thread keeps 4 x 4 sums in registers. Four products of a row lie side by side
// along k, so that a step is a dot of two vec4; a row is padded by one vec4 against bank conflicts.
// The sizes come in a buffer, not as constants: one pipeline serves every layer of a storage type, and weak
// drivers take a second or more to compile it.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#include shared/weight.wgsl
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> cursor: Cursor;
@group(0) @binding(6) var<storage, read> sizes: Sizes;

struct Sizes {
    width: u32,    // IN: weights in a row
    rows: u32,     // OUT: rows of this part of W
    x_stride: u32, // elements between two tokens' x
    y_stride: u32, // elements between two tokens' y
    row0: u32,     // first row of y that this part of W makes
}
const BM = 32u;
const BN = 64u;
const BK = 32u;
const QUADS = BK / 4u;
const PITCH = QUADS + 1u;
const X_TILE = BM * PITCH;
const W_TILE = BN * PITCH;
const SIZE = 128u;       // 8 token groups x 16 row groups of 4

var<workgroup> x_tile: array<vec4<f32>, X_TILE>;
var<workgroup> w_tile: array<vec4<f32>, W_TILE>;

// W[row, col .. col + 3], zeros past the end of the row
fn weight4(row: u32, col: u32) -> vec4<f32> {
    let i = row * sizes.width + col;
//#if QUANTIZED
    if col >= sizes.width {
        return vec4<f32>(0.0);
    }
    let g = i / GROUP;
//#if Q4
    let word = weight[i / 8u];
    let q = low_nibbles(select(word, word >> 16u, (i & 4u) != 0u));
//#else
    let q = bytes(weight[i / 4u]);
//#endif
    return half_at(scales[g / 2u], g) * q + half_at(biases[g / 2u], g);
//#else
    var v = vec4<f32>(0.0);
    for (var j = 0u; j < 4u; j++) {
        if col + j < sizes.width {
            let at = i + j;
//#if F32
            v[j] = bitcast<f32>(weight[at]);
//#endif
//#if F16
            v[j] = unpack2x16float(weight[at / 2u])[at % 2u];
//#endif
//#if BF16
            v[j] = bf16_pair(weight[at / 2u])[at % 2u];
//#endif
        }
    }
    return v;
//#endif
}

fn x4(t: u32, col: u32) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    if t < cursor.count {
        let i = t * sizes.x_stride + col;
        for (var j = 0u; j < 4u; j++) {
            if col + j < sizes.width {
                v[j] = x[i + j];
            }
        }
    }
    return v;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.x * BN;
    let t0 = group.y * BM;
    // Interleaved, so that neighbouring threads read neighbouring rows of the tiles.
    let tn = thread % 16u;
    let tm = thread / 16u;
    var acc: array<vec4<f32>, 4>;
    for (var k = 0u; k < sizes.width; k += BK) {
        for (var i = thread; i < BM * QUADS; i += SIZE) {
            x_tile[i / QUADS * PITCH + i % QUADS] = x4(t0 + i / QUADS, k + i % QUADS * 4u);
        }
        for (var i = thread; i < BN * QUADS; i += SIZE) {
            w_tile[i / QUADS * PITCH + i % QUADS] = weight4(min(row0 + i / QUADS, sizes.rows - 1u), k + i % QUADS * 4u);
        }
        workgroupBarrier();
        for (var q = 0u; q < QUADS; q++) {
            let w0 = w_tile[tn * PITCH + q];
            let w1 = w_tile[(tn + 16u) * PITCH + q];
            let w2 = w_tile[(tn + 32u) * PITCH + q];
            let w3 = w_tile[(tn + 48u) * PITCH + q];
            for (var m = 0u; m < 4u; m++) {
                let v = x_tile[(tm + m * 8u) * PITCH + q];
                acc[m] += vec4<f32>(dot(v, w0), dot(v, w1), dot(v, w2), dot(v, w3));
            }
        }
        workgroupBarrier();
    }
    for (var m = 0u; m < 4u; m++) {
        let t = t0 + tm + m * 8u;
        if t >= cursor.count {
            continue;
        }
        for (var n = 0u; n < 4u; n++) {
            let r = row0 + tn + n * 16u;
            if r < sizes.rows {
//#if ADD
                y[t * sizes.y_stride + sizes.row0 + r] += acc[m][n];
//#else
                y[t * sizes.y_stride + sizes.row0 + r] = acc[m][n];
//#endif
            }
        }
    }
}

// A chunk of tokens through a linear layer: y[t, r] = FACTOR (sum_k W[r, k] x[t, k] + bias[r]).
// W [OUT, IN] as in shared/weight.wgsl
//
// ADD     y += x W^T: the residual
//
// A workgroup makes a tile of BM tokens by BN rows; IN is walked BK at a time, both tiles dequantized into
// workgroup memory as fp32, k before token or row, so that a step of k is an outer product of what a thread reads:
// 8 tokens by 4 rows, whose sums stay in registers. The next tiles are on their way while these are multiplied.
// The sizes come in a buffer, not as constants: one pipeline serves every layer of a storage type, and weak
// drivers take a second or more to compile it.
//#include shared/matmul.wgsl

const BM = 64u;
const BN = 64u;
const BK = 16u;
const SIZE = 128u;       // 8 token groups of 8 by 16 row groups of 4
const X_TILE = BK * BM / 4u;
const W_TILE = BK * BN / 4u;

var<workgroup> x_tile: array<vec4<f32>, X_TILE>; // [BK, BM]
var<workgroup> w_tile: array<vec4<f32>, W_TILE>; // [BK, BN]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.x * BN;
    let t0 = group.y * BM;
    let tn = thread % 16u;
    let tm = thread / 16u;
    let own = thread % 64u;         // the token and the row that this thread brings,
    let part = thread / 64u * 8u;   // eight of their values
    let row = min(row0 + own, sizes.rows - 1u);
    var acc: array<vec4<f32>, 8>;
    var a0 = x4(t0 + own, part);
    var a1 = x4(t0 + own, part + 4u);
    var b = weight8(row, part);
    for (var k = 0u; k < sizes.width; k += BK) {
        for (var j = 0u; j < 4u; j++) { //#unroll
            x_tile[((part + j) * BM + own) / 4u][own % 4u] = a0[j];
            x_tile[((part + 4u + j) * BM + own) / 4u][own % 4u] = a1[j];
            w_tile[((part + j) * BN + own) / 4u][own % 4u] = b[0][j];
            w_tile[((part + 4u + j) * BN + own) / 4u][own % 4u] = b[1][j];
        }
        workgroupBarrier();
        a0 = x4(t0 + own, k + BK + part);
        a1 = x4(t0 + own, k + BK + part + 4u);
        b = weight8(row, k + BK + part);
        for (var q = 0u; q < BK; q++) {
            let w = w_tile[q * (BN / 4u) + tn];
            let c = x_tile[q * (BM / 4u) + 2u * tm];
            let d = x_tile[q * (BM / 4u) + 2u * tm + 1u];
            acc[0] += c.x * w;
            acc[1] += c.y * w;
            acc[2] += c.z * w;
            acc[3] += c.w * w;
            acc[4] += d.x * w;
            acc[5] += d.y * w;
            acc[6] += d.z * w;
            acc[7] += d.w * w;
        }
        workgroupBarrier();
    }
    for (var m = 0u; m < 8u; m++) { //#unroll
        let t = t0 + 8u * tm + m;
        for (var n = 0u; n < 4u; n++) { //#unroll
            let r = row0 + 4u * tn + n;
            if t < cursor.count && r < sizes.rows {
                put(t, r, acc[m][n]);
            }
        }
    }
}

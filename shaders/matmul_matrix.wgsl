enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// A subgroup's number comes from its threads' numbers, which no analysis knows to be one for all of them.
diagnostic(off, chromium.subgroup_matrix_uniformity);
// matmul.wgsl on matrix units: products of fp16 values, summed in fp32, for weights of at most 16 bits.
//
// A workgroup of four subgroups makes a tile of BM tokens by BN rows, a quarter each; IN is walked BK at a time,
// both tiles converted to fp16 in workgroup memory, the next ones on their way while these are multiplied. Rows there
// are padded by 8 halves against bank conflicts.
// Sums leave through workgroup memory, 16 x 16 at a time, so that edges need no second path.
//#include shared/matmul.wgsl

override SUBGROUP: u32;
override FM: u32 = 4;    // 16 x 16 blocks of a subgroup's quarter: along tokens,
override FN: u32 = 2;    // along rows
const BM = 32u * FM;
const BN = 32u * FN;
const BK = 32u;
const SIZE = 4u * SUBGROUP;
const PITCH = BK + 8u;
const X_TILE = BM * PITCH;
const W_TILE = BN * PITCH;
const BLOCKS = FM * FN;
const QUADS = BK / 4u;
const EIGHTS = BK / 8u;
override X_TURNS: u32;   // vectors of x that a thread brings: BM * QUADS / SIZE
override W_TURNS: u32;   // eights of W: BN * EIGHTS / SIZE

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

var<workgroup> x_tile: array<f16, X_TILE>;
var<workgroup> w_tile: array<f16, W_TILE>;
var<workgroup> block: array<f32, 1024>; // 16 x 16 for each subgroup

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.x * BN;
    let t0 = group.y * BM;
    let subgroup = thread / SUBGROUP;
    let m0 = subgroup / 2u * (BM / 2u);
    let n0 = subgroup % 2u * (BN / 2u);
    var acc: array<Sum, BLOCKS>;
    var xs: array<vec4<f32>, X_TURNS>;
    var ws: array<array<vec4<f32>, 2>, W_TURNS>;
    for (var n = 0u; n < X_TURNS; n++) { //#unroll
        let i = n * SIZE + thread;
        xs[n] = x4(t0 + i / QUADS, i % QUADS * 4u);
    }
    for (var n = 0u; n < W_TURNS; n++) { //#unroll
        let i = n * SIZE + thread;
        ws[n] = weight8(min(row0 + i / EIGHTS, sizes.rows - 1u), i % EIGHTS * 8u);
    }
    for (var k = 0u; k < sizes.width; k += BK) {
        for (var n = 0u; n < X_TURNS; n++) { //#unroll
            let i = n * SIZE + thread;
            let at = i / QUADS * PITCH + i % QUADS * 4u;
            // What fp16 cannot hold becomes its largest value, not infinity.
            let v = vec4<f16>(clamp(xs[n], vec4<f32>(-65504.0), vec4<f32>(65504.0)));
            for (var j = 0u; j < 4u; j++) { //#unroll
                x_tile[at + j] = v[j];
            }
        }
        for (var n = 0u; n < W_TURNS; n++) { //#unroll
            let i = n * SIZE + thread;
            let at = i / EIGHTS * PITCH + i % EIGHTS * 8u;
            let low = vec4<f16>(ws[n][0]);
            let high = vec4<f16>(ws[n][1]);
            for (var j = 0u; j < 4u; j++) { //#unroll
                w_tile[at + j] = low[j];
                w_tile[at + 4u + j] = high[j];
            }
        }
        workgroupBarrier();
        for (var n = 0u; n < X_TURNS; n++) { //#unroll
            let i = n * SIZE + thread;
            xs[n] = x4(t0 + i / QUADS, k + BK + i % QUADS * 4u);
        }
        for (var n = 0u; n < W_TURNS; n++) { //#unroll
            let i = n * SIZE + thread;
            ws[n] = weight8(min(row0 + i / EIGHTS, sizes.rows - 1u), k + BK + i % EIGHTS * 8u);
        }
        for (var q = 0u; q < BK; q += 16u) {
            var right: array<Right, FN>;
            for (var n = 0u; n < FN; n++) { //#unroll
                right[n] = subgroupMatrixLoad<Right, col_major>(&w_tile, (n0 + 16u * n) * PITCH + q, PITCH);
            }
            for (var m = 0u; m < FM; m++) { //#unroll
                let left = subgroupMatrixLoad<Left, row_major>(&x_tile, (m0 + 16u * m) * PITCH + q, PITCH);
                for (var n = 0u; n < FN; n++) { //#unroll
                    acc[m * FN + n] = subgroupMatrixMultiplyAccumulate(left, right[n], acc[m * FN + n]);
                }
            }
        }
        workgroupBarrier();
    }
    for (var m = 0u; m < FM; m++) { //#unroll
        for (var n = 0u; n < FN; n++) { //#unroll
            subgroupMatrixStore<row_major>(&block, subgroup * 256u, acc[m * FN + n], 16u);
            workgroupBarrier();
            for (var i = thread % SUBGROUP; i < 256u; i += SUBGROUP) {
                let t = t0 + m0 + 16u * m + i / 16u;
                let r = row0 + n0 + 16u * n + i % 16u;
                if t < cursor.count && r < sizes.rows {
                    put(t, r, block[subgroup * 256u + i]);
                }
            }
            workgroupBarrier();
        }
    }
}

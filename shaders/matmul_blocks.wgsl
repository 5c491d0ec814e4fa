enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// A subgroup's number comes from its threads' numbers, which no analysis knows to be one for all of them.
diagnostic(off, chromium.subgroup_matrix_uniformity);
// matmul.wgsl on matrix units: products of fp16 values, summed in fp32, for weights of at most 16 bits.
//
// x and W lie in blocks of 16 x 16 halves (blocks_x.wgsl, blocks_w.wgsl), and are read where they lie. A workgroup makes
// a tile of XB blocks of tokens by WB of rows: GM x GN of its subgroups make FM x FN blocks each, GK of them share the
// walk along k, STEPS blocks deep at a time.
//
// Every matrix is loaded from an array of its own, at a constant place and stride: elsewhere WebGPU's implementations
// check bounds and lose the stride's value to that. Sums leave through workgroup memory, so that edges need no second
// path.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> w: array<array<f16, 256>>;
@group(0) @binding(2) var<storage, read> x: array<array<f16, 256>>;
//#include shared/matmul_y.wgsl
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
//#include shared/matmul_sizes.wgsl

override SUBGROUP: u32;
override FM: u32;        // blocks of a subgroup along tokens,
override FN: u32;        // along rows
override GM: u32;        // subgroups along tokens,
override GN: u32;        // along rows,
override GK: u32;        // along k
override STEPS: u32;
const XB = FM * GM;
const WB = FN * GN;
const SUBGROUPS = GM * GN * GK;
const SIZE = SUBGROUPS * SUBGROUP;
const BLOCKS = FM * FN;

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

var<workgroup> block: array<array<f32, 256>, SUBGROUPS>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let x_blocks = groups.x * XB;
    let subgroup = thread / SUBGROUP;
    let share = subgroup % GK;
    let m0 = subgroup / GK / GN * FM;
    let n0 = subgroup / GK % GN * FN;
    let x0 = group.x * XB;
    let w0 = group.y * WB;
    var acc: array<Sum, BLOCKS>;
    for (var k = 0u; k < sizes.k_blocks; k += STEPS * GK) {
        for (var q = 0u; q < STEPS; q++) { //#unroll const
            var right: array<Right, FN>;
            for (var n = 0u; n < FN; n++) { //#unroll const
                right[n] = subgroupMatrixLoad<Right, col_major>(&w[(k + share * STEPS + q) * sizes.w_blocks + w0 + n0 + n], 0u, 16u);
            }
            for (var m = 0u; m < FM; m++) { //#unroll const
                let left = subgroupMatrixLoad<Left, row_major>(&x[(k + share * STEPS + q) * x_blocks + x0 + m0 + m], 0u, 16u);
                for (var n = 0u; n < FN; n++) { //#unroll const
                    acc[m * FN + n] = subgroupMatrixMultiplyAccumulate(left, right[n], acc[m * FN + n]);
                }
            }
        }
    }
    // Those that share a walk add up in the order of their shares.
    let first = subgroup - share;
    for (var m = 0u; m < FM; m++) { //#unroll const
        for (var n = 0u; n < FN; n++) { //#unroll const
            subgroupMatrixStore<row_major>(&block[subgroup], 0u, acc[m * FN + n], 16u);
            workgroupBarrier();
            for (var i = share * SUBGROUP + thread % SUBGROUP; i < 256u; i += GK * SUBGROUP) {
                let t = (x0 + m0 + m) * 16u + i / 16u;
                let r = (w0 + n0 + n) * 16u + i % 16u;
                if t < cursor.count && r < sizes.rows {
                    var sum = 0.0;
                    for (var p = 0u; p < GK; p++) { //#unroll const
                        sum += block[first + p][i];
                    }
                    put(t, r, sum);
                }
            }
            workgroupBarrier();
        }
    }
}


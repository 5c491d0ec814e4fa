//#if SUBGROUPS
enable subgroups;
//#endif
// matmul.wgsl for few tokens, and for processors that play a GPU: LANES threads make TOKENS tokens by 4 rows on their
// own, straight from the buffers. A barrier costs a processor more than the loads that a shared tile would spare it,
// and few tokens leave a tile nothing to share but the weights, which are read once for all of them here, too.
// A token's sums are added in the same order whatever the other tokens are, and however many.
//#include shared/matmul.wgsl

override TOKENS: u32;
override LANES: u32; // a power of 2; with SUBGROUPS a subgroup's threads at most
override SIZE: u32;

//#if SHARED
var<workgroup> partial: array<vec4<f32>, SIZE>;
//#endif

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = (group.x * (SIZE / LANES) + thread / LANES) * 4u;
    let t0 = group.y * TOKENS;
    if t0 >= cursor.count {
        return;
    }
    // Rows past the last are the last again, and nothing is written: lanes meet below.
    let last = sizes.rows - 1u;
    let lane = thread % LANES;
    var acc: array<vec4<f32>, TOKENS>;
//#if EIGHTS
    // Where rows and tokens begin; tokens past the last are the last again.
    var rows: array<u32, 4>;
    for (var n = 0u; n < 4u; n++) { //#unroll
        rows[n] = min(row0 + n, last) * sizes.width;
    }
    var tokens: array<u32, TOKENS>;
    for (var m = 0u; m < TOKENS; m++) { //#unroll
        tokens[m] = min(t0 + m, cursor.count - 1u) * (sizes.x_stride / 4u);
    }
//#endif
    for (var k = 8u * lane; k < sizes.width; k += 8u * LANES) {
        var w: array<array<vec4<f32>, 2>, 4>;
        for (var n = 0u; n < 4u; n++) { //#unroll
//#if EIGHTS
            w[n] = eight(rows[n] + k);
//#else
            w[n] = weight8(min(row0 + n, last), k);
//#endif
        }
        for (var m = 0u; m < TOKENS; m++) { //#unroll
//#if EIGHTS
            let a = x[tokens[m] + k / 4u];
            let b = x[tokens[m] + k / 4u + 1u];
//#else
            let a = x4(t0 + m, k);
            let b = x4(t0 + m, k + 4u);
//#endif
            acc[m] += vec4<f32>(dot(a, w[0][0]), dot(a, w[1][0]), dot(a, w[2][0]), dot(a, w[3][0]))
                    + vec4<f32>(dot(b, w[0][1]), dot(b, w[1][1]), dot(b, w[2][1]), dot(b, w[3][1]));
        }
    }
    for (var m = 0u; m < TOKENS; m++) { //#unroll
        var sum = acc[m];
//#if SUBGROUPS
        for (var mask = LANES / 2u; mask > 0u; mask /= 2u) {
            sum += subgroupShuffleXor(sum, mask);
        }
//#endif
//#if SHARED
        partial[thread] = sum;
        workgroupBarrier();
        for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
            if lane < stride {
                partial[thread] += partial[thread + stride];
            }
            workgroupBarrier();
        }
        sum = partial[thread - lane];
        workgroupBarrier();
//#endif
        if lane == m % LANES && t0 + m < cursor.count {
            for (var n = 0u; n < 4u; n++) { //#unroll
                if row0 + n < sizes.rows {
                    put(t0 + m, row0 + n, sum[n]);
                }
            }
        }
    }
}

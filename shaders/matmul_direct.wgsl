//#if SUBGROUPS
enable subgroups;
//#endif
// matmul.wgsl for few tokens, and for processors that play a GPU: LANES threads make TOKENS tokens by 4 rows on their
// own, straight from the buffers. A barrier costs a processor more than the loads that a shared tile would spare it,
// and few tokens leave a tile nothing to share but the weights, which are read once for all of them here, too.
// A token's sums are added in the same order whatever the other tokens are, and however many.
//#include shared/matmul.wgsl

override TOKENS: u32 = 8;
override LANES: u32 = 1; // a power of 2; with SUBGROUPS a subgroup's threads at most
override SIZE: u32 = 16;

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
    for (var k = 8u * lane; k < sizes.width; k += 8u * LANES) {
        let w0 = weight8(min(row0, last), k);
        let w1 = weight8(min(row0 + 1u, last), k);
        let w2 = weight8(min(row0 + 2u, last), k);
        let w3 = weight8(min(row0 + 3u, last), k);
        for (var m = 0u; m < TOKENS; m++) { //#unroll
            let a = x4(t0 + m, k);
            let b = x4(t0 + m, k + 4u);
            acc[m] += vec4<f32>(dot(a, w0[0]), dot(a, w1[0]), dot(a, w2[0]), dot(a, w3[0]))
                    + vec4<f32>(dot(b, w0[1]), dot(b, w1[1]), dot(b, w2[1]), dot(b, w3[1]));
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

//#if HALVED
enable f16;
//#endif
// The selective scan (Mamba, equation 2 and section 3.2; Samba, section 2.1) over a chunk:
//   dt[t, c]   = softplus(dt_raw[t, c] + dt_bias[c])
//   h[c, n]    = exp(dt * A[c, n]) h[c, n] + dt * B[t, n] * x[t, c]           A = -exp(A_log)
//   y[t, c]    = (sum_n C[t, n] h[c, n] + D[c] x[t, c]) * SiLU(z[t, c])
// One token's is selective_state_update.wgsl.
//
// dt_raw, x, y [count, D_INNER], y in dt_raw's place; xz [count, 2 D_INNER] with z in its second half; dbc [count, DT_RANK + 2 D_STATE]
// holds a token's dt input, B and C; ssm_state h [D_INNER, D_STATE], carried from chunk to chunk.
// One thread a channel, its states in registers, four to a vector; a last vector is filled up with states that stay
// 0. Everything is fp32. Time goes in tiles of TILE tokens: what a tile needs is loaded at once, B and C into
// workgroup memory, so that a step waits for no memory.
// VECTORS: D_STATE is a multiple of 4, D_INNER is even. UNGATED: y without SiLU(z). HALVED: y becomes the next product's x, too.
// At the end conv_state [D_INNER, D_CONV - 1] takes the last inputs of the convolution, which has run before.
// BATCH: one token each of sequences whose states are ssm_state and conv_state [PLACES, DEPTH, ...].
//#include shared/row.wgsl
//#include shared/activation.wgsl
//#include shared/softplus.wgsl
@group(0) @binding(0) var<storage, read_write> dt_y: array<f32>;       // dt_raw in, y out
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> xz: array<f32>;
@group(0) @binding(3) var<storage, read> dbc: array<f32>;
//#if VECTORS
@group(0) @binding(4) var<storage, read> params: array<vec4<f32>>; // A_log [D_INNER, D_STATE], then D, then dt_bias [D_INNER]
@group(0) @binding(5) var<storage, read_write> ssm_state: array<vec4<f32>>;
//#else
@group(0) @binding(4) var<storage, read> params: array<f32>;
@group(0) @binding(5) var<storage, read_write> ssm_state: array<f32>;
//#endif
@group(0) @binding(6) var<storage, read_write> conv_state: array<f32>;
@group(0) @binding(7) var<storage, read> cursor: Cursor;
//#if HALVED
@group(0) @binding(8) var<storage, read_write> halved: array<f16>;
//#include shared/halved.wgsl
//#endif

override D_INNER: u32;
override D_STATE: u32;
override D_CONV: u32;
override DT_RANK: u32;
override SIZE: u32;
override TILE: u32;
override FOURS: u32;     // vectors of states: D_STATE / 4, rounded up
const WIDTH = 2u * FOURS;
const BC = TILE * WIDTH;

fn param(i: u32) -> f32 {
//#if VECTORS
    return params[i / 4u][i % 4u];
//#else
    return params[i];
//#endif
}

var<workgroup> bc: array<vec4<f32>, BC>; // [TILE, B then C]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let own = group.x * SIZE + thread;
    // Threads past the last channel work on it again and write nothing: barriers need every thread.
    let c = min(own, D_INNER - 1u);
//#if BATCH
    let row = group.y;
    if row >= cursor.count {
        return;
    }
    let count = 1u;
//#else
    let row = 0u;
    let count = cursor.count;
//#endif
    let before = found(row) * D_INNER + c;
    let after = left(row) * D_INNER + c;
    var a: array<vec4<f32>, FOURS>;
    var h: array<vec4<f32>, FOURS>;
    for (var n = 0u; n < FOURS; n++) { //#unroll
//#if VECTORS
        a[n] = -exp(params[c * FOURS + n]);
        h[n] = ssm_state[before * FOURS + n];
//#else
        for (var j = 0u; j < 4u; j++) { //#unroll
            if 4u * n + j < D_STATE {
                a[n][j] = -exp(params[c * D_STATE + 4u * n + j]);
                h[n][j] = ssm_state[before * D_STATE + 4u * n + j];
            }
        }
//#endif
    }
    let d = param(D_INNER * D_STATE + c);
    let dt_bias = param(D_INNER * (D_STATE + 1u) + c);
    var dts: array<f32, TILE>;
    var vs: array<f32, TILE>;
    var zs: array<f32, TILE>;
    for (var t0 = 0u; t0 < count; t0 += TILE) {
        for (var i = 0u; i < TILE; i++) { //#unroll
            let t = row + min(t0 + i, count - 1u);
            dts[i] = dt_y[t * D_INNER + c];
            vs[i] = x[t * D_INNER + c];
//#if !UNGATED
            zs[i] = xz[(2u * t + 1u) * D_INNER + c];
//#endif
        }
        for (var i = thread; i < BC; i += SIZE) {
            let t = row + min(t0 + i / WIDTH, count - 1u);
            let n = i % FOURS * 4u;
            let at = t * (DT_RANK + 2u * D_STATE) + DT_RANK + i % WIDTH / FOURS * D_STATE + n;
            var v = vec4<f32>(0.0);
            for (var j = 0u; j < 4u; j++) { //#unroll
                if n + j < D_STATE {
                    v[j] = dbc[at + j];
                }
            }
            bc[i] = v;
        }
        workgroupBarrier();
        for (var i = 0u; i < TILE; i++) { //#unroll
            if t0 + i < count {
                let dt = softplus(dts[i] + dt_bias);
                let v = dt * vs[i];
                var sum = vec4<f32>(d * vs[i], 0.0, 0.0, 0.0);
                for (var n = 0u; n < FOURS; n++) { //#unroll
                    h[n] = exp(dt * a[n]) * h[n] + v * bc[i * WIDTH + n];
                    sum += bc[i * WIDTH + FOURS + n] * h[n];
                }
                if own < D_INNER {
//#if UNGATED
                    let result = sum.x + sum.y + sum.z + sum.w;
//#else
                    let result = (sum.x + sum.y + sum.z + sum.w) * silu(zs[i]);
//#endif
                    dt_y[(row + t0 + i) * D_INNER + c] = result;
//#if HALVED
                    halved[halved_at(row + t0 + i, c)] = half(result);
//#endif
                }
            }
        }
        workgroupBarrier();
    }
    if own >= D_INNER {
        return;
    }
    for (var n = 0u; n < FOURS; n++) { //#unroll
//#if VECTORS
        ssm_state[after * FOURS + n] = h[n];
//#else
        for (var j = 0u; j < 4u; j++) { //#unroll
            if 4u * n + j < D_STATE {
                ssm_state[after * D_STATE + 4u * n + j] = h[n][j];
            }
        }
//#endif
    }
    // Ascending k reads only places that are not yet written: a short chunk shifts the state down.
    for (var k = 0u; k < D_CONV - 1u; k++) {
        var v: f32;
        if count + k >= D_CONV - 1u {
            v = xz[(row + count + k - (D_CONV - 1u)) * 2u * D_INNER + c];
        } else {
            v = conv_state[before * (D_CONV - 1u) + count + k];
        }
        conv_state[after * (D_CONV - 1u) + k] = v;
    }
}

//#if HALVED
enable f16;
//#endif
// The causal depthwise convolution, then SiLU (Mamba, section 3.4; Samba, section 2.1; Mamba-2, section 7):
//   out[t, c] = SiLU(bias[c] + sum_k weight[c, k] * in[t - (D_CONV - 1) + k, c])
//
// rows [count, STRIDE] is in_proj's result; in are its D_INNER values from OFFSET on. conv_state [D_INNER, D_CONV - 1]
// holds the inputs before this chunk, oldest first. A thread has RUN tokens of a channel. Mostly one token's convolution is part
// of matvec_conv.wgsl. BATCH: conv_state [PLACES, DEPTH, ...].
// CARRY   the chunk's last inputs go to conv_state, by the thread that read it: RUN >= D_CONV - 1. Without, Mamba's scan,
//         which runs next, carries it forward.
// GATED   LFM2's short convolution: a row holds B, C and v, D_INNER values each; in = B v, no SiLU, out is times C
// HALVED  out becomes the next product's x, too
//#include shared/row.wgsl
//#include shared/activation.wgsl
@group(0) @binding(0) var<storage, read> rows: array<f32>;
@group(0) @binding(1) var<storage, read> conv: array<f32>; // weights [D_INNER, D_CONV], then biases [D_INNER]
//#if CARRY
@group(0) @binding(2) var<storage, read_write> conv_state: array<f32>;
//#else
@group(0) @binding(2) var<storage, read> conv_state: array<f32>;
//#endif
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read> cursor: Cursor;
//#if HALVED
@group(0) @binding(5) var<storage, read_write> halved: array<f16>;
//#include shared/halved.wgsl
//#endif

override D_INNER: u32;
override D_CONV: u32;
override STRIDE: u32;
override OFFSET: u32;
override RUN: u32;
const TAPS = D_CONV - 1u;

fn input(t: u32, c: u32) -> f32 {
//#if GATED
    return rows[t * STRIDE + c] * rows[t * STRIDE + 2u * D_INNER + c];
//#else
    return rows[t * STRIDE + OFFSET + c];
//#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
//#if BATCH
    let t0 = id.y;
    let count = 1u;
    let end = t0 + 1u;
//#else
    let t0 = id.y * RUN;
    let count = cursor.count;
    let end = min(t0 + RUN, count);
//#endif
    if c >= D_INNER || t0 >= cursor.count {
        return;
    }
    let before = (found(t0) * D_INNER + c) * TAPS;
    for (var t = t0; t < end; t++) {
        var sum = conv[D_INNER * D_CONV + c];
        for (var k = 0u; k < D_CONV; k++) {
            var v: f32;
            // Input time + k - TAPS: before the chunk if negative.
            if time(t) + k >= TAPS {
                v = input(t + k - TAPS, c);
            } else {
                v = conv_state[before + time(t) + k];
            }
            sum += conv[c * D_CONV + k] * v;
        }
//#if GATED
        let v = sum * rows[t * STRIDE + D_INNER + c];
//#else
        let v = silu(sum);
//#endif
        out[t * D_INNER + c] = v;
//#if HALVED
        halved[halved_at(t, c)] = half(v);
//#endif
    }
//#if CARRY
    if time(t0) > 0u {
        return;
    }
    let after = (left(t0) * D_INNER + c) * TAPS;
    // Ascending k reads only places that are not yet written: a short chunk shifts the state down.
    for (var k = 0u; k < TAPS; k++) {
        if count + k >= TAPS {
            conv_state[after + k] = input(t0 + count + k - TAPS, c);
        } else {
            conv_state[after + k] = conv_state[before + count + k];
        }
    }
//#endif
}

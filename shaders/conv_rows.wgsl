// The causal convolution and SiLU of the next tokens of one text, some of them guesses, as causal_conv1d.wgsl has it:
//   out[t, c] = SiLU(bias[c] + sum_k weight[c, k] * in[t - (D_CONV - 1) + k, c])
//
// rows [count, STRIDE] is in_proj's result, in are its D_INNER values from OFFSET on; out [count, D_INNER]. states
// [rows + 1, D_INNER, D_CONV - 1]: the inputs before them, oldest first, are at cursor.spare, those after row t go to t + 1.
// One thread a channel, and what it adds up in which order is what one token's kernel does.
// GATED     LFM2's short convolution, as there
// IN_PLACE  out lies where in was, and the newest input is added first: as in matvec_conv.wgsl
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
//#if IN_PLACE
@group(0) @binding(0) var<storage, read_write> rows: array<f32>;
//#else
@group(0) @binding(0) var<storage, read> rows: array<f32>;
//#endif
@group(0) @binding(1) var<storage, read> conv: array<f32>; // weights [D_INNER, D_CONV], then biases [D_INNER]
@group(0) @binding(2) var<storage, read_write> states: array<f32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;
//#if !IN_PLACE
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
//#endif

override D_INNER: u32;
override D_CONV: u32;
override TAPS: u32; // D_CONV - 1
override STRIDE: u32;
override OFFSET: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
    if c >= D_INNER {
        return;
    }
    var inputs: array<f32, D_CONV>;
    for (var k = 0u; k < TAPS; k++) { //#unroll
        inputs[k] = states[(cursor.spare * D_INNER + c) * TAPS + k];
    }
    for (var t = 0u; t < cursor.count; t++) {
//#if GATED
        let v = rows[t * STRIDE + c] * rows[t * STRIDE + 2u * D_INNER + c];
//#else
        let v = rows[t * STRIDE + OFFSET + c];
//#endif
        inputs[TAPS] = v;
//#if IN_PLACE
        var sum = conv[D_INNER * D_CONV + c] + conv[c * D_CONV + TAPS] * v;
//#else
        var sum = conv[D_INNER * D_CONV + c];
//#endif
        for (var k = 0u; k < TAPS; k++) { //#unroll
            sum += conv[c * D_CONV + k] * inputs[k];
            inputs[k] = inputs[k + 1u];
            states[((t + 1u) * D_INNER + c) * TAPS + k] = inputs[k];
        }
//#if IN_PLACE
        rows[t * STRIDE + OFFSET + c] = silu(sum);
//#else
        sum += conv[c * D_CONV + TAPS] * v;
//#if GATED
        out[t * D_INNER + c] = sum * rows[t * STRIDE + D_INNER + c];
//#else
        out[t * D_INNER + c] = silu(sum);
//#endif
//#endif
    }
}

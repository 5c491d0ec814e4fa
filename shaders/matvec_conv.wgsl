// One token through in_proj of Mamba or Mamba-2 and the causal convolution behind it: of y = W x, D_INNER rows from OFFSET on
// pass through the convolution and SiLU as in causal_conv1d.wgsl, each channel on its own, and conv_state moves on; the
// others stay as they are. Of several tokens conv_rows.wgsl makes it, which needs the ones before.
// W [OUT, IN], x [IN], y all of W's rows, conv_state [D_INNER, D_CONV - 1]; how the sum comes about is shared/matvec.wgsl's
//#include shared/matvec.wgsl
//#include shared/activation.wgsl
@group(0) @binding(5) var<storage, read> conv: array<f32>; // weights [D_INNER, D_CONV], then biases
@group(0) @binding(6) var<storage, read_write> conv_state: array<f32>;
override D_INNER: u32;
override D_CONV: u32;
override TAPS: u32; // D_CONV - 1: inputs that the state keeps
override OFFSET: u32;

fn store(t: u32, r: u32, v: f32) {
    let row = ROW0 + r;
    if row < OFFSET || row >= OFFSET + D_INNER {
        y[row] = v;
        return;
    }
    let c = row - OFFSET;
    // All are on their way before the first is written.
    var inputs: array<f32, D_CONV>;
    for (var k = 0u; k < TAPS; k++) { //#unroll
        inputs[k] = conv_state[c * TAPS + k];
    }
    inputs[TAPS] = v;
    var sum = conv[D_INNER * D_CONV + c] + conv[c * D_CONV + TAPS] * v;
    for (var k = 0u; k < TAPS; k++) { //#unroll
        sum += conv[c * D_CONV + k] * inputs[k];
        conv_state[c * TAPS + k] = inputs[k + 1u];
    }
    y[row] = silu(sum);
}

// The selective scan (Mamba, equations 2 and section 3.2; Samba, section 2.1), for one token or many:
//   dt[t, c]   = softplus(dt_raw[t, c] + dt_bias[c])
//   h[c, n]    = exp(dt * A[c, n]) h[c, n] + dt * B[t, n] * x[t, c]           A = -exp(A_log)
//   y[t, c]    = (sum_n C[t, n] h[c, n] + D[c] x[t, c]) * SiLU(z[t, c])
//
// dt_raw, x, y [count, D_INNER], y in dt_raw's place; xz [count, 2 D_INNER] with z in its second half; dbc [count, DT_RANK + 2 D_STATE]
// holds a token's dt input, B and C; ssm_state h [D_INNER, D_STATE], carried from chunk to chunk.
// One thread a channel, its D_STATE states in registers. Everything is fp32.
// At the end conv_state [D_INNER, D_CONV - 1] takes the last inputs of the convolution, which has run before.
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
@group(0) @binding(0) var<storage, read_write> dt_y: array<f32>;       // dt_raw in, y out
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> xz: array<f32>;
@group(0) @binding(3) var<storage, read> dbc: array<f32>;
@group(0) @binding(4) var<storage, read> params: array<f32>; // A_log [D_INNER, D_STATE], then D, then dt_bias [D_INNER]
@group(0) @binding(5) var<storage, read_write> ssm_state: array<f32>;
@group(0) @binding(6) var<storage, read_write> conv_state: array<f32>;
@group(0) @binding(7) var<storage, read> cursor: Cursor;

override D_INNER: u32;
override D_STATE: u32;
override D_CONV: u32;
override DT_RANK: u32;

// Above 20 softplus(v) is v to fp32's last bit, and exp(v) is on its way to overflow.
fn softplus(v: f32) -> f32 {
    return select(log(1.0 + exp(min(v, 20.0))), v, v > 20.0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
    if c >= D_INNER {
        return;
    }
    var a: array<f32, D_STATE>;
    var h: array<f32, D_STATE>;
    for (var n = 0u; n < D_STATE; n++) {
        a[n] = -exp(params[c * D_STATE + n]);
        h[n] = ssm_state[c * D_STATE + n];
    }
    let d = params[D_INNER * D_STATE + c];
    let dt_bias = params[D_INNER * (D_STATE + 1u) + c];
    for (var t = 0u; t < cursor.count; t++) {
        let dt = softplus(dt_y[t * D_INNER + c] + dt_bias);
        let v = x[t * D_INNER + c];
        let b = t * (DT_RANK + 2u * D_STATE) + DT_RANK;
        var sum = d * v;
        for (var n = 0u; n < D_STATE; n++) {
            h[n] = exp(dt * a[n]) * h[n] + dt * v * dbc[b + n];
            sum += dbc[b + D_STATE + n] * h[n];
        }
        dt_y[t * D_INNER + c] = sum * silu(xz[t * 2u * D_INNER + D_INNER + c]);
    }
    for (var n = 0u; n < D_STATE; n++) {
        ssm_state[c * D_STATE + n] = h[n];
    }
    // Ascending k reads only places that are not yet written: a short chunk shifts the state down.
    for (var k = 0u; k < D_CONV - 1u; k++) {
        var v: f32;
        if cursor.count + k >= D_CONV - 1u {
            v = xz[(cursor.count + k - (D_CONV - 1u)) * 2u * D_INNER + c];
        } else {
            v = conv_state[c * (D_CONV - 1u) + cursor.count + k];
        }
        conv_state[c * (D_CONV - 1u) + k] = v;
    }
}

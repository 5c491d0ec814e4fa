// Mamba's causal depthwise convolution, then SiLU (Mamba, section 3.4; Samba, section 2.1):
//   out[t, c] = SiLU(bias[c] + sum_k weight[c, k] * in[t - (D_CONV - 1) + k, c])
//
// xz [count, 2 D_INNER] is in_proj's result, x in its first half; conv_state [D_INNER, D_CONV - 1] holds the
// inputs before this chunk, oldest first. The scan, which runs next, carries conv_state forward: a thread here could
// not, since others still read it. One token's convolution is part of matvec.wgsl. BATCH: conv_state [PLACES, DEPTH, ...].
//#include shared/row.wgsl
//#include shared/activation.wgsl
@group(0) @binding(0) var<storage, read> xz: array<f32>;
@group(0) @binding(1) var<storage, read> conv: array<f32>; // weights [D_INNER, D_CONV], then biases [D_INNER]
@group(0) @binding(2) var<storage, read> conv_state: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read> cursor: Cursor;

override D_INNER: u32;
override D_CONV: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
    let t = id.y;
    if c >= D_INNER || t >= cursor.count {
        return;
    }
    var sum = conv[D_INNER * D_CONV + c];
    for (var k = 0u; k < D_CONV; k++) {
        var v: f32;
        // Input time + k - (D_CONV - 1): before the chunk if negative.
        if time(t) + k >= D_CONV - 1u {
            v = xz[(t + k - (D_CONV - 1u)) * 2u * D_INNER + c];
        } else {
            v = conv_state[(found(t) * D_INNER + c) * (D_CONV - 1u) + time(t) + k];
        }
        sum += conv[c * D_CONV + k] * v;
    }
    out[t * D_INNER + c] = silu(sum);
}

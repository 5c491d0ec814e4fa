// One token through a linear layer: y[ROW0 + r] = v, v = FACTOR (sum_k W[r, k] x[k] + bias[r])
// W [OUT, IN], x [IN], y [ROW0 + OUT] at least; how the sum comes about is shared/matvec.wgsl's
// SQUARED: y = max(v, 0)^2, squared ReLU. GATED: y = SiLU(v) m, as a gated memory unit has it (gate.wgsl); m as y
//#include shared/matvec.wgsl
//#if GATED
//#include shared/activation.wgsl
@group(0) @binding(5) var<storage, read> m: array<f32>;
//#endif

fn store(t: u32, r: u32, v: f32) {
    let at = t * Y_STRIDE + ROW0 + r;
//#if SQUARED
    y[at] = max(v, 0.0) * max(v, 0.0);
//#else
//#if GATED
    y[at] = silu(v) * m[at];
//#else
    y[at] = v;
//#endif
//#endif
}

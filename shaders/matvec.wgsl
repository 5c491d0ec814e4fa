// One token through a linear layer: y[ROW0 + r] = v, v = FACTOR (sum_k W[r, k] x[k] + bias[r]); SQUARED: max(v, 0)^2
// W [OUT, IN], x [IN], y [ROW0 + OUT] at least; how the sum comes about is shared/matvec.wgsl's
//#include shared/matvec.wgsl

fn store(t: u32, r: u32, v: f32) {
//#if SQUARED
    y[t * Y_STRIDE + ROW0 + r] = max(v, 0.0) * max(v, 0.0);
//#else
    y[t * Y_STRIDE + ROW0 + r] = v;
//#endif
}

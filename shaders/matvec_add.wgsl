// One token through a linear layer and onto the residual: y[ROW0 + r] += FACTOR (sum_k W[r, k] x[k] + bias[r])
// W [OUT, IN], x [IN], y [ROW0 + OUT] at least; how the sum comes about is shared/matvec.wgsl's
//#include shared/matvec.wgsl

fn store(t: u32, r: u32, v: f32) {
    y[t * Y_STRIDE + ROW0 + r] += v;
}

// One token through a linear layer: y[ROW0 + r] = FACTOR (sum_k W[r, k] x[k] + bias[r])
// W [OUT, IN], x [IN], y [ROW0 + OUT] at least; how the sum comes about is shared/matvec.wgsl's
//#include shared/matvec.wgsl

fn store(r: u32, v: f32) {
    y[ROW0 + r] = v;
}

// One token through SwiGLU's first layer and its gate: y[r] = SiLU(W[r] x) * (W[OUT + r] x)
// W [2 OUT, IN]: the gate's rows, then up's; x [IN], y [OUT]; how the sums come about is shared/matvec.wgsl's
//#include shared/matvec.wgsl
//#include shared/activation.wgsl

fn first_row(r: u32) -> u32 {
    return r;
}

fn second_row(r: u32) -> u32 {
    return OUT + r;
}

fn store(t: u32, r: u32, a: f32, b: f32) {
    y[t * Y_STRIDE + ROW0 + r] = silu(a) * b;
}

// SiLU(v) = v * sigmoid(v). exp overflows to infinity for v << 0, and v / inf is the right limit, 0.
fn silu(v: f32) -> f32 {
    return v / (1.0 + exp(-v));
}

// softplus(v) = log(1 + exp(v)). Above 20 it is v to fp32's last bit, and exp(v) is on its way to overflow.
fn softplus(v: f32) -> f32 {
    return select(log(1.0 + exp(min(v, 20.0))), v, v > 20.0);
}

// What becomes of a linear layer's sum for its row r: FACTOR * (sum + bias[r]).
override FACTOR: f32;
//#if BIAS
@group(0) @binding(8) var<storage, read> bias: array<f32>;
//#endif

fn finished(sum: f32, r: u32) -> f32 {
//#if BIAS
    return FACTOR * (sum + bias[r]);
//#else
    return FACTOR * sum;
//#endif
}

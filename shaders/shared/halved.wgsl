// Where a product of a batch on matrix units (matmul_batch.wgsl) finds its x: fp16, in blocks of 16 tokens by 16 of k, those
// of the same k side by side. The kernel that makes x leaves it there, too, so that no reader has to bring it to fp16.
override TOKEN_BLOCKS: u32; // of 16 tokens

fn halved_at(t: u32, k: u32) -> u32 {
    return ((k / 16u * TOKEN_BLOCKS + t / 16u) * 16u + t % 16u) * 16u + k % 16u;
}

// What fp16 cannot hold becomes its largest value, not infinity; what is no number stays none, so that it is reported.
// That is asked of the bits: clamp may choose a bound for it, and compilers take v != v for false.
fn halves4(v: vec4<f32>) -> vec4<f16> {
    let none = (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    return vec4<f16>(select(clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0)), v, none));
}

fn half(v: f32) -> f16 {
    return halves4(vec4<f32>(v, 0.0, 0.0, 0.0)).x;
}

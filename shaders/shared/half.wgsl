// What fp16 cannot hold becomes its largest value, not infinity; what is no number stays none, so that it is reported.
// That is asked of the bits: clamp may choose a bound for it, and compilers take v != v for false.
fn halves4(v: vec4<f32>) -> vec4<f16> {
    let none = (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    return vec4<f16>(select(clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0)), v, none));
}

fn half(v: f32) -> f16 {
    return halves4(vec4<f32>(v, 0.0, 0.0, 0.0)).x;
}

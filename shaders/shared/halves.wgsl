// Eight values as fp16: what that cannot hold becomes its largest value; what is no number stays none, so that it is reported.
fn halves(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
    return vec4<u32>(four_halves(low), four_halves(high));
}

// That is asked of the bits: clamp may choose a bound for it, and compilers take v != v for false.
fn four_halves(v: vec4<f32>) -> vec2<u32> {
    let none = (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    let kept = clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0));
    return vec2<u32>(pack2x16float(kept.xy), pack2x16float(kept.zw))
        | select(vec2<u32>(0u), vec2<u32>(0x7e00u), none.xz) | select(vec2<u32>(0u), vec2<u32>(0x7e000000u), none.yw);
}

// Eight values as fp16
fn halves(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
    return vec4<u32>(two_halves(low.xy), two_halves(low.zw), two_halves(high.xy), two_halves(high.zw));
}

// Two values as fp16: what that cannot hold becomes its largest value, not infinity; what is no number stays none, so that
// it is reported. That is asked of the bits: clamp may choose a bound for it, and compilers take v != v for false.
fn two_halves(v: vec2<f32>) -> u32 {
    let none = (bitcast<vec2<u32>>(v) & vec2<u32>(0x7fffffffu)) > vec2<u32>(0x7f800000u);
    return pack2x16float(clamp(v, vec2<f32>(-65504.0), vec2<f32>(65504.0)))
        | select(0u, 0x7e00u, none.x) | select(0u, 0x7e000000u, none.y);
}

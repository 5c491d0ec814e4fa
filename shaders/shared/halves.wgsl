// Eight values as fp16
fn halves(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
    let most = vec4<f32>(65504.0);
    let a = clamp(low, -most, most);
    let b = clamp(high, -most, most);
    return vec4<u32>(pack2x16float(a.xy), pack2x16float(a.zw), pack2x16float(b.xy), pack2x16float(b.zw));
}

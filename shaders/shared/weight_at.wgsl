// One value of a weight W [.., IN] at a time, weight bound as words.
override IN: u32;

fn weight_at(row: u32, col: u32) -> f32 {
    let i = row * IN + col;
//#if Q4
    let q = f32((weight[i / 8u] >> (4u * (i % 8u))) & 15u);
//#endif
//#if Q8
    let q = f32((weight[i / 4u] >> (8u * (i % 4u))) & 255u);
//#endif
//#if QUANTIZED
    let a = affine_at(i / GROUP);
    return a.x * q + a.y;
//#endif
//#if F16
    return unpack2x16float(weight[i / 2u])[i % 2u];
//#endif
//#if BF16
    return bf16_pair(weight[i / 2u])[i % 2u];
//#endif
//#if F32
    return bitcast<f32>(weight[i]);
//#endif
}

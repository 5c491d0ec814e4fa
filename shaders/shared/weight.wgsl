// A linear weight W [OUT, IN], row-major, in one of five storage types:
//   F32, F16, BF16   plain values
//   Q8, Q4           MLX affine groups: w = scale * q + bias, GROUP weights of a row to a group,
//                    q packed first value in the lowest bits; affine [OUT, IN / GROUP] holds a group's scale in a
//                    word's low half and its bias in the high one (pack_affine.wgsl), so that one load brings both
override GROUP: u32;

//#if QUANTIZED
@group(0) @binding(1) var<storage, read> affine: array<u32>;

// (scale, bias) of a word of affine
fn affine_pair(word: u32) -> vec2<f32> {
//#if SCALES_BF16
    return bf16_pair(word);
//#else
    return unpack2x16float(word);
//#endif
}

// (scale, bias) of group g
fn affine_at(g: u32) -> vec2<f32> {
    return affine_pair(affine[g]);
}
//#endif

fn bf16_pair(word: u32) -> vec2<f32> {
    return vec2<f32>(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u));
}

fn low_nibbles(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u));
}

fn high_nibbles(word: u32) -> vec4<f32> {
    return low_nibbles(word >> 16u);
}

fn bytes(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

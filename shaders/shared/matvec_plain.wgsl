// Rows of plain values for the matvec kernels: a lane takes four in one step, or one where rows are not ALIGNED.
//#if ALIGNED
//#if F32
@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
struct Taken { data: vec4<f32> }
//#else
@group(0) @binding(0) var<storage, read> weight: array<vec2<u32>>;
struct Taken { data: vec2<u32> }
//#endif

// What a lane takes of a row in one step, as it is stored.
fn take(row: u32, step: u32) -> Taken {
    return Taken(weight[row * STEPS + step]);
}

// Its product with the lane's inputs; their sum counts for quantized rows alone.
fn product(w: Taken, xs: Inputs, sum: f32) -> f32 {
//#if F32
    return dot(w.data, xs[0]);
//#endif
//#if F16
    return dot(vec4<f32>(unpack2x16float(w.data.x), unpack2x16float(w.data.y)), xs[0]);
//#endif
//#if BF16
    return dot(vec4<f32>(bf16_pair(w.data.x), bf16_pair(w.data.y)), xs[0]);
//#endif
}
//#else
@group(0) @binding(0) var<storage, read> weight: array<u32>;
struct Taken { data: f32 }

fn take(row: u32, step: u32) -> Taken {
    let i = row * IN + step;
//#if F32
    return Taken(bitcast<f32>(weight[i]));
//#endif
//#if F16
    return Taken(unpack2x16float(weight[i / 2u])[i % 2u]);
//#endif
//#if BF16
    return Taken(bf16_pair(weight[i / 2u])[i % 2u]);
//#endif
}

fn product(w: Taken, xs: Inputs, sum: f32) -> f32 {
    return w.data * xs;
}
//#endif

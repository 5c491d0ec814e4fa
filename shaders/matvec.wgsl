// One token through a linear layer: y[r] = sum_k W[r, k] x[k].           W [OUT, IN] as in shared/weight.wgsl
//
// NORM    x is normalised on the way (RMSNorm with the given gain): the scale factors out of the sum, so that
//         each row's lanes gather sum(x^2) beside their product and no pass of its own is needed
// ADD     y += W x: the residual
// SWIGLU  W holds the gate's OUT rows, then up's: y[r] = SiLU(W[r] x) * (W[OUT + r] x)
// ALIGNED IN and X_STRIDE are multiples of 4, so that four values load at once
// LAST    x is the last of the chunk's tokens (cursor.count), not the first
//
// LANES threads share a row, SIZE / LANES rows a workgroup. Each step a lane takes 16 bytes of a quantized row
// (32 weights of 4 bits, 16 of 8), or 4 plain weights; scale and bias factor out of the group's inner product:
// sum_k (s q_k + b) x_k = s (q . x) + b sum(x).
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
//#if QUANTIZED
@group(0) @binding(0) var<storage, read> weight: array<vec4<u32>>;
//#else
//#if !ALIGNED
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#else
//#if F32
@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read> weight: array<vec2<u32>>;
//#endif
//#endif
//#endif
//#include shared/weight.wgsl
//#if ALIGNED
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
//#else
@group(0) @binding(3) var<storage, read> x: array<f32>;
//#endif
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
//#if NORM
//#if ALIGNED
@group(0) @binding(5) var<storage, read> gain: array<vec4<f32>>;
//#else
@group(0) @binding(5) var<storage, read> gain: array<f32>;
//#endif
//#endif
//#if LAST
@group(0) @binding(6) var<storage, read> cursor: Cursor;
//#endif

override IN: u32;
override OUT: u32;
override X_STRIDE: u32;  // elements between two tokens' x
override ROW0: u32 = 0;  // first row of y that this part of W makes
override EPS: f32 = 0;
override VALUES: u32;    // weights a lane takes in one step: 32, 16, 4 or 1
override LANES: u32 = 16;
override SIZE: u32 = 64;
const STEPS = IN / VALUES;
const ROWS = SIZE / LANES;

// gate's or the only product, up's product, sum of squares
var<workgroup> partial: array<vec3<f32>, SIZE>;

//#if ALIGNED
const QUADS = VALUES / 4u;
var<private> xs: array<vec4<f32>, QUADS>;
//#else
var<private> xs: f32;
//#endif

// The product of the lane's VALUES inputs with the weights of row at step.
fn step_dot(row: u32, step: u32, sum: f32) -> f32 {
//#if QUANTIZED
    let packed = weight[row * STEPS + step];
    let g = row * (IN / GROUP) + step * VALUES / GROUP;
    var q = 0.0;
    for (var i = 0u; i < 4u; i++) {
//#if Q4
        q += dot(low_nibbles(packed[i]), xs[2u * i]) + dot(high_nibbles(packed[i]), xs[2u * i + 1u]);
//#else
        q += dot(bytes(packed[i]), xs[i]);
//#endif
    }
    return half_at(scales[g / 2u], g) * q + half_at(biases[g / 2u], g) * sum;
//#else
//#if ALIGNED
//#if F32
    return dot(weight[row * STEPS + step], xs[0]);
//#endif
//#if F16
    let packed = weight[row * STEPS + step];
    return dot(vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y)), xs[0]);
//#endif
//#if BF16
    let packed = weight[row * STEPS + step];
    return dot(vec4<f32>(bf16_pair(packed.x), bf16_pair(packed.y)), xs[0]);
//#endif
//#else
    let i = row * IN + step;
//#if F32
    return bitcast<f32>(weight[i]) * xs;
//#endif
//#if F16
    return unpack2x16float(weight[i / 2u])[i % 2u] * xs;
//#endif
//#if BF16
    return bf16_pair(weight[i / 2u])[i % 2u] * xs;
//#endif
//#endif
//#endif
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = thread % LANES;
    let r = (group.y * groups.x + group.x) * ROWS + thread / LANES;
    // Threads past the last row work on it again and write nothing: barriers below need every thread.
    let row = min(r, OUT - 1u);
//#if LAST
    let first = (cursor.count - 1u) * X_STRIDE;
//#else
    let first = 0u;
//#endif
    var acc = vec3<f32>(0.0);
    for (var step = lane; step < STEPS; step += LANES) {
        var sum = 0.0;
//#if ALIGNED
        for (var i = 0u; i < QUADS; i++) {
            var v = x[first / 4u + step * QUADS + i];
//#if NORM
            acc.z += dot(v, v);
            v *= gain[step * QUADS + i];
//#endif
            sum += v.x + v.y + v.z + v.w;
            xs[i] = v;
        }
//#else
        var v = x[first + step];
//#if NORM
        acc.z += v * v;
        v *= gain[step];
//#endif
        xs = v;
//#endif
        acc.x += step_dot(row, step, sum);
//#if SWIGLU
        acc.y += step_dot(OUT + row, step, sum);
//#endif
    }
    partial[thread] = acc;
    workgroupBarrier();
    for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            partial[thread] += partial[thread + stride];
        }
        workgroupBarrier();
    }
    if lane != 0u || r >= OUT {
        return;
    }
    var total = partial[thread];
//#if NORM
    let scale = inverseSqrt(total.z / f32(IN) + EPS);
    total = vec3<f32>(total.xy * scale, 0.0);
//#endif
//#if SWIGLU
    y[ROW0 + r] = silu(total.x) * total.y;
//#else
//#if ADD
    y[ROW0 + r] += total.x;
//#else
    y[ROW0 + r] = total.x;
//#endif
//#endif
}

//#if HALVED
enable f16;
//#endif
// RMSNorm: y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + EPS) * gain[i]      x, y [count, WIDTH]; gain [WIDTH]
//
// One workgroup a token; the sum is taken in fp32. VECTORS: WIDTH is a multiple of 4. HALVED, with VECTORS only:
// y becomes the next product's x, too.
//#if VECTORS
alias Vec = vec4<f32>;
const STEPS = WIDTH / 4u;
//#else
alias Vec = f32;
const STEPS = WIDTH;
//#endif
@group(0) @binding(0) var<storage, read> x: array<Vec>;
@group(0) @binding(1) var<storage, read> gain: array<Vec>;
@group(0) @binding(2) var<storage, read_write> y: array<Vec>;

//#if HALVED
@group(0) @binding(3) var<storage, read_write> halved: array<vec4<f16>>;
//#include shared/halved.wgsl
//#endif

override WIDTH: u32;
override EPS: f32;
//#include shared/sum.wgsl

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let base = group.x * STEPS;
    var sum = 0.0;
    for (var i = lane; i < STEPS; i += SIZE) {
        let v = x[base + i];
//#if VECTORS
        sum += dot(v, v);
//#else
        sum += v * v;
//#endif
    }
    let scale = inverseSqrt(total(sum, lane) / f32(WIDTH) + EPS);
    for (var i = lane; i < STEPS; i += SIZE) {
        let v = x[base + i] * scale * gain[i];
        y[base + i] = v;
//#if HALVED
        halved[halved_at(group.x, 4u * i) / 4u] = halves4(v);
//#endif
    }
}

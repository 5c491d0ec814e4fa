// LayerNorm (Ba et al.): y[t, i] = (x[t, i] - mean) / sqrt(variance + EPS) * gain[i] + bias[i]     of a token's WIDTH values
// x, y [count, WIDTH]; params [2, WIDTH], gains and biases. Of single tokens shared/matvec.wgsl has it on the way
//
// LAST    of a chunk's last token (cursor.count) alone
// One workgroup a token; the variance is summed up around the mean, in fp32.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> params: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
//#if LAST
//#include shared/cursor.wgsl
@group(0) @binding(3) var<storage, read> cursor: Cursor;
//#endif

override WIDTH: u32;
override EPS: f32;
//#include shared/sum.wgsl

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
//#if LAST
    let base = (cursor.count - 1u) * WIDTH;
//#else
    let base = group.x * WIDTH;
//#endif
    var sum = 0.0;
    for (var i = lane; i < WIDTH; i += SIZE) {
        sum += x[base + i];
    }
    let mean = total(sum, lane) / f32(WIDTH);
    sum = 0.0;
    for (var i = lane; i < WIDTH; i += SIZE) {
        let v = x[base + i] - mean;
        sum += v * v;
    }
    workgroupBarrier(); // the first sum has been read by all
    let scale = inverseSqrt(total(sum, lane) / f32(WIDTH) + EPS);
    for (var i = lane; i < WIDTH; i += SIZE) {
        y[base + i] = (x[base + i] - mean) * scale * params[i] + params[WIDTH + i];
    }
}

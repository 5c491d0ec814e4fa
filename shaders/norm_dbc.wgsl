// RMSNorm of each of x_proj's three results, in place (Jamba, section 3.1; Falcon Mamba, section 3):
//   v[t, i] = v[t, i] / sqrt(mean_j v[t, j]^2 + EPS) * gain[i]          v: a token's dt [DT_RANK], then B, then C [D_STATE]
// dbc [count, DT_RANK + 2 D_STATE]; params, from GAIN0 on, the three gains one after another. PLAIN: without gains.
// Of single tokens selective_state_update.wgsl has it on the way.
//
// One workgroup for each token and section.
@group(0) @binding(0) var<storage, read_write> dbc: array<f32>;
//#if !PLAIN
@group(0) @binding(1) var<storage, read> params: array<f32>;
override GAIN0: u32;
//#endif

override DT_RANK: u32;
override D_STATE: u32;
override EPS: f32;
//#include shared/sum.wgsl

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = select(0u, DT_RANK + (group.y - 1u) * D_STATE, group.y > 0u);
    let width = select(DT_RANK, D_STATE, group.y > 0u);
    let base = group.x * (DT_RANK + 2u * D_STATE) + first;
    var sum = 0.0;
    for (var i = lane; i < width; i += SIZE) {
        let v = dbc[base + i];
        sum += v * v;
    }
    let scale = inverseSqrt(total(sum, lane) / f32(width) + EPS);
    for (var i = lane; i < width; i += SIZE) {
//#if PLAIN
        dbc[base + i] *= scale;
//#else
        dbc[base + i] *= scale * params[GAIN0 + first + i];
//#endif
    }
}

// Roofline, arithmetic: fp32 multiply-adds on registers, 8 chains of vec4 a thread so that latency hides, 4 of each
// in a turn of the loop so that its counter costs nothing.
//
// What this reaches is the rate of plain fp32 arithmetic that the adapter has; samba bench holds prefill against it.
@group(0) @binding(0) var<storage, read_write> sink: array<vec4<f32>>; // SIZE * groups

override STEPS: u32;
const SIZE = 256u;

@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    // |m| < 1 keeps the chains finite; neither is known to the compiler.
    let m = sink[id.x] * 0.25 + 0.5;
    let c = vec4<f32>(id.xyzx) * 1e-9;
    var a0 = m; var a1 = m + 1.0; var a2 = m + 2.0; var a3 = m + 3.0;
    var a4 = m + 4.0; var a5 = m + 5.0; var a6 = m + 6.0; var a7 = m + 7.0;
    for (var i = 0u; i < STEPS; i++) {
        a0 = fma(a0, m, c); a1 = fma(a1, m, c); a2 = fma(a2, m, c); a3 = fma(a3, m, c);
        a4 = fma(a4, m, c); a5 = fma(a5, m, c); a6 = fma(a6, m, c); a7 = fma(a7, m, c);
        a0 = fma(a0, m, c); a1 = fma(a1, m, c); a2 = fma(a2, m, c); a3 = fma(a3, m, c);
        a4 = fma(a4, m, c); a5 = fma(a5, m, c); a6 = fma(a6, m, c); a7 = fma(a7, m, c);
        a0 = fma(a0, m, c); a1 = fma(a1, m, c); a2 = fma(a2, m, c); a3 = fma(a3, m, c);
        a4 = fma(a4, m, c); a5 = fma(a5, m, c); a6 = fma(a6, m, c); a7 = fma(a7, m, c);
        a0 = fma(a0, m, c); a1 = fma(a1, m, c); a2 = fma(a2, m, c); a3 = fma(a3, m, c);
        a4 = fma(a4, m, c); a5 = fma(a5, m, c); a6 = fma(a6, m, c); a7 = fma(a7, m, c);
    }
    sink[id.x] = fract(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7);
}

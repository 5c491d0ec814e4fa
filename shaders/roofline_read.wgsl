// Roofline, memory: reads every word of source once and does nearly nothing else.        source [words / 4] vec4
//
// What this reaches is the bandwidth that the adapter has for any kernel; samba bench holds decode against it.
@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> sink: array<vec4<u32>>; // SIZE * groups, so that no read can be left out

const SIZE = 256u;

@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let threads = groups.x * SIZE;
    let n = arrayLength(&source);
    var sum = vec4<u32>(0u);
    for (var i = id.x; i < n; i += threads) {
        sum ^= source[i];
    }
    sink[id.x] ^= sum;
}

// Of several states that lie one after another, the one that counts: to[i] = states[spare, i]
//
// states [any, VALUES], to [VALUES]. One thread a value.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> states: array<f32>;
@group(0) @binding(1) var<storage, read_write> to: array<f32>;
@group(0) @binding(2) var<storage, read> cursor: Cursor;

override VALUES: u32;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = (group.y * groups.x + group.x) * 256u + thread;
    if i < VALUES {
        to[i] = states[cursor.spare * VALUES + i];
    }
}

// x for matmul_bytes.wgsl: whole numbers of 8 bits, n = round(x / unit), by groups of 32 neighbours along k, whose largest
// is 127 units. Zeros past the chunk's tokens. What is no number is a unit that is none, so that it is reported.
//
// out    [blocks of 64 tokens, IN / 32, 2 halves of a group, 64 tokens] of 16 numbers each, in an order that spares weights
//        of 4 bits a shuffle: of eight neighbours those at even places, then those at odd ones. Q8: in their own order
// groups [blocks of 64 tokens, IN / 32, 64 tokens]: unit, unit * sum of the numbers
//#include shared/cursor.wgsl
//#include shared/matmul_x.wgsl
@group(0) @binding(3) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
@group(0) @binding(6) var<storage, read_write> groups: array<vec2<f32>>;
//#include shared/matmul_sizes.wgsl

var<workgroup> largest: array<vec4<u32>, 64>; // of each token's four eights, as bits: max may lose what is no number
var<workgroup> sums: array<vec4<i32>, 64>;

fn bytes4(n: vec4<i32>) -> u32 {
    let low = vec4<u32>(n & vec4<i32>(255)) << vec4<u32>(0u, 8u, 16u, 24u);
    return (low.x | low.y) | (low.z | low.w);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    // A group of 64 tokens; a thread has eight neighbours.
    let own = thread / 4u;
    let eight = thread % 4u;
    let col = group.x * 32u + eight * 8u;
    let v = x4(group.y * 64u + own, col);
    let w = x4(group.y * 64u + own, col + 4u);
    let most = max(bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu), bitcast<vec4<u32>>(w) & vec4<u32>(0x7fffffffu));
    largest[own][eight] = max(max(most.x, most.y), max(most.z, most.w));
    workgroupBarrier();
    let all = largest[own];
    let top = max(max(all.x, all.y), max(all.z, all.w));
    let unit = select(max(bitcast<f32>(top) / 127.0, 0x1p-120), bitcast<f32>(top), top > 0x7f800000u); // zeros are zeros, and the inverse has an end
    let inverse = 1.0 / unit;
    let n = vec4<i32>(round(v * inverse));
    let m = vec4<i32>(round(w * inverse));
//#if Q4
    let pair = vec2<u32>(bytes4(vec4<i32>(n.x, n.z, m.x, m.z)), bytes4(vec4<i32>(n.y, n.w, m.y, m.w)));
//#else
    let pair = vec2<u32>(bytes4(n), bytes4(m));
//#endif
    let at = group.y * (sizes.width / 32u) + group.x;
    out[((at * 2u + eight / 2u) * 64u + own) * 2u + eight % 2u] = pair;
    let both = n + m;
    sums[own][eight] = (both.x + both.y) + (both.z + both.w);
    workgroupBarrier();
    if eight == 0u {
        let s = sums[own];
        groups[at * 64u + own] = vec2<f32>(unit, unit * f32((s.x + s.y) + (s.z + s.w)));
    }
}

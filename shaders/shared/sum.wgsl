// The sum over a workgroup of SIZE threads in one dimension, in every thread, always added in the same order.
override SIZE: u32; // a power of 2

var<workgroup> partial: array<f32, SIZE>;

// Every thread calls it; before they do again they meet at a barrier.
fn total(v: f32, lane: u32) -> f32 {
    partial[lane] = v;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            partial[lane] += partial[lane + stride];
        }
        workgroupBarrier();
    }
    return partial[0];
}

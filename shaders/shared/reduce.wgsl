// Sums and maxima over a workgroup of SIZE threads in one dimension. With SUBGROUPS a subgroup's threads, which follow
// one another, add up among themselves first, and PARTIALS sums meet in workgroup memory.
override SIZE: u32;
override SUBGROUP: u32;
const PARTIALS = SIZE / SUBGROUP;

var<workgroup> best: atomic<u32>; // a score's place in the order of all
var<workgroup> best_id: atomic<u32>;
var<workgroup> partial: array<f32, PARTIALS>;

// The sum over the workgroup, in every thread, always added in the same order.
fn total(v: f32, lane: u32) -> f32 {
    workgroupBarrier();
//#if SUBGROUPS
    let sum = subgroupAdd(v);
    if lane % SUBGROUP == 0u {
        partial[lane / SUBGROUP] = sum;
    }
    workgroupBarrier();
//#if TWO_LEVELS
    // As few partial sums as a subgroup has threads.
    return subgroupAdd(select(0.0, partial[lane % PARTIALS], lane % SUBGROUP < PARTIALS));
//#else
    var all = partial[0];
    for (var i = 1u; i < PARTIALS; i++) {
        all += partial[i];
    }
    return all;
//#endif
//#else
    partial[lane] = v;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            partial[lane] += partial[lane + stride];
        }
        workgroupBarrier();
    }
    return partial[0];
//#endif
}

struct Highest {
    score: f32,
    id: u32,
}

// The highest score and its lowest id, in every thread. -0 is as high as 0.
// It goes by atomics alone: where subgroupMax and subgroupMin made it, NVIDIA's driver 580 told of no token at all, by size of the
// workgroup and of what else the kernel holds, though every thread had a score.
fn highest(score: f32, id: u32, lane: u32) -> Highest {
    let bits = select(bitcast<u32>(score), 0u, score == 0.0);
    let place = select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
    workgroupBarrier();
    if lane == 0u {
        atomicStore(&best, 0u);
        atomicStore(&best_id, 0xffffffffu);
    }
    workgroupBarrier();
    atomicMax(&best, place);
    workgroupBarrier();
    let top = atomicLoad(&best);
    if place == top {
        atomicMin(&best_id, id);
    }
    workgroupBarrier();
    return Highest(bitcast<f32>(select(~top, top & 0x7fffffffu, top >= 0x80000000u)), atomicLoad(&best_id));
}

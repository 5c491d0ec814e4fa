// Ends a step over the next tokens of one text: of what was drawn after each, the first counts, and each whose token before
// it was guessed rightly. n of them:
//   n = 1 + the number of i = 1 .. ROWS - 1 before the first with ids[i] != drawn[i - 1]
//
// drawn [ROWS] is what sample.wgsl has drawn after each of ids [ROWS], plus 1. out [OUT_RING] takes n of them, ids[0] the
// last. The cursor moves on by n; spare becomes n, where the state after that many rows lies.
// COUNTED: counts [VOCAB] counts the n tokens that were absorbed.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> drawn: array<u32>;
@group(0) @binding(1) var<storage, read_write> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> cursor: Cursor;
@group(0) @binding(3) var<storage, read_write> out: array<u32>;
//#if COUNTED
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
//#endif

override ROWS: u32;
override OUT_RING: u32;

@compute @workgroup_size(1)
fn main() {
    var n = 0u;
    var open = true;
    for (var i = 0u; i < ROWS; i++) {
        if i > 0u {
            open = open && ids[i] + 1u == drawn[i - 1u];
        }
        if open {
            out[(cursor.emitted + i) % OUT_RING] = drawn[i];
//#if COUNTED
            counts[ids[i]] += 1u;
//#endif
            n += 1u;
        }
    }
    ids[0] = max(drawn[n - 1u], 1u) - 1u;
    cursor.emitted += n;
    cursor.pos += n;
    cursor.count = 1u;
    cursor.spare = n;
}

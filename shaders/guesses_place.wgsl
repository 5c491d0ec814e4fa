// Begins a step over the next tokens of one text: the one that was drawn last, ids[0], and ROWS - 1 that are guessed.
//   ids[i] = guesses[(pos + i) % RING]     i = 1 .. ROWS - 1
//
// guesses [RING] by absolute position; cursor.count becomes ROWS. One workgroup.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> guesses: array<u32>;
@group(0) @binding(1) var<storage, read_write> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> cursor: Cursor;

override ROWS: u32;
override RING: u32;
override VOCAB: u32;

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) i: u32) {
    if i == 0u {
        cursor.count = ROWS;
    } else if i < ROWS {
        ids[i] = min(guesses[(cursor.pos + i) % RING], VOCAB - 1u);
    }
}

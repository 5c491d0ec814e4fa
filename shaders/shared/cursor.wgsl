// Where a run stands; kernels read it, the sampler advances it, so that many
// decode steps go out in one submit without an upload.
struct Cursor {
    pos: u32,     // absolute position of the first token of this chunk
    count: u32,   // tokens in this chunk
    emitted: u32, // tokens sampled since the last upload
    spare: u32,
//#if BATCH
    // A batch: row t, t < count, is the next token of sequence slots[t]. Sequences' positions and emitted tokens:
    slots: array<u32, PLACES>,
    positions: array<u32, PLACES>,
    sampled: array<u32, PLACES>,
//#endif
}
//#if BATCH
override PLACES: u32;
override DEPTH: u32;     // states of a sequence: a power of 2
const SEQUENCES = PLACES;
//#else
const SEQUENCES = 1u;
//#endif

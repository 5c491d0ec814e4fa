// Where a run stands; kernels read it, the sampler advances it, so that many
// decode steps go out in one submit without an upload.
struct Cursor {
    pos: u32,     // absolute position of the first token of this chunk
    count: u32,   // tokens in this chunk
    emitted: u32, // tokens sampled since the last upload
    spare: u32,
}

// Where row t of a run belongs: in a chunk to its only sequence, t tokens after the first; in a BATCH, where sequences'
// states lie side by side, to one of them, whose only token it is. Of a sequence's DEPTH states the token at a position
// finds one and leaves the next, in turn: what runs ahead of an end overwrites nothing that is needed then.
//#include shared/cursor.wgsl
//#if BATCH
fn sequence(t: u32) -> u32 { return cursor.slots[t]; }
fn position(t: u32) -> u32 { return cursor.positions[cursor.slots[t]]; }
fn time(t: u32) -> u32 { return 0u; }
fn found(t: u32) -> u32 { return sequence(t) * DEPTH + position(t) % DEPTH; }
fn left(t: u32) -> u32 { return sequence(t) * DEPTH + (position(t) + 1u) % DEPTH; }
//#else
fn sequence(t: u32) -> u32 { return 0u; }
fn position(t: u32) -> u32 { return cursor.pos + t; }
fn time(t: u32) -> u32 { return t; }
fn found(t: u32) -> u32 { return 0u; }
fn left(t: u32) -> u32 { return 0u; }
//#endif

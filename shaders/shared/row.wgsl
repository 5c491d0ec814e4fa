// Where row t of a run belongs: in a chunk to its only sequence, t tokens after the first; in a BATCH, where sequences'
// states lie side by side, to one of them, whose only token it is.
//#include shared/cursor.wgsl
//#if BATCH
fn sequence(t: u32) -> u32 { return cursor.slots[t]; }
fn position(t: u32) -> u32 { return cursor.positions[cursor.slots[t]]; }
fn time(t: u32) -> u32 { return 0u; }
//#else
fn sequence(t: u32) -> u32 { return 0u; }
fn position(t: u32) -> u32 { return cursor.pos + t; }
fn time(t: u32) -> u32 { return t; }
//#endif

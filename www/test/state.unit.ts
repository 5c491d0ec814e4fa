/** A saved state's header as a page reads it, and whose sessions are asked what. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Asked, Connection } from "../engine/connection.ts";
import { StateError } from "../engine/errors.ts";
import { inspectState, Session, savedBytes } from "../engine/state.ts";

/** A header with a payload of 4 bytes, changed and sealed. */
async function file(
  change: (view: DataView) => void = () => {},
  seal = true,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(2052);
  bytes.set([0x93, ...new TextEncoder().encode("SAMBA\r\n")]);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 1, true);
  view.setUint32(12, 2048, true);
  view.setBigUint64(16, 4n, true);
  view.setBigUint64(24, 1_000_001n, true);
  bytes.fill(0xab, 32, 64);
  change(view);
  if (seal) bytes.set(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.subarray(0, 2016))), 2016);
  return bytes;
}

test("a header tells position, size and model", async () => {
  assert.deepEqual(await inspectState(new Blob([await file()])), {
    position: 1_000_001,
    stateBytes: 2052,
    model: "ab".repeat(32),
  });
});

test("a saved state has one size, or grows by what the engine says", () => {
  const sizes = (about: Parameters<typeof savedBytes>[0]) => [0, 1, 1000].map((n) => savedBytes(about, n));
  assert.deepEqual(sizes({ saved_bytes: 5000 }), [5000, 5000, 5000]);
  assert.deepEqual(sizes({ saved_bytes: 5000, state_bytes_per_token: 2048 }), [5000, 7048, 2_053_000]);
});

test("what is no whole state is refused in one sentence", async () => {
  const whole = await file();
  const cases: [string, BlobPart, RegExp][] = [
    ["empty", new Uint8Array(), /is no file that Samba saved/],
    ["another file", "GIF89a".repeat(1000), /is no file that Samba saved/],
    ["cut in its header", whole.subarray(0, 1000), /is cut short: it has 1000 bytes/],
    ["cut short", whole.subarray(0, 2050), /is cut short: it has 2050 bytes, its header says 2052/],
    ["too long", new Uint8Array(3000).map((_, i) => whole[i] ?? 0), /is damaged: it has 3000 bytes/],
    ["newer", await file((view) => view.setUint32(8, 3, true)), /is of format 3, .* saved by a newer one/],
    ["tampered", await file((view) => view.setUint8(40, 1), false), /its header has another checksum/],
  ];
  for (const [name, part, want] of cases) {
    const refusal = await inspectState(new Blob([part])).catch((error) => error);
    assert.ok(refusal instanceof StateError, name);
    assert.match(refusal.message, want);
  }
});

test("a fork asks its own session, and is dropped alone", async () => {
  const asked: Asked[] = [];
  let closed = 0;
  const engine: Connection = {
    async *ask(request) {
      asked.push(request);
      yield* [];
    },
    close() {
      closed++;
    },
  };
  const drain = async (session: Session, request: Asked) => {
    for await (const _ of session.ask(request));
  };
  const first = new Session(engine);
  const fork = await first.fork();
  const second = await fork.fork();
  await drain(first, { type: "save" });
  await drain(second, { type: "generate", prompt: "a" });
  await drain(second, { type: "tokenize", text: "a" });
  second.close();
  second.close();
  assert.throws(() => second.ask({ type: "save" }), /This fork was unloaded/);
  await Promise.resolve();
  assert.deepEqual(asked, [
    { type: "fork", into: 1 },
    { type: "fork", into: 2, session: 1 },
    { type: "save" },
    { type: "generate", prompt: "a", session: 2 },
    { type: "tokenize", text: "a" },
    { type: "drop", session: 2 },
  ]);
  assert.equal(closed, 0);
  first.close();
  assert.equal(closed, 1);
});

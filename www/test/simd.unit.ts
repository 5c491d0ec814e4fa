import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

// The tests run compiled, somewhere below www/, with www/ as the working directory.
const folder = pathToFileURL(`${process.cwd()}/../gpu/cpu/`);

test("the SIMD modules are what assemble.mjs makes of simd.wat", async () => {
  const { assemble } = await import(new URL("assemble.mjs", folder).href);
  for (const [name, bytes] of Object.entries<Uint8Array>(await assemble())) {
    const kept = new Uint8Array(await readFile(new URL(name, folder)));
    assert.deepEqual(kept, new Uint8Array(bytes), `${name} is old: run go generate ./gpu/cpu`);
    assert.ok(WebAssembly.validate(kept) || name === "simd_relaxed.wasm", name);
  }
});

test("threads that fail end the job, however many fail", async ({ mock }) => {
  await import(new URL("simd.js", folder).href);
  const { sambaSIMD } = globalThis as unknown as { sambaSIMD: Record<string, unknown> & Threads };
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  sambaSIMD.memory = memory;
  assert.ok(sambaSIMD.start(new Uint8Array(await readFile(new URL("simd.wasm", folder)))));
  const [done, ready, broken] = [32, 48, 50]; // simd.js's words
  let meeting: Int32Array<ArrayBufferLike> = new Int32Array();
  const helper = {
    postMessage(data: { meeting: Int32Array }) {
      meeting = data.meeting;
      Atomics.add(meeting, ready, 1);
    },
  };
  sambaSIMD.helper = () => helper;
  sambaSIMD.hire(4);
  assert.equal(sambaSIMD.threads(), 4);

  // A job of heads without channels, which is done at once; then, where the clock is read again, others have failed.
  new Int32Array(memory.buffer)[104 / 4] = 1;
  for (const failures of [1, 2, 3]) {
    let read = 0;
    const now = mock.method(performance, "now", () => {
      assert.ok(++read < 3, `${failures} failed, and it waits`);
      if (read === 2)
        for (let i = 0; i < failures; i++) {
          Atomics.store(meeting, broken, 1);
          Atomics.add(meeting, done, 1 << 30);
        }
      return 0;
    });
    assert.throws(() => sambaSIMD.imports.share(4, 0, 4, 1), /a thread failed/);
    now.mock.restore();
    Atomics.store(meeting, broken, 0);
  }
});

interface Threads {
  start(bytes: Uint8Array): boolean;
  hire(threads: number): void;
  threads(): number;
  imports: { share(kind: number, job: number, count: number, step: number): void };
}

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

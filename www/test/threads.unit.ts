import assert from "node:assert/strict";
import { test } from "node:test";
import { threads } from "../engine/threads.ts";

/** A page alone with its origin, on four cores, whose browser answers a request for an adapter like this. */
function page(requestAdapter?: () => Promise<unknown>) {
  const gpu = requestAdapter && { requestAdapter };
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: { hardwareConcurrency: 4, gpu },
  });
  Object.assign(globalThis, { crossOriginIsolated: true });
}

test("Memory is shared where the processor computes", async () => {
  page();
  assert.equal(await threads(), true);
  page(async () => null);
  assert.equal(await threads(), true);
  page(() => Promise.reject(new Error("blocked")));
  assert.equal(await threads(), true);
  page(async () => ({ info: { isFallbackAdapter: true } }));
  assert.equal(await threads(), true);
  page(async () => ({ info: { isFallbackAdapter: false } }));
  assert.equal(await threads(), false);
});

test("A browser that never says whether it has a GPU does not hold up the engine", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  page(() => new Promise(() => {}));
  const answer = threads();
  t.mock.timers.tick(10_000);
  assert.equal(await answer, false);
});

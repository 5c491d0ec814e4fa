/** Loads that ended with their page are counted, and no others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { beginLoad, forgetKilled } from "../chat/killed.ts";

const store = new Map<string, string>();
const held = new Map<string, () => void>();
const page = new EventTarget();
const locks = {
  query: async () => ({ held: [...held.keys()].map((name) => ({ name })) }),
  request: async (name: string, work: () => Promise<void>) => {
    const done = work();
    held.set(name, () => held.delete(name));
    await done;
    held.delete(name);
  },
};
for (const [name, value] of Object.entries({
  localStorage: {
    getItem: (key: string) => store.get(key) ?? null,
    setItem: (key: string, value: string) => void store.set(key, value),
    removeItem: (key: string) => void store.delete(key),
  },
  navigator: { locks },
  addEventListener: page.addEventListener.bind(page),
  removeEventListener: page.removeEventListener.bind(page),
}))
  Object.defineProperty(globalThis, name, { value, configurable: true });

/** What the browser does to a page: its locks go, its marks stay. */
const kill = () => held.clear();

test("the fourth load after three that were killed does not begin, until the visitor wishes", async () => {
  for (let i = 0; i < 3; i++) {
    assert.ok(await beginLoad("a/"));
    kill();
  }
  assert.equal(await beginLoad("a/"), undefined);
  const end = await beginLoad("b/");
  assert.ok(end, "another model is another matter");
  end();
  forgetKilled("a/");
  const again = await beginLoad("a/");
  assert.ok(again);
  again();
  assert.equal(store.size, 0);
});

test("loads that end in any other way, and those of other tabs, are not counted", async () => {
  for (let i = 0; i < 2; i++) {
    await beginLoad("a/");
    kill();
  }
  (await beginLoad("a/"))?.();
  assert.equal(store.size, 0, "a load that ended wholly forgets those before it");
  for (let i = 0; i < 5; i++) assert.ok(await beginLoad("a/"), "tabs that load at once");
  page.dispatchEvent(new Event("pagehide"));
  assert.equal(store.size, 0, "a visitor who leaves");
  for (const text of ["{", "7", '[null, {"id": 1}, "x"]']) {
    store.set("samba-loading", text);
    assert.ok(await beginLoad("a/"), text);
    page.dispatchEvent(new Event("pagehide"));
  }
});

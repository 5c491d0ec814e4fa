/** What the browser keeps of models, over its private files and over its caches, both played in memory. */
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { openStore, type Store } from "../engine/store.ts";

/** A file; one that is held open cannot be deleted. */
class PlayedFile {
  readonly kind = "file";
  bytes = new Uint8Array();
  held = false;
  async getFile() {
    return new Blob([this.bytes]);
  }
  async createWritable() {
    let written = new Uint8Array();
    return {
      write: async (data: Uint8Array<ArrayBuffer>) => {
        written = data.slice();
      },
      close: async () => {
        this.bytes = written;
      },
    };
  }
  async createSyncAccessHandle() {
    this.held = true;
    return {
      read: (into: Uint8Array, { at }: { at: number }) => {
        const found = this.bytes.subarray(at, at + into.length);
        into.set(found);
        return found.length;
      },
      write: (from: Uint8Array, { at }: { at: number }) => {
        const grown = new Uint8Array(Math.max(this.bytes.length, at + from.length));
        grown.set(this.bytes);
        grown.set(from, at);
        this.bytes = grown;
        return from.length;
      },
      truncate: (size: number) => {
        this.bytes = this.bytes.slice(0, size);
      },
      getSize: () => this.bytes.length,
      flush: () => {},
      close: () => {
        this.held = false;
      },
    };
  }
}

class PlayedFolder {
  readonly kind = "directory";
  readonly folders = new Map<string, PlayedFolder>();
  readonly files = new Map<string, PlayedFile>();
  async getDirectoryHandle(name: string) {
    const folder = this.folders.get(name) ?? new PlayedFolder();
    this.folders.set(name, folder);
    return folder;
  }
  async getFileHandle(name: string, { create = false } = {}) {
    const file = this.files.get(name) ?? (create ? new PlayedFile() : undefined);
    if (!file) throw new DOMException("there is none", "NotFoundError");
    this.files.set(name, file);
    return file;
  }
  async removeEntry(name: string) {
    if (this.files.get(name)?.held) throw new DOMException("held", "NoModificationAllowedError");
    if (!this.files.delete(name)) throw new DOMException("there is none", "NotFoundError");
  }
  async *keys() {
    yield* this.files.keys();
  }
  async *values() {
    yield* this.files.values();
  }
}

class PlayedCache {
  readonly kept = new Map<string, string>();
  async keys() {
    return [...this.kept.keys()].map((url) => ({ url }));
  }
  async match(url: string) {
    const text = this.kept.get(url);
    return text === undefined ? undefined : new Response(text);
  }
  async put(url: string, response: Response) {
    this.kept.set(url, await response.text());
  }
  async delete(url: string) {
    return this.kept.delete(url);
  }
}

/** Locks that this test says are held; a tab of its own otherwise. */
const held = new Set<string>();
const locks = {
  request: async (name: string, ...rest: unknown[]) => {
    const work = rest.pop() as (lock: object | null) => unknown;
    return await work(held.has(name) ? null : {});
  },
};

let folder = new PlayedFolder();
let cache = new PlayedCache();
const model = "https://models.example/m/";
const record = (url: string, ...keys: string[]) => ({
  url,
  files: keys.map((key) => ({ key, size: 8 })),
  small: [],
  used: 1,
});

async function write(store: Store, key: string): Promise<void> {
  const kept = await store.open(key, 8, 8);
  kept.write(0, new Uint8Array(8));
  await kept.part(0, new Uint8Array(8), "0123456789abcdef");
  await kept.trust(["0123456789abcdef"]);
  kept.close();
}

for (const means of ["private files", "caches"] as const) {
  describe(`a store over ${means}`, () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    let store: Store;
    const there = () => {
      const keys =
        means === "caches"
          ? [...cache.kept.keys()]
              .filter((url) => url.includes("/samba-files/"))
              .map((url) => url.split("/")[4] ?? "")
          : [...(folder.folders.get("samba-models")?.folders.get("files")?.files.keys() ?? [])];
      return [...new Set(keys.map((key) => key.replace(/\.have$/, "")))].sort();
    };
    beforeEach(async () => {
      folder = new PlayedFolder();
      cache = new PlayedCache();
      held.clear();
      const storage = {
        getDirectory: async () => {
          if (means === "caches") throw new Error("none");
          return folder;
        },
      };
      Object.defineProperty(globalThis, "navigator", { value: { storage, locks }, configurable: true });
      Object.assign(globalThis, { caches: { open: async () => cache }, origin: "https://site.example" });
      store = (await openStore()) as Store;
    });
    after(() => before && Object.defineProperty(globalThis, "navigator", before));

    test("weights that a newer release of the same address has no more are deleted", async () => {
      for (const key of ["one", "two", "three"]) {
        await store.note(record(model, key, "shared"), true);
        await write(store, key);
        await write(store, "shared");
      }
      assert.deepEqual(there(), ["shared", "three"]);
      assert.deepEqual(
        (await store.list()).map(({ url, bytes, complete }) => [url, bytes, complete]),
        [[model, 16, true]],
      );
      await store.remove(model);
      assert.deepEqual(there(), []);
    });

    test("what another model needs stays, and what a tab has open does until the next time", async () => {
      await store.note(record("https://models.example/other/", "one"), true);
      await store.note(record(model, "one", "two"), true);
      await write(store, "one");
      await write(store, "two");
      held.add("samba-models/two");
      await store.note(record(model, "three"), true);
      assert.deepEqual(there(), ["one", "two"]);
      held.clear();
      await store.note(record(model, "three"), true);
      assert.deepEqual(there(), ["one"]);
    });

    test("while not all files of a model are known, those that were noted before stay", async () => {
      await store.note(record(model, "one", "two"), true);
      await write(store, "one");
      await write(store, "two");
      await store.note(record(model, "one"), false);
      assert.deepEqual(there(), ["one", "two"]);
      assert.equal((await store.list())[0]?.bytes, 16);
      await store.note(record(model, "one", "three"), true);
      assert.deepEqual(there(), ["one"]);
    });

    test("files that no model has are swept", async () => {
      await write(store, "orphan");
      await store.note(record(model, "one"), true);
      assert.deepEqual(there(), []);
    });

    if (means === "private files")
      test("nothing is swept while what a model needs is not known; a file that is held open stays", async () => {
        await write(store, "one");
        const models = await folder.folders.get("samba-models")?.getDirectoryHandle("models");
        await models?.getFileHandle("half.json", { create: true });
        await store.note(record(model, "two"), true);
        assert.deepEqual(there(), ["one"]);
        await models?.removeEntry("half.json");
        const kept = await store.open("one", 8, 8);
        await store.note(record(model, "two"), true);
        assert.deepEqual(there(), ["one"]);
        kept.close();
        await store.note(record(model, "two"), true);
        assert.deepEqual(there(), []);
      });
  });
}

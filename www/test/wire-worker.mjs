/** Loads one model with the engine's own loader, and counts every byte that reaches it. */
import { ModelFiles, settings } from "/engine/load.js";
import { openStore } from "/engine/store.js";

const small = {
  ...settings,
  ...{ part: 4096, block: 16384, blocks: 3, lines: 5 },
  ...{ stall: 1000, tries: 6, pause: 2, longest: 60 },
};

const hex = (bytes) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

self.onmessage = async ({ data: { base, files, kept } }) => {
  // A browser without the private file system keeps files in the Cache API.
  if (kept === "cache") StorageManager.prototype.getDirectory = () => Promise.reject(new Error("not here"));
  const counts = files.map(({ size }) => new Uint8Array(size));
  // A response like the browser's own, but every piece is counted on its way.
  const request = async (input, init) => {
    const response = await fetch(input, init);
    const index = files.findIndex(({ name }) => new URL(input).pathname.endsWith(`/${name}`));
    const asked = new Headers(init?.headers).get("range")?.match(/bytes=(\d+)-/);
    let at = response.status === 206 ? Number(asked?.[1]) : 0;
    const count = (part) => {
      if (!part.value || response.status > 206 || index < 0) return part;
      for (const end = at + part.value.length; at < end; at++)
        if (at < counts[index].length) counts[index][at]++;
      return part;
    };
    const { status, statusText, headers, redirected, type, body } = response;
    const counted = {
      getReader: (options) => {
        const reader = body.getReader(options);
        return { read: async (view) => count(await reader.read(view)), cancel: () => reader.cancel() };
      },
    };
    return { status, statusText, headers, redirected, type, ok: response.ok, body: body && counted };
  };
  const model = new ModelFiles(Promise.resolve(kept ? await openStore() : undefined), small, request);
  const notes = [];
  const arrived = (bytes, _total, _file, note) => {
    if (note) notes.push(note);
    self.postMessage({ arrived: bytes });
  };
  const warn = console.warn;
  const warned = [];
  console.warn = (text) => warned.push(text);
  let weights;
  try {
    const shards = files.map(({ size }) => new Uint8Array(size));
    weights = await model.weights(base, files, arrived, new AbortController().signal);
    for (let block = await weights.next(); block; block = await weights.next()) {
      shards[block.file].set(block.bytes, block.offset);
    }
    const hashes = [];
    for (const shard of shards) hashes.push(hex(await crypto.subtle.digest("SHA-256", shard)));
    self.postMessage({
      hashes,
      most: counts.map((count) => count.reduce((a, b) => Math.max(a, b), 0)),
      sum: sum(counts),
      notes,
      warned,
    });
  } catch (error) {
    const { name, code, message } = error;
    self.postMessage({
      failure: { name, code, message, stack: error.stack },
      most: counts.map((count) => Math.max(...count)),
      notes,
      warned,
    });
  } finally {
    weights?.end();
    console.warn = warn;
  }
};

function sum(counts) {
  return counts.reduce((all, count) => all + count.reduce((a, b) => a + b, 0), 0);
}

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { LoadError, ModelFiles, type Store } from "../engine/load.ts";

const base = "https://models.example/tiny/";
const never = new AbortController().signal;
const sum = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** Shards of random bytes, the index that names them, and a server that counts what it is asked for. */
function folder(count: number, size = 1000) {
  const files = new Map<string, Uint8Array>();
  const metadata = { size: {} as Record<string, number>, sha256: {} as Record<string, string> };
  const weight_map: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const name = `model-${i}.safetensors`;
    const data = Uint8Array.from({ length: size }, (_, j) => (i * 31 + j * 7) & 255);
    files.set(name, data);
    metadata.size[name] = size;
    metadata.sha256[name] = sum(data);
    weight_map[`tensor.${i}`] = name;
  }
  const index = "model.safetensors.index.json";
  files.set(index, new TextEncoder().encode(JSON.stringify({ metadata, weight_map })));
  const asked: string[] = [];
  const flying = { now: 0, most: 0 };
  let answer = (name: string, data: Uint8Array | undefined): Response =>
    data
      ? new Response(data as Uint8Array<ArrayBuffer>)
      : new Response(null, { status: 404, statusText: `no ${name}` });
  const request = (async (input: string) => {
    const name = input.slice(base.length);
    asked.push(name);
    flying.most = Math.max(flying.most, ++flying.now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    flying.now--;
    return answer(name, files.get(name));
  }) as typeof fetch;
  return {
    files,
    metadata,
    asked,
    flying,
    request,
    answering: (f: typeof answer) => {
      answer = f;
    },
    async load(store?: Store) {
      const model = new ModelFiles(store, request);
      await model.read(base + index, never);
      const shards: Uint8Array[] = [];
      const seen: number[] = [];
      for (let i = 0; i < count; i++) {
        const name = `model-${i}.safetensors`;
        const loaded = (n: number) => seen.push(n);
        shards.push(
          await model.shard(
            base + name,
            metadata.size[name] ?? 0,
            metadata.sha256[name] ?? "",
            loaded,
            never,
          ),
        );
      }
      return { shards, seen };
    },
  };
}

/** An error with the code, whose sentence has all the words. */
function fault(code: string, ...words: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, code);
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
    return true;
  };
}

test("shards arrive whole, each once, three on their way at most", async () => {
  const model = folder(7);
  const { shards, seen } = await model.load();
  shards.forEach((shard, i) => {
    assert.deepEqual(shard, model.files.get(`model-${i}.safetensors`));
  });
  assert.equal(model.asked.length, 8);
  assert.equal(new Set(model.asked).size, 8);
  assert.equal(model.flying.most, 3);
  assert.equal(seen.filter((n) => n === 1000).length, 7);
});

test("a shard that arrives damaged is fetched once more, past the caches", async () => {
  const model = folder(2);
  let damaged = 0;
  model.answering((name, data) => {
    const copy = Uint8Array.from(data ?? []);
    if (name === "model-1.safetensors" && damaged++ === 0) copy[500] = (copy[500] ?? 0) ^ 1;
    return new Response(copy);
  });
  const { shards } = await model.load();
  assert.deepEqual(shards[1], model.files.get("model-1.safetensors"));
  assert.equal(model.asked.filter((name) => name === "model-1.safetensors").length, 2);
});

test("a shard that stays damaged is named, after two tries", async () => {
  const model = folder(3);
  const shard = model.files.get("model-2.safetensors");
  if (shard) shard[0] = (shard[0] ?? 0) ^ 128;
  await assert.rejects(model.load(), fault("wrong_hash", "model-2.safetensors", "SHA-256"));
  assert.equal(model.asked.filter((name) => name === "model-2.safetensors").length, 2);
});

for (const [length, words] of [
  [999, "999"],
  [1001, "more than 1000"],
] as const) {
  test(`a shard of ${length} instead of 1000 bytes is named`, async () => {
    const model = folder(2);
    model.files.set("model-1.safetensors", new Uint8Array(length));
    await assert.rejects(model.load(), fault("wrong_length", "model-1.safetensors", words, "1000"));
  });
}

test("a missing shard is named", async () => {
  const model = folder(2);
  model.files.delete("model-1.safetensors");
  await assert.rejects(model.load(), fault("missing", "model-1.safetensors", "404"));
});

test("a server in trouble and a host that cannot be reached are told apart from damage", async () => {
  const model = folder(1);
  model.answering((name, data) =>
    name.endsWith(".json")
      ? new Response(data as Uint8Array<ArrayBuffer>)
      : new Response(null, { status: 503 }),
  );
  await assert.rejects(model.load(), fault("network", "model-0.safetensors", "503"));
  const unreachable = new ModelFiles(undefined, async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(
    unreachable.read(`${base}config.json`, never),
    fault("network", "config.json", "models.example"),
  );
});

test("a line that is cut says after how many bytes", async () => {
  const model = folder(1);
  model.answering((name, data) => {
    if (name.endsWith(".json")) return new Response(data as Uint8Array<ArrayBuffer>);
    let parts = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (parts++ < 2) controller.enqueue(new Uint8Array(200));
          else controller.error(new TypeError("connection reset"));
        },
      }),
    );
  });
  await assert.rejects(
    model.load(),
    fault("network", "model-0.safetensors", "after 400 of 1000", "connection reset"),
  );
});

test("what was checked once is not fetched again", async () => {
  const kept = new Map<string, Uint8Array>();
  const store: Store = {
    get: async (sha256) => kept.get(sha256),
    put: async (sha256, data) => void kept.set(sha256, data),
  };
  const model = folder(3);
  await model.load(store);
  model.asked.length = 0;
  const { shards } = await model.load(store);
  assert.deepEqual(model.asked, ["model.safetensors.index.json"]);
  assert.deepEqual(shards[2], model.files.get("model-2.safetensors"));
});

test("a store that fails costs nothing but the download", async () => {
  const broken: Store = {
    get: () => Promise.reject(new Error("no")),
    put: () => Promise.reject(new Error("quota exceeded")),
  };
  const { shards } = await folder(2).load(broken);
  assert.equal(shards.length, 2);
});

test("cancelling ends the shard asked for and those fetched ahead", async () => {
  const model = folder(5);
  const signals: AbortSignal[] = [];
  const hanging = (async (input: string, init?: RequestInit) => {
    if (input.endsWith(".json")) return model.request(input);
    const signal = init?.signal;
    assert.ok(signal);
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }) as typeof fetch;
  const files = new ModelFiles(undefined, hanging);
  await files.read(`${base}model.safetensors.index.json`, never);
  const cancel = new AbortController();
  const shard = files.shard(`${base}model-0.safetensors`, 1000, "", () => {}, cancel.signal);
  setTimeout(() => cancel.abort(), 10);
  await assert.rejects(shard, fault("cancelled"));
  assert.deepEqual(
    signals.map((signal) => signal.aborted),
    [true, true, true],
  );
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Keeping } from "../engine/keeping.ts";
import { LoadError, ModelFiles, type Settings, type WeightsFile } from "../engine/load.ts";
import { type Kept, limited, type Record, type Store } from "../engine/store.ts";

const base = "https://models.example/tiny/";
const never = new AbortController().signal;
const sum = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const small: Settings = {
  ...{ part: 256, block: 1024, blocks: 3, lines: 5 },
  ...{ stall: 200, tries: 4, pause: 1, longest: 20 },
};

type Answer = (
  name: string,
  data: Uint8Array,
  range?: [number, number],
) => Response | undefined | Promise<never>;

/** Shards of random bytes, and a server of them that counts what it is asked for. */
function folder(sizes: number[], settings = small) {
  const files = new Map<string, Uint8Array>();
  const list = sizes.map((size, i) => {
    const name = `model-${i}.safetensors`;
    const data = Uint8Array.from({ length: size }, (_, j) => (i * 31 + j * 7 + (j >> 8) * 13) & 255);
    files.set(name, data);
    return { name, size, sha256: sum(data) };
  });
  const asked: string[] = [];
  const flying = { now: 0, most: 0 };
  let answer: Answer = () => undefined;
  const request = (async (input: string, init?: RequestInit) => {
    const name = input.slice(base.length);
    const header = new Headers(init?.headers).get("range");
    const range = header?.match(/bytes=(\d+)-(\d*)/);
    asked.push([init?.method, name, header?.slice(6)].filter(Boolean).join(" "));
    flying.most = Math.max(flying.most, ++flying.now);
    await new Promise((resolve) => setTimeout(resolve, 3));
    flying.now--;
    if (init?.signal?.aborted) throw init.signal.reason;
    const data = files.get(name);
    if (!data) return new Response(null, { status: 404 });
    const from = Number(range?.[1] ?? 0);
    const to = Math.min(Number(range?.[2] || data.length - 1), data.length - 1);
    const special = await answer(name, data, range ? [from, to] : undefined);
    if (special) return special;
    if (!range) return new Response(data as Uint8Array<ArrayBuffer>);
    return ranged(data, from, to);
  }) as typeof fetch;
  return {
    files,
    list,
    asked,
    flying,
    request,
    answering: (f: Answer) => {
      answer = f;
    },
    async load(store?: Store) {
      const model = new ModelFiles(Promise.resolve(store), settings, request);
      const heard: [number, string][] = [];
      const arrived = (bytes: number, _: number, __: string, note: string) => heard.push([bytes, note]);
      const weights = await model.weights(base, list, arrived, never);
      const shards = list.map(({ size }) => new Uint8Array(size));
      try {
        for (let block = await weights.next(); block; block = await weights.next()) {
          shards[block.file]?.set(block.bytes, block.offset);
        }
      } finally {
        weights.end();
      }
      return { shards, heard };
    },
    right(shards: Uint8Array[]) {
      shards.forEach((shard, i) => {
        assert.deepEqual(sum(shard), list[i]?.sha256, list[i]?.name);
      });
    },
  };
}

const ranged = (data: Uint8Array, from: number, to: number, total = data.length) =>
  new Response(data.slice(from, to + 1), {
    status: 206,
    headers: { "content-range": `bytes ${from}-${to}/${total}` },
  });

/** An answer that breaks after this many bytes. */
const cut = (data: Uint8Array, after: number, init?: ResponseInit) =>
  new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(data.slice(0, after)),
      pull: (controller) => controller.error(new TypeError("connection reset")),
    }),
    init,
  );

/** A store in memory, byte by byte as the file system's. */
function memory() {
  const files = new Map<string, { data: Uint8Array; have: number[]; whole: boolean; sums: string[] }>();
  const smalls = new Map<string, Uint8Array>();
  const records = new Map<string, Record>();
  return {
    files,
    async open(key, size, part): Promise<Kept> {
      const file = files.get(key) ?? { data: new Uint8Array(size), have: [], whole: false, sums: [] };
      files.set(key, file);
      return {
        get whole() {
          return file.whole;
        },
        have: (index) => file.have[index] ?? 0,
        read: async (at, into) => into.set(file.data.subarray(at, at + into.length)),
        write(at, bytes) {
          file.data.set(bytes, at);
          file.have[Math.floor(at / part)] = at + bytes.length - Math.floor(at / part) * part;
        },
        part: async (index, _, sum) => {
          file.sums[index] = sum;
        },
        sum: (index) => file.sums[index] ?? "",
        trust: async (sums) => {
          file.whole = true;
          file.sums = sums;
        },
        forget: async () => {
          file.have = [];
          file.sums = [];
          file.whole = false;
        },
        close: () => {},
      };
    },
    small: async (key) => smalls.get(key),
    keepSmall: async (key, data) => void smalls.set(key, data),
    note: async (record) => void records.set(record.url, record),
    list: async () =>
      [...records.values()].map(({ url, used }) => ({
        url,
        ...{ bytes: 0, total: 0, complete: false },
        used: new Date(used),
      })),
    remove: async () => {},
  } satisfies Store & { files: unknown };
}

/** An error with the code, whose sentence has all the words. */
function fault(code: string, ...words: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
    return true;
  };
}

test("files arrive whole, by ranges, each byte once, five at once at most", async () => {
  const model = folder([200, 1000, 5000, 1024, 90]);
  const { shards, heard } = await model.load();
  model.right(shards);
  assert.equal(model.flying.most, 5);
  assert.equal(new Set(model.asked).size, model.asked.length);
  assert.equal(model.asked.length, 1 + 4 + 20 + 4 + 1);
  assert.equal(heard.at(-1)?.[0], 7314);
});

test("a server without ranges sends each file once", async () => {
  const model = folder([3000, 200, 700]);
  model.answering((_, data) => new Response(data as Uint8Array<ArrayBuffer>));
  const { shards } = await model.load();
  model.right(shards);
  assert.equal(model.asked.length, 3);
});

test("ranges of a packed answer are no ranges of the file", async () => {
  const model = folder([3000]);
  model.answering((_, data, range) =>
    range
      ? new Response(data.slice(0, 10), { status: 206, headers: { "content-encoding": "gzip" } })
      : new Response(data as Uint8Array<ArrayBuffer>, {
          headers: { "content-encoding": "gzip", "content-length": "77" },
        }),
  );
  model.right((await model.load()).shards);
  assert.deepEqual(model.asked, ["model-0.safetensors 0-255", "model-0.safetensors"]);
});

/** An answer of another origin, whose Content-Encoding the page does not see. */
function foreign(data: Uint8Array, length: number) {
  const response = new Response(data as Uint8Array<ArrayBuffer>, {
    headers: { "content-length": `${length}` },
  });
  return Object.defineProperty(response, "type", { value: "cors" });
}

test("the length of another origin's answer may be that of its packed bytes", async () => {
  for (const length of [2000, 4000]) {
    const model = folder([3000]);
    model.answering((_, data) => foreign(data, length));
    model.right((await model.load()).shards);
    assert.equal(model.asked.length, 1);
  }
  for (const length of [2000, 4000]) {
    const model = folder([3000]);
    model.answering((_, data) => {
      const other = Uint8Array.from({ length }, (_, i) => data[i] ?? 0);
      return foreign(other, length);
    });
    await assert.rejects(
      model.load(),
      fault("wrong_length", "model-0", length < 3000 ? "2000" : "more than 3000"),
    );
  }
});

/** What a browser says of an answer that it may not, or will not, show to the page. */
const refused = () => Promise.reject(new TypeError("Failed to fetch"));
const silent = () => new Promise<never>(() => {});
const busy = () => new Response(null, { status: 503, headers: { "retry-after": "0" } });

for (const [trouble, answer] of [
  ["says nothing", silent],
  ["is busy", busy],
  ["breaks connections", refused],
] as const) {
  test(`a server that ${trouble} at first is not taken for one without ranges`, async () => {
    const model = folder([1000, 700]);
    let times = 3;
    model.answering(() => (times-- > 0 ? answer() : undefined));
    model.right((await model.load()).shards);
    // One asks again and again until it is known that there are ranges, then all others ask once.
    const asked = model.asked.filter((text) => !text.startsWith("HEAD"));
    const tries = asked.lastIndexOf("model-0.safetensors 0-255");
    assert.ok(tries > 0 && asked.slice(0, tries).every((text) => text === asked[tries]), asked.join());
    assert.equal(new Set(asked).size, asked.length - tries);
    assert.ok(!asked.includes("model-0.safetensors"), "no byte comes twice");
  });
}

test("a server that never answers fails all parts as soon as one has tried often enough", async () => {
  const model = folder([1000]);
  model.answering(busy);
  await assert.rejects(model.load(), fault("network", "model-0.safetensors", "503", "tried 4 times"));
  assert.deepEqual(model.asked, Array(4).fill("model-0.safetensors 0-255"));
});

test("where the browser hides answers to ranges, files come whole", async () => {
  const model = folder([3000, 700]);
  model.answering((_, __, range) => (range ? refused() : undefined));
  model.right((await model.load()).shards);
  const whole = model.asked.filter((text) => !/HEAD| \d/.test(text));
  assert.deepEqual(whole, ["model-0.safetensors", "model-1.safetensors"]);
});

test("on another origin, a slow or broken line is told from a server that lets no other site read", async () => {
  const location = { origin: "https://page.example", href: "https://page.example/", protocol: "https:" };
  Object.assign(globalThis, { location });
  try {
    for (const trouble of [silent, refused]) {
      const model = folder([1000]);
      let times = 1;
      model.answering(() => (times-- > 0 ? trouble() : undefined));
      model.right((await model.load()).shards);
    }
    const closed = folder([1000]);
    // Only what asks for no content may pass, as the requests of images do.
    closed.answering(() => (closed.asked.at(-1)?.startsWith("HEAD") ? undefined : refused()));
    await assert.rejects(closed.load(), fault("network", "models.example", "Access-Control-Allow-Origin"));
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
});

for (const sizes of [[700], [5000]]) {
  test(`a file of ${sizes} bytes that arrives damaged is fetched once more`, async () => {
    const model = folder(sizes);
    let spoilt = 0;
    model.answering((_, data, range) => {
      if (range?.[0] !== 512 || spoilt++ > 0) return undefined;
      const copy = data.slice();
      copy[600] = (copy[600] ?? 0) ^ 1;
      return ranged(copy, range[0], range[1]);
    });
    const { shards } = await model.load(memory());
    model.right(shards);
    assert.equal(model.asked.filter((text) => text.includes(" 512-")).length, 2);
  });

  test(`a file of ${sizes} bytes that stays damaged is named, after two tries`, async () => {
    const model = folder(sizes);
    const shard = model.files.get("model-0.safetensors");
    if (shard) shard[520] = (shard[520] ?? 0) ^ 128;
    await assert.rejects(model.load(), fault("wrong_hash", "model-0.safetensors", "SHA-256"));
    assert.equal(model.asked.filter((text) => text.includes(" 512-")).length, 2);
  });
}

for (const [length, words] of [
  [999, "999"],
  [1001, "1001"],
] as const) {
  test(`a shard of ${length} instead of 1000 bytes is named`, async () => {
    const model = folder([500, 1000]);
    model.files.set("model-1.safetensors", new Uint8Array(length));
    await assert.rejects(model.load(), fault("wrong_length", "model-1.safetensors", words, "1000"));
  });
}

test("a small shard that goes on after its end is named", async () => {
  const model = folder([200]);
  model.files.set("model-0.safetensors", new Uint8Array(300));
  await assert.rejects(model.load(), fault("wrong_length", "model-0.safetensors", "more than 200"));
});

test("a missing shard is named", async () => {
  const model = folder([500, 1000]);
  model.files.delete("model-1.safetensors");
  await assert.rejects(model.load(), fault("missing", "model-1.safetensors", "404"));
});

test("a server in trouble is asked again, and named in the end", async () => {
  const model = folder([900]);
  let trouble = 3;
  model.answering(() =>
    trouble-- > 0 ? new Response(null, { status: 503, headers: { "retry-after": "0" } }) : undefined,
  );
  const { shards } = await model.load();
  model.right(shards);
  trouble = Number.POSITIVE_INFINITY;
  await assert.rejects(model.load(), fault("network", "model-0.safetensors", "503"));
});

test("what is waited for is said", async () => {
  const model = folder([900]);
  let trouble = 2;
  model.answering(() =>
    trouble-- > 0 ? new Response(null, { status: 429, headers: { "retry-after": "0.01" } }) : undefined,
  );
  const { heard } = await model.load();
  assert.ok(heard.some(([, note]) => /429.*trying again in/.test(note)));
  assert.equal(heard.at(-1)?.[1], "");
});

test("a server that asks to wait too long is not waited for", async () => {
  const model = folder([900]);
  model.answering(() => new Response(null, { status: 429, headers: { "retry-after": "3600" } }));
  await assert.rejects(model.load(), fault("network", "429", "3600 s"));
});

test("a host that cannot be reached is named", async () => {
  const unreachable = new ModelFiles(Promise.resolve(undefined), small, async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(
    unreachable.read(`${base}config.json`, never),
    fault("network", "config.json", "fetch failed"),
  );
});

test("a cut line goes on at the byte where it was cut", async () => {
  const model = folder([1000]);
  let cuts = 0;
  model.answering((_, data, range) => {
    if (range?.[0] !== 256 || cuts++ > 0) return undefined;
    return cut(data.slice(256, 512), 100, {
      status: 206,
      headers: { "content-range": "bytes 256-511/1000" },
    });
  });
  const { shards } = await model.load();
  model.right(shards);
  assert.ok(model.asked.includes("model-0.safetensors 356-511"));
});

test("a line on which nothing comes any more is given up", async () => {
  const model = folder([1000]);
  let stalls = 1;
  model.answering((_, __, range) =>
    range?.[0] === 256 && stalls-- > 0
      ? new Response(new ReadableStream({}), {
          status: 206,
          headers: { "content-range": "bytes 256-511/1000" },
        })
      : undefined,
  );
  model.right((await model.load()).shards);
});

test("a small file goes on, too, if its tag is the same", async () => {
  const model = folder([1000]);
  const etag = { etag: '"1"' };
  model.answering((_, data, range) =>
    range
      ? new Response(data.slice(range[0]), {
          status: 206,
          headers: { ...etag, "content-range": `bytes ${range[0]}-999/1000` },
        })
      : cut(data, 300, { headers: etag }),
  );
  const files = new ModelFiles(Promise.resolve(undefined), small, model.request);
  const data = await files.read(`${base}model-0.safetensors`, never);
  assert.equal(sum(data), model.list[0]?.sha256);
  assert.deepEqual(model.asked, ["model-0.safetensors", "model-0.safetensors 300-"]);
});

test("an expired link behind a redirect is followed again", async () => {
  const model = folder([900]);
  let expired = 1;
  model.answering(() => {
    if (expired-- <= 0) return undefined;
    return Object.defineProperty(new Response(null, { status: 403 }), "redirected", { value: true });
  });
  model.right((await model.load()).shards);
  model.answering(() => new Response(null, { status: 403 }));
  await assert.rejects(model.load(), fault("network", "may not be read", "403"));
});

test("what was checked once is not fetched again", async () => {
  const store = memory();
  const model = folder([900, 3000]);
  await model.load(store);
  model.asked.length = 0;
  model.right((await model.load(store)).shards);
  assert.deepEqual(model.asked, []);
});

for (const sizes of [[900], [2500], [900, 2500]])
  test(`a bit that the disk has changed in files of ${sizes} bytes costs one more download of that file`, async () => {
    const model = folder(sizes);
    const store = memory();
    await model.load(store);
    const [name, size] = [model.list.at(-1)?.name, sizes.at(-1) as number];
    const { data } = [...store.files.values()].at(-1) as { data: Uint8Array };
    for (const at of [0, size - 1]) {
      data[at] = (data[at] as number) ^ 16;
      model.asked.length = 0;
      model.right((await model.load(store)).shards);
      assert.ok(
        model.asked.length > 0 && model.asked.every((text) => text.includes(name as string)),
        model.asked.join(),
      );
      model.asked.length = 0;
      model.right((await model.load(store)).shards);
      assert.deepEqual(model.asked, [], "what came again is kept and right");
    }
  });

test("a stored file that cannot be read is fetched again; without a network the sentence says why", async () => {
  const model = folder([900, 2500]);
  const store = memory();
  await model.load(store);
  const { open } = store;
  store.open = async (...args) => ({
    ...(await open(...args)),
    whole: true,
    read: async () => {
      throw new Error("the disk hums");
    },
  });
  model.answering(() => new Response(null, { status: 503 }));
  await assert.rejects(
    model.load(store),
    fault("network", "model-0", "503", "the copy that this browser had kept was damaged"),
  );
  store.open = open;
  model.answering(() => undefined);
  model.right((await model.load(store)).shards);
});

test("a broken visit goes on where it stopped", async () => {
  const store = memory();
  const model = folder([900, 3000]);
  model.answering((name, data, range) =>
    name === "model-1.safetensors" && range?.[0] === 1280
      ? cut(data.slice(1280), 100, { status: 206, headers: { "content-range": "bytes 1280-1535/3000" } })
      : range && range[0] > 1280 && range[0] < 1536
        ? new Response(null, { status: 500 })
        : undefined,
  );
  await assert.rejects(model.load(store), fault("network", "model-1.safetensors", "kept"));
  model.asked.length = 0;
  model.answering(() => undefined);
  model.right((await model.load(store)).shards);
  assert.equal(model.asked[0], "model-1.safetensors 1380-1535");
});

test("a bit that the disk has changed since a broken visit is found, without hashes, too", async () => {
  const store = memory();
  const model = folder([3000]);
  const hash = model.list[0]?.sha256;
  Object.assign(model.list[0] ?? {}, { sha256: "" });
  model.answering((_, __, range) =>
    range && range[0] >= 2560 ? new Response(null, { status: 500 }) : undefined,
  );
  await assert.rejects(model.load(store), fault("network", "model-0.safetensors"));
  const [file] = [...store.files.values()];
  assert.ok(file && (file.have[0] ?? 0) > 0);
  file.data[7] = (file.data[7] as number) ^ 1;
  model.answering(() => undefined);
  const { shards } = await model.load(store);
  assert.equal(sum(shards[0] as Uint8Array), hash);
});

test("a store that fails costs nothing but the download", async () => {
  const broken = { ...memory(), open: () => Promise.reject(new Error("no")) };
  const model = folder([900, 3000]);
  model.right((await model.load(broken)).shards);
  const full = memory();
  const { open } = full;
  full.open = async (...about) =>
    Object.assign(await open(...about), {
      write: () => {
        throw new Error("quota exceeded");
      },
    });
  model.right((await model.load(full)).shards);
});

test("a store that is taken away, so that answers never come, costs nothing but the download", async () => {
  const never = () => new Promise<never>(() => {});
  const gone: Store = { ...memory(), open: never, note: never, list: never, small: never };
  const model = folder([900, 3000]);
  model.right((await model.load(limited(gone, 20))).shards);
  const later = memory();
  const { open } = later;
  later.open = async (...about) => Object.assign(await open(...about), { part: never, trust: never });
  model.right((await model.load(limited(later, 20))).shards);
});

test("a web page in a model's place is named, and not kept", async () => {
  const page = () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
  const store = memory();
  const kept: string[] = [];
  store.keepSmall = async (key) => void kept.push(key);
  const files = new ModelFiles(Promise.resolve(store), small, async () => page());
  await assert.rejects(files.read(`${base}config.json`, never), fault("missing", "web page", "config.json"));
  assert.deepEqual(kept, []);
});

test("a small file is the one of the last visit where there is no network", async () => {
  const store = memory();
  const model = folder([900]);
  const url = `${base}model-0.safetensors`;
  await new ModelFiles(Promise.resolve(store), small, model.request).read(url, never);
  const offline = new ModelFiles(Promise.resolve(store), { ...small, tries: 1 }, async () => {
    throw new TypeError("fetch failed");
  });
  assert.equal(sum(await offline.read(url, never)), model.list[0]?.sha256);
});

test("without hashes the server's own size and tag tell versions apart", async () => {
  const model = folder([3000]);
  model.list[0] = { name: "model-0.safetensors", size: 0, sha256: "" };
  const files = new ModelFiles(Promise.resolve(memory()), small, model.request);
  const weights = await files.weights(base, model.list, () => {}, never);
  let bytes = 0;
  for (let block = await weights.next(); block; block = await weights.next()) {
    assert.equal(block.size, 3000);
    bytes += block.bytes.length;
  }
  weights.end();
  assert.equal(bytes, 3000);
});

test("picked files load without a server", async () => {
  const model = folder([900, 3000]);
  const files = new ModelFiles(Promise.resolve(undefined), small, () => assert.fail("a request"));
  const picked = [...model.files].map(([name, data]) => new File([data as Uint8Array<ArrayBuffer>], name));
  files.add("https://files.invalid/1/", picked);
  const weights = await files.weights("https://files.invalid/1/", model.list, () => {}, never);
  let bytes = 0;
  for (let block = await weights.next(); block; block = await weights.next()) bytes += block.bytes.length;
  weights.end();
  assert.equal(bytes, 3900);
});

test("cancelling ends all that is on its way", async () => {
  const model = folder([5000]);
  const signals: AbortSignal[] = [];
  const hanging = (async (_: string, init?: RequestInit) => {
    const signal = init?.signal as AbortSignal;
    signals.push(signal);
    setTimeout(() => cancel.abort(), 10);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }) as typeof fetch;
  const files = new ModelFiles(Promise.resolve(undefined), { ...small, stall: 10_000 }, hanging);
  const cancel = new AbortController();
  const weights = await files.weights(base, model.list, () => {}, cancel.signal);
  await assert.rejects(weights.next(), fault("cancelled"));
  weights.end();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(signals.length > 0 && signals.every((signal) => signal.aborted));
});

/** What stretches and made files of a list bring, by their place in it. */
async function pieces(model: ModelFiles, list: WeightsFile[]) {
  const weights = await model.weights(base, list, () => {}, never);
  const got = list.map(() => [] as number[]);
  const sizes: number[] = [];
  try {
    for (let block = await weights.next(); block; block = await weights.next()) {
      const { file, offset, size, bytes } = block;
      assert.equal(offset, (list[file]?.begin ?? 0) + (got[file]?.length ?? 0), "in order");
      got[file]?.push(...bytes);
      sizes[file] = size;
    }
  } finally {
    weights.end();
  }
  return { got, sizes };
}

for (const ranges of [true, false]) {
  test(`stretches of files come alone and are not kept, from a server ${ranges ? "with" : "without"} ranges`, async () => {
    const { list, files, asked, request, answering } = folder([9000, 700]);
    if (!ranges)
      answering(
        (_, data) =>
          new Response(data as Uint8Array<ArrayBuffer>, { headers: { "content-length": `${data.length}` } }),
      );
    const store = memory();
    const model = new ModelFiles(Promise.resolve(store), small, request);
    const stretch = (i: number, begin: number, end: number, size = list[i]?.size ?? 0): WeightsFile => ({
      ...{ name: list[i]?.name ?? "", size, sha256: "", begin, end },
    });
    const wanted = [
      stretch(0, 10, 5000),
      stretch(1, 0, 8, 0),
      stretch(0, 5000, 5003),
      stretch(1, 600, 9999, 0),
    ];
    const { got, sizes } = await pieces(model, wanted);
    wanted.forEach(({ name, begin, end }, i) => {
      assert.deepEqual(got[i], [...(files.get(name)?.slice(begin, end) ?? [])], `${name} from ${begin}`);
    });
    assert.deepEqual(sizes, [9000, 700, 9000, 700], "the whole files' lengths");
    assert.equal(store.files.size, 0);
    if (ranges) assert.ok(!asked.some((what) => what.endsWith(".safetensors")), asked.join(", "));
  });
}

test("what is made is kept once it is whole, and comes back checked or not at all", async () => {
  const { request, asked } = folder([10]);
  const store = memory();
  const model = new ModelFiles(Promise.resolve(store), small, request);
  const data = [700, 256, 3000].map((size, i) =>
    Uint8Array.from({ length: size }, (_, j) => (i + j * 5) & 255),
  );
  const made = data.map(({ length }, i) => ({
    name: `made-${i}.safetensors`,
    size: length,
    key: `key-${i}`,
  }));
  const keep = () => model.keep(base, `${base}#bits=4`, made, () => {}, never);
  const make = async (keeping: Keeping, index: number, upTo = Number.POSITIVE_INFINITY) => {
    await keeping.begin(index);
    const bytes = data[index]?.subarray(0, upTo) ?? new Uint8Array();
    for (let at = 0; at < bytes.length; at += 100) await keeping.write(bytes.subarray(at, at + 100));
  };
  const first = await keep();
  assert.deepEqual(first.whole, [false, false, false]);
  await make(first, 0);
  assert.equal(await first.finish(), sum(data[0] ?? new Uint8Array()));
  await make(first, 1);
  await first.finish();
  await make(first, 2, 2000); // and the tab is closed
  first.close();

  const second = await keep();
  assert.deepEqual(second.whole, [true, true, false], "what was not finished does not count");
  await make(second, 2);
  await second.finish();
  second.close();
  assert.deepEqual((await keep()).whole, [true, true, true]);

  const wanted = made.map((file) => ({ ...file, sha256: "" }));
  const { got } = await pieces(model, wanted);
  assert.deepEqual(
    got,
    data.map((bytes) => [...bytes]),
  );
  const damage = store.files.get("key-2");
  if (damage) damage.data[1500] = (damage.data[1500] ?? 0) ^ 1;
  await assert.rejects(pieces(model, wanted), /made-2.safetensors, as this browser has kept it, is damaged/);
  await assert.rejects(
    pieces(model, [{ name: "other.safetensors", size: 5, sha256: "", key: "other" }]),
    /other.safetensors is not in this browser's store any more/,
  );
  assert.deepEqual(asked, [], "nothing of all this comes from the network");
});

test("what is made is hashed where nothing keeps it, or the store fails", async () => {
  const { request } = folder([10]);
  const data = new Uint8Array(600).fill(7);
  const failing = { ...memory(), open: () => Promise.reject(new Error("no disk")) };
  for (const store of [undefined, failing]) {
    const model = new ModelFiles(Promise.resolve(store), small, request);
    const made = [{ name: "made.safetensors", size: 600, key: "key" }];
    const keeping = await model.keep(base, `${base}#bits=8`, made, () => {}, never);
    await keeping.begin(0);
    await keeping.write(data);
    assert.equal(await keeping.finish(), sum(data));
    keeping.close();
  }
});

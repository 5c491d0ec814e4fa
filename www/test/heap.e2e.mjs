/** A model of a gigabyte passes through the page's memory without filling it. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, modelsFolder, serve } from "./site.mjs";

const most = 150e6;

const config = {
  model_type: "samba",
  hidden_size: 1024,
  num_hidden_layers: 12,
  layer_types: Array.from({ length: 12 }, (_, i) => ["mamba", "sliding_attention"][i % 2]),
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 128,
  sliding_window: 64,
  intermediate_size: 12288,
  mamba_d_state: 16,
  mamba_d_conv: 4,
  mamba_expand: 2,
  mamba_dt_rank: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
  vocab_size: 32000,
  max_position_embeddings: 4096,
};

/** The tensors of the config, in F16 but for the small ones. */
function tensors() {
  const { hidden_size: d, intermediate_size: ff, mamba_d_state: n, mamba_dt_rank: rank } = config;
  const inner = config.mamba_expand * d;
  const heads = config.num_attention_heads + 2 * config.num_key_value_heads;
  const list = [["embed_tokens.weight", [config.vocab_size, d]]];
  config.layer_types.forEach((kind, i) => {
    const mixer =
      kind === "mamba"
        ? [
            ["in_proj.weight", [2 * inner, d]],
            ["conv1d.weight", [inner, config.mamba_d_conv]],
            ["conv1d.bias", [inner]],
            ["x_proj.weight", [rank + 2 * n, inner]],
            ["dt_proj.weight", [inner, rank]],
            ["dt_proj.bias", [inner]],
            ["A_log", [inner, n]],
            ["D", [inner]],
            ["out_proj.weight", [d, inner]],
          ]
        : [
            ["qkv_proj.weight", [heads * config.head_dim, d]],
            ["o_proj.weight", [d, config.num_attention_heads * config.head_dim]],
          ];
    list.push([`layers.${i}.mixer_norm.weight`, [d]]);
    for (const [name, shape] of mixer) list.push([`layers.${i}.mixer.${name}`, shape]);
    list.push([`layers.${i}.mlp_norm.weight`, [d]]);
    list.push(
      [`layers.${i}.mlp.gate_up_proj.weight`, [2 * ff, d]],
      [`layers.${i}.mlp.down_proj.weight`, [d, ff]],
    );
  });
  list.push(["norm.weight", [d]]);
  return list.map(([name, shape]) => ({ name, shape, size: shape.reduce((a, b) => a * b, 2) }));
}

// The bytes of all weights repeat: nothing of this size need ever be in memory or on disk here.
// Their exponents are small: a weight that is no number is refused.
const block = randomBytes(1 << 20).map((byte, i) => (i % 2 ? byte & 0x9f : byte));

/** Shards of at most 32 MiB, but for tensors that are larger by themselves. */
function shards() {
  const groups = [];
  let room = 0;
  for (const tensor of tensors()) {
    if (tensor.size > room) {
      groups.push([]);
      room = 32 << 20;
    }
    groups.at(-1).push(tensor);
    room -= tensor.size;
  }
  const files = new Map();
  const index = { metadata: { total_size: 0, size: {}, sha256: {} }, weight_map: {} };
  groups.forEach((group, i) => {
    const file = `model-${String(i + 1).padStart(5, "0")}.safetensors`;
    const table = {};
    let at = 0;
    for (const { name, shape, size } of group) {
      table[name] = { dtype: "F16", shape, data_offsets: [at, at + size] };
      at += size;
      index.weight_map[name] = file;
    }
    const text = JSON.stringify(table);
    const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
    const head = Buffer.alloc(8 + padded.length);
    head.writeBigUInt64LE(BigInt(padded.length));
    head.write(padded, 8);
    const hash = createHash("sha256").update(head);
    for (let left = at; left > 0; left -= block.length)
      hash.update(block.subarray(0, Math.min(left, block.length)));
    files.set(file, { head, size: head.length + at });
    index.metadata.size[file] = head.length + at;
    index.metadata.sha256[file] = hash.digest("hex");
    index.metadata.total_size += at;
  });
  return { files, index };
}

/** A stretch of a shard. */
function* bytes({ head, size }, from, to) {
  if (from < head.length) yield head.subarray(from, Math.min(to, head.length));
  for (let at = Math.max(from, head.length); at < Math.min(to, size); ) {
    const start = (at - head.length) % block.length;
    const piece = block.subarray(start, Math.min(block.length, start + to - at));
    yield piece;
    at += piece.length;
  }
}

const { files, index } = shards();
const small = new Map([
  ["config.json", config],
  ["model.safetensors.index.json", index],
]);
let sent = 0;

let host;
let models;
let site;
let browser;
before(async () => {
  host = createServer(async (request, response) => {
    const name = request.url.split("/").pop();
    const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range" };
    const file = files.get(name);
    if (!file) {
      response.writeHead(small.has(name) ? 200 : 404, cors);
      response.end(small.has(name) ? JSON.stringify(small.get(name)) : "");
      return;
    }
    const [, first, last] = request.headers.range?.match(/bytes=(\d+)-(\d+)/) ?? [];
    const from = Number(first ?? 0);
    const to = last === undefined ? file.size : Number(last) + 1;
    response.writeHead(first ? 206 : 200, {
      ...cors,
      "content-length": to - from,
      ...(first ? { "content-range": `bytes ${from}-${to - 1}/${file.size}` } : {}),
    });
    for (const piece of bytes(file, from, to)) {
      sent += piece.length;
      if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve));
    }
    response.end();
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
  models = modelsFolder();
  site = await serve(models.folder);
  browser = await launch("chromium");
});
after(async () => {
  await browser?.close();
  site?.stop();
  models?.remove();
  host?.closeAllConnections();
  host?.close();
});

test("a gigabyte loads within 150 MB of JS and WebAssembly heap", { timeout: 600_000 }, async () => {
  const page = await browser.newPage();
  const worker = new Promise((resolve) => page.once("workercreated", resolve));
  await page.goto(`${site.origin}/relay.html`);
  const visits = [];
  for (const visit of ["from the network", "from the store"]) {
    const loading = page.evaluate(async (url) => {
      if (!globalThis.engine) {
        const text = async (path) => (await fetch(path)).text();
        const script = (await text("relay.html")).match(/assets\/relay-\w+\.js/)[0];
        const name = (await text(script)).match(/lab-worker-\w+\.js/)[0];
        const address = new URL(`assets/${name}`, location.href).href;
        const policy = globalThis.trustedTypes?.createPolicy("samba", { createScriptURL: (url) => url });
        globalThis.engine = new Worker(policy?.createScriptURL(address) ?? address, { type: "module" });
      }
      const start = performance.now();
      return await new Promise((resolve, reject) => {
        engine.onmessage = ({ data }) => {
          if (data.type === "error") reject(new Error(data.message));
          if (data.type === "ready") resolve({ ...data, seconds: (performance.now() - start) / 1000 });
        };
        engine.postMessage({ type: "load", id: Math.floor(performance.now()) + 1, url, backend: "webgpu" });
      });
    }, `http://127.0.0.1:${host.address().port}/model/`);
    let done = false;
    const ended = loading.finally(() => {
      done = true;
    });
    ended.catch(() => {});
    const { client } = await Promise.race([worker, ended.then(() => worker)]);
    let peak = 0;
    for (; !done; await new Promise((resolve) => setTimeout(resolve, 15))) {
      const { usedSize, backingStorageSize } = await client.send("Runtime.getHeapUsage");
      peak = Math.max(peak, usedSize + backingStorageSize);
    }
    const ready = await ended;
    peak += await (await worker).evaluate(() => globalThis.engineMemory()); // which never shrinks
    visits.push({ visit, seconds: ready.seconds, heap: peak, sent });
    assert.equal(ready.layers, config.num_hidden_layers);
  }
  console.log(JSON.stringify(visits));
  const total = Object.values(index.metadata.size).reduce((a, b) => a + b, 0);
  assert.ok(total > 1e9, `${total} bytes are no gigabyte`);
  for (const { visit, heap } of visits)
    assert.ok(heap < most, `${heap} bytes of heap ${visit}, want at most ${most}`);
  assert.equal(visits[1].sent, total, "every byte is sent once, and none on the second visit");
});

/**
 * Runs another engine for samba bench (tools/bench/peers.go): fetches the plan, loads the model that the program
 * makes up, runs it, and reports back.
 */
import { Wllama } from "@wllama/wllama";

const report = (message) => fetch("report", { method: "POST", body: JSON.stringify(message) });

/** Lines of the engine's log that tell where it computes. */
const log = [];
const keep = (...words) => {
  const line = words.join(" ");
  if (/webgpu|offload|buffer size|error/i.test(line) && log.length < 40) log.push(line.slice(0, 300));
};
const logger = { debug: keep, log: keep, warn: keep, error: keep };

/** Letters and spaces, each of which is one token of the model's tokenizer. */
function text(tokens, seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  let out = "";
  for (let i = 0; i < tokens; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out += i % 5 === 4 ? " " : String.fromCharCode(97 + ((state >>> 16) % 26));
  }
  return out;
}

/** onnxruntime-web: kernel against kernel. */
async function products(plan) {
  const { prepare, time } = await import("./ort.js");
  const version = prepare(new URL("ort.wasm", location.href).href);
  const products = [];
  for (const product of plan.products) {
    products.push({ ...product, seconds: await time(product, plan.runs, plan.cold) });
    await report({ done: products.length });
  }
  await report({ version, products });
}

async function main() {
  const plan = await (await fetch("plan")).json();
  if (plan.products) return products(plan);
  const wllama = new Wllama({ default: new URL("wllama.wasm", location.href).href }, { logger });
  const files = [];
  for (let i = 0; i < plan.files; i++) files.push(await (await fetch(`model/${i}`)).blob());
  if (plan.gpu && !wllama.isSupportWebGPU()) throw new Error("wllama finds no WebGPU in this browser");

  const begin = performance.now();
  await wllama.loadModel(files, {
    n_ctx: Math.ceil((plan.prompt + plan.generate + 1) / 256) * 256,
    n_parallel: 1,
    n_threads: 1,
    ...(plan.gpu ? {} : { n_gpu_layers: 0 }),
  });
  const load = (performance.now() - begin) / 1000;
  await report({ done: 1 });

  const complete = (prompt, tokens) =>
    wllama.createCompletion({ prompt, max_tokens: tokens, temperature: 0, top_k: 1, ignore_eos: true, cache_prompt: false });
  const runs = [];
  for (let i = 0; i <= plan.runs; i++) {
    const start = performance.now();
    await complete(text(plan.prompt, plan.seed + 2 * i), 1);
    const first_token = (performance.now() - start) / 1000;
    const { timings: t, usage } = await complete(text(plan.prompt, plan.seed + 2 * i + 1), plan.generate);
    if (!t) throw new Error("wllama reports no timings");
    if (t.prompt_n < plan.prompt) throw new Error(`wllama read ${t.prompt_n} of ${plan.prompt} tokens (${usage?.prompt_tokens} in all)`);
    // llama.cpp's clock of generation starts when the first token is there.
    const decode = t.predicted_ms / 1000;
    if (i > 0) runs.push({ prompt_tokens: t.prompt_n, prefill: t.prompt_ms / 1000, first_token, tokens: t.predicted_n - 1, decode });
    await report({ done: i + 2 });
  }
  // llama.cpp goes on without the GPU where that lacks something (shader-f16, for one).
  const onGPU = log.some((line) => /model buffer size/.test(line) && !/CPU/.test(line));
  const note =
    plan.gpu && !onGPU ? "its log names no weights on the GPU: it took the processor (its WebGPU backend wants shader-f16)" : "";
  await report({ note, version: `${WLLAMA_VERSION} (llama.cpp ${Wllama.getLibllamaVersion()})`, load, runs, log });
}

main().catch((error) => report({ error: `${error?.message ?? error}`, log }));

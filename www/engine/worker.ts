/** The Web Worker: starts the engine (Go, compiled to WebAssembly) and hands messages through. */
import "go/wasm_exec";
import "gpu/cpu/simd";
import "gpu/replay";
import type { Ended } from "./connection.ts";
import { said } from "./errors.ts";
import { factKey, ModelFiles, settings } from "./load.ts";
import type { Error as ErrorMessage, Request } from "./protocol.ts";
import { openStore } from "./store.ts";
import { threads } from "./threads.ts";
import { written } from "./written.ts";

declare class Go {
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

// Set by gpu/cpu/simd.js.
declare const sambaSIMD: {
  imports: WebAssembly.ModuleImports;
  program: number;
  share(bytes: Uint8Array, section: number): Uint8Array | undefined;
  adopt(memory: WebAssembly.Memory): void;
  helper?: () => Worker;
  assist(): void;
};

// The engine's own helpers, threads of the processor, have this script, too: it is one that policies allow.
const helping = self.name === "samba helper";
sambaSIMD.helper = () => new Worker(self.location.href, { type: "module", name: "samba helper" });

// The engine listens a moment after the page may speak: what comes before waits here.
const early: [json: string, data: Uint8Array | null][] = [];
let deliver = (json: string, data: Uint8Array | null): void => {
  early.push([json, data]);
};

const store = helping ? Promise.resolve(undefined) : openStore();
const files = new ModelFiles(store, settings);

self.onmessage = ({
  data: message,
}: MessageEvent<{ data?: ArrayBuffer; folder?: string; files?: File[] }>) => {
  const { data, folder, files: picked, ...rest } = message;
  if (folder && picked) return files.add(folder, picked);
  const { json, refusal } = written(rest);
  if (json !== undefined) return deliver(json, data ? new Uint8Array(data) : null);
  // The engine would not look inside for whose it is.
  const { id } = rest as Request;
  self.postMessage({ type: "error", id, code: "bad_request", message: refusal } satisfies ErrorMessage);
};

const pause = new MessageChannel();
const resting: (() => void)[] = [];
pause.port1.onmessage = () => resting.shift()?.();

// See wasm/worker/worker.go for the contract.
Object.assign(globalThis, {
  samba: {
    listen(listener: typeof deliver) {
      deliver = listener;
      for (const message of early.splice(0)) deliver(...message);
    },
    post(json: string, data: Uint8Array<ArrayBuffer> | null) {
      const message = JSON.parse(json);
      if (data) self.postMessage({ ...message, data: data.buffer }, { transfer: [data.buffer] });
      else self.postMessage(message);
    },
    breathe() {
      return new Promise<void>((resolve) => {
        resting.push(resolve);
        pause.port2.postMessage(null);
      });
    },
    async recall(key: string) {
      const kept = await (await store)?.small(await factKey(key));
      return kept ? new TextDecoder().decode(kept) : "";
    },
    async remember(key: string, value: string) {
      await (await store)?.keepSmall(await factKey(key), new TextEncoder().encode(value));
    },
    read: files.read.bind(files),
    weights: files.weights.bind(files),
    keep: files.keep.bind(files),
  },
});

function failed(message: string) {
  self.postMessage({ ended: message } satisfies Ended);
}

/**
 * The engine's code. Many hosts send it unpacked, four times as many bytes as need be: it lies beside itself packed, too.
 */
async function engine(): Promise<Response> {
  // Bundlers move files: who knows where these two went says so behind this script's address.
  const [plain = SAMBA_WASM, packed = `${plain}.gz`] = new URL(import.meta.url).hash
    .slice(1)
    .split("|")
    .filter(Boolean);
  const response = await fetch(new URL(plain, import.meta.url));
  if (!response.ok) throw new Error(`${response.url} answers ${response.status}`);
  const { headers } = response;
  if (headers.has("content-encoding") || Number(headers.get("content-length")) !== SAMBA_WASM_SIZE)
    return response;
  const unpacked = await unpack(new URL(packed, import.meta.url)).catch(() => undefined);
  if (!unpacked) return response;
  await response.body?.cancel();
  return new Response(unpacked, { headers: { "content-type": "application/wasm" } });
}

/** The stream of a file that was packed by gzip, unless this browser, or the host, has nothing of the kind. */
async function unpack(url: URL): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
  if (!("DecompressionStream" in globalThis)) return undefined;
  const { ok, body } = await fetch(url);
  const reader = body?.getReader();
  let next = ok ? await reader?.read() : undefined;
  // Some hosts unpack it themselves, others answer with a page.
  const [zero, one] = next?.value ?? [];
  if (!reader || zero !== 0x1f || one !== 0x8b) {
    await reader?.cancel();
    return undefined;
  }
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value } = next ?? (await reader.read());
      next = undefined;
      if (value) controller.enqueue(value);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return whole.pipeThrough(new DecompressionStream("gzip"));
}

/** The engine's code with its memory made one that threads share. */
function shared({ body }: Response): Response {
  let head: Uint8Array | undefined = new Uint8Array(); // up to where it says what memory it wants
  const share = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (!head) return controller.enqueue(chunk);
      const both = new Uint8Array(head.length + chunk.length);
      both.set(head);
      both.set(chunk, head.length);
      head = both;
      const changed = sambaSIMD.share(head, sambaSIMD.program);
      if (!changed) return;
      head = undefined;
      controller.enqueue(changed);
    },
  });
  const code = body?.pipeThrough(share) as ReadableStream<Uint8Array<ArrayBuffer>>;
  return new Response(code, { headers: { "content-type": "application/wasm" } });
}

// No await at the top: what packs a site together takes this file for a classic script.
async function start(): Promise<void> {
  try {
    const go = new Go();
    go.importObject.simd = sambaSIMD.imports;
    const instantiate = async (code: Promise<Response>) =>
      (await WebAssembly.instantiateStreaming(code, go.importObject)).instance;
    const code = engine(); // on its way while the browser looks for a GPU
    code.catch(() => undefined); // where it fails before that, the await below says so
    // Where there is no room for memory that can be shared, there is for memory of its own.
    const instance = (await threads())
      ? await instantiate(code.then(shared)).catch(() => instantiate(engine()))
      : await instantiate(code);
    const memory = instance.exports.mem as WebAssembly.Memory;
    sambaSIMD.adopt(memory);
    Object.assign(globalThis, { engineMemory: () => memory.buffer.byteLength });
    await go.run(instance);
    failed("The engine ended by itself: reload the page.");
  } catch (error) {
    failed(`The engine did not start: ${said(error)}.`);
  }
}

if (helping) sambaSIMD.assist();
else void start();

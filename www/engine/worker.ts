/** The Web Worker: starts the engine (Go, compiled to WebAssembly) and hands messages through. */
import "go/wasm_exec";
import "gpu/cpu/simd";
import "gpu/replay";
import { said } from "./errors.ts";
import { ModelFiles, settings } from "./load.ts";
import type { Error as ErrorMessage } from "./protocol.ts";
import { keyOf, openStore } from "./store.ts";

declare class Go {
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

// Set by gpu/cpu/simd.js.
declare const sambaSIMD: {
  imports: WebAssembly.ModuleImports;
  memory: WebAssembly.Memory | undefined;
};

// The engine listens a moment after the page may speak: what comes before waits here.
const early: [json: string, data: Uint8Array | null][] = [];
let deliver = (json: string, data: Uint8Array | null): void => {
  early.push([json, data]);
};

const store = openStore();
const files = new ModelFiles(store, settings);
const fact = (key: string) => keyOf(`fact ${key}`);

self.onmessage = ({
  data: message,
}: MessageEvent<{ data?: ArrayBuffer; folder?: string; files?: File[] }>) => {
  const { data, folder, files: picked, ...rest } = message;
  if (folder && picked) return files.add(folder, picked);
  deliver(JSON.stringify(rest), data ? new Uint8Array(data) : null);
};

const pause = new MessageChannel();
const resting: (() => void)[] = [];
pause.port1.onmessage = () => resting.shift()?.();

// See wasm/main.go for the contract.
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
      const kept = await (await store)?.small(await fact(key));
      return kept ? new TextDecoder().decode(kept) : "";
    },
    async remember(key: string, value: string) {
      await (await store)?.keepSmall(await fact(key), new TextEncoder().encode(value));
    },
    read: files.read.bind(files),
    weights: files.weights.bind(files),
  },
});

function failed(message: string) {
  const error: ErrorMessage = { type: "error", id: 0, code: "internal", message };
  self.postMessage(error);
}

// No await at the top: what packs a site together takes this file for a classic script.
async function start(): Promise<void> {
  try {
    const go = new Go();
    go.importObject.simd = sambaSIMD.imports;
    // Bundlers move files: who knows where the engine went says so behind this script's address.
    const engine = new URL(import.meta.url).hash.slice(1) || SAMBA_WASM;
    const response = await fetch(new URL(engine, import.meta.url));
    if (!response.ok) throw new Error(`${response.url} answers ${response.status}`);
    const { instance } = await WebAssembly.instantiateStreaming(response, go.importObject);
    const memory = instance.exports.mem as WebAssembly.Memory;
    sambaSIMD.memory = memory;
    Object.assign(globalThis, { engineMemory: () => memory.buffer.byteLength });
    await go.run(instance);
    failed("The engine ended by itself: reload the page.");
  } catch (error) {
    failed(`The engine did not start: ${said(error)}.`);
  }
}

void start();

/**
 * Runs the engine for a program outside the browser: opens a WebSocket back to
 * the server that this page came from, at the path in ?socket=, and passes the
 * protocol's messages both ways. Over a WebSocket a message's attachment
 * follows it as a binary frame.
 */
import { startWorker } from "./engine/connection.ts";
import type { Lapped } from "./engine/protocol.ts";

let tellsMemory = crossOriginIsolated;

/**
 * JavaScript's heap in bytes, the page's and its worker's, without WebAssembly's memory; 0 where the browser does not
 * tell: only Chromium does, and its headless shell knows the question but refuses it, or takes it and never answers.
 */
async function scriptMemory(): Promise<number> {
  const asked = performance as { measureUserAgentSpecificMemory?(): Promise<{ bytes: number }> };
  if (!tellsMemory || !asked.measureUserAgentSpecificMemory) return 0;
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, 10_000));
  const told = await Promise.race([asked.measureUserAgentSpecificMemory().catch(() => undefined), late]);
  tellsMemory = told !== undefined;
  return told?.bytes ?? 0;
}

function start(): void {
  const path = new URLSearchParams(location.search).get("socket") ?? "";
  const url = new URL(path, location.href.replace(/^http/, "ws"));
  // A link must not be able to lend this engine to anybody else's server.
  if (!path.startsWith("/") || url.host !== location.host) {
    document.body.append("The address lacks ?socket=/path of this server.");
    return;
  }
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const worker = startWorker();
  // The worker may speak, or fail, before the socket is open.
  let sent: Promise<unknown> = new Promise((resolve) =>
    socket.addEventListener("open", resolve, { once: true }),
  );

  const send = ({ data, ...message }: { data?: ArrayBuffer; type?: string }) => {
    sent = sent.then(async () => {
      if (message.type === "lap") {
        const { memory } = (message as Lapped).lap;
        memory.js = await scriptMemory();
      }
      socket.send(JSON.stringify(message));
      if (data) socket.send(data);
    });
  };
  const end = (message: string) => send({ type: "error", id: 0, code: "internal", message } as object);
  worker.onmessage = ({ data }) => ("ended" in data ? end(data.ended) : send(data));
  worker.onerror = (event) => end(`The engine's worker failed: ${event.message}.`);

  let announced: object | undefined; // a message whose attachment is the next frame
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== "string") {
      worker.postMessage({ ...announced, data }, [data]);
      announced = undefined;
      return;
    }
    const message = JSON.parse(data);
    if (message.binary) announced = message;
    else worker.postMessage(message);
  };
  socket.onclose = () => {
    worker.terminate();
    document.body.append(" The program has gone.");
  };
}

start();

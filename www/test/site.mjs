/** What the end-to-end tests share: the built site served by the samba command, and the two browsers. */
import { spawn } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { writeTinyModel } from "./tiny-model.mjs";

const samba = fileURLToPath(new URL("../../bin/samba", import.meta.url));

export const browsers = ["chromium", "firefox"];

/** A folder of models that ends with the test: default is the tiny one. */
export function modelsFolder() {
  const folder = mkdtempSync(join(tmpdir(), "samba-models-"));
  const shards = writeTinyModel(join(folder, "default"));
  return { folder, shards, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Starts `samba serve` on a port of its own, with more arguments if need be, and says where. */
export async function serve(models, ...more) {
  const server = spawn(samba, ["serve", "--addr", "127.0.0.1:0", "--models", models, ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const origin = await new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`${samba}: ${error.message}; run ./build.sh first`)));
    server.once("exit", (code) => reject(new Error(`samba serve ended with ${code}`)));
    let said = "";
    server.stdout.on("data", (text) => {
      said += text;
      const url = said.match(/http:\/\/\S+:\d+/);
      if (url) resolve(url[0]);
    });
  });
  return { origin, stop: () => server.kill() };
}

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** A plain server of a folder's files, with more headers by their ending. */
export function staticFiles(folder, headers = () => ({})) {
  const server = createServer((request, response) => {
    const path = join(folder, normalize(decodeURIComponent(new URL(request.url, "http://x").pathname)));
    if (!path.startsWith(folder) || !statSync(path, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const type = types[extname(path)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, ...headers(extname(path)) });
    createReadStream(path).pipe(response);
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({ origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }),
    ),
  );
}

/**
 * A door before a server, which hands on every answer's body as change(url, body) gives it back, alone or as { body, type }.
 * With { body, most } the answer stands still after so many bytes.
 */
export async function door(server, change) {
  const gate = createServer(async (request, response) => {
    const { range } = request.headers;
    const headers = { "accept-encoding": "identity", ...(range && { range }) };
    const answer = await fetch(server.origin + request.url, { headers });
    const changed = change(request.url, Buffer.from(await answer.arrayBuffer()));
    const { body, type, most } = Buffer.isBuffer(changed) ? { body: changed } : changed;
    response.writeHead(answer.status, {
      ...Object.fromEntries(answer.headers),
      ...(type && { "content-type": type }),
      "content-length": body.length,
    });
    if (most === undefined) response.end(body);
    else response.write(body.subarray(0, most));
  });
  await new Promise((resolve) => gate.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${gate.address().port}`,
    async stop() {
      gate.closeAllConnections();
      await new Promise((resolve) => gate.close(resolve));
    },
  };
}

/** A stock browser, headless; webgpu: false turns WebGPU off. */
export async function launch(name, { webgpu = true } = {}) {
  if (name === "chromium") {
    return puppeteer.launch({
      executablePath: process.env.CHROME || "/usr/bin/chromium",
      headless: true,
      defaultViewport: { width: 1280, height: 800 },
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        ...(webgpu
          ? ["--enable-unsafe-webgpu"]
          : ["--disable-features=WebGPU", "--disable-blink-features=WebGPU"]),
      ],
    });
  }
  return puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX || "/usr/bin/firefox-esr",
    headless: true,
    defaultViewport: { width: 1280, height: 800 },
    extraPrefsFirefox: {
      "dom.webgpu.enabled": webgpu,
      "gfx.webgpu.ignore-blocklist": webgpu,
      "datareporting.policy.dataSubmissionEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
}

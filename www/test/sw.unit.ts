/** The service worker's rules, with a browser's world that the test plays. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";

const at = (path: string) => `https://host.example/samba/${path}`;
const sum = (text: string) => createHash("sha256").update(text).digest("hex");
const files: Record<string, [type: string, text: string]> = {
  "": ["text/html", '<script src="chat-1.js"></script>'],
  "chat-1.js": ["text/javascript", "start()"],
  "engine.wasm": ["application/wasm", "code"],
};
const shell = Object.fromEntries(
  Object.entries(files).map(([path, [, text]]) => [
    path || "./",
    path ? { sha256: sum(text) } : { sha256: sum(text), names: ["chat-1.js"] },
  ]),
);

type Kept = Map<string, Response>;
const kept = new Map<string, Kept>();
let network: (url: string) => Response;
let broken = false;
const listeners: Record<string, (event: object) => void> = {};
let reopened: string[] = [];
let skipped = 0;

const cacheOf = (entries: Kept) => ({
  match: async (url: string) => entries.get(url)?.clone(),
  put: async (url: string, response: Response) => void entries.set(url, response),
  keys: async () => [...entries.keys()].map((url) => ({ url })),
});
const world = {
  SAMBA_SHELL: shell,
  SAMBA_VERSION: "now",
  self: {
    location: { href: at("sw.js") },
    clients: {
      claim: async () => {},
      matchAll: async () => [{ url: at(""), navigate: async (url: string) => void reopened.push(url) }],
    },
    skipWaiting: async () => void skipped++,
    addEventListener: (type: string, listener: (event: object) => void) => {
      listeners[type] = listener;
    },
  },
  caches: {
    keys: async () => [...kept.keys()],
    open: async (name: string) => {
      if (broken) throw new DOMException("the disk is gone", "UnknownError");
      if (!kept.has(name)) kept.set(name, new Map());
      return cacheOf(kept.get(name) as Kept);
    },
    delete: async (name: string) => kept.delete(name),
  },
  fetch: async (asked: string | { url: string }) => network(typeof asked === "string" ? asked : asked.url),
};

const file = (url: string): Response => {
  const [type, text] = files[url.slice(at("").length)] ?? [];
  return text === undefined
    ? new Response("none", { status: 404 })
    : new Response(text, { headers: { "content-type": type as string } });
};
const page = () => new Response("<p>Log in</p>", { headers: { "content-type": "text/html" } });

async function tell(type: "install" | "activate"): Promise<void> {
  let work: Promise<void> | undefined;
  listeners[type]?.({ waitUntil: (given: Promise<void>) => (work = given) });
  await work;
}
async function ask(url: string, mode = "no-cors"): Promise<Response | undefined> {
  let answer: Promise<Response> | undefined;
  const request = { url, mode, method: "GET", headers: new Headers() };
  listeners.fetch?.({ request, respondWith: (given: Promise<Response>) => (answer = given) });
  return await answer;
}

beforeEach(async () => {
  Object.assign(globalThis, world);
  if (!listeners.fetch) await import("../sw/sw.ts");
  kept.clear();
  network = file;
  broken = false;
  reopened = [];
  skipped = 0;
});

test("a version is kept whole, or not at all", async () => {
  network = (url) => (url.endsWith(".wasm") ? page() : file(url));
  await assert.rejects(tell("install"), /is not the file that belongs to this version/);
  network = file;
  await tell("install");
  await tell("activate");
  network = page;
  assert.equal(await (await ask(at("engine.wasm")))?.text(), "code");
  assert.match((await (await ask(at("?x=1#y"), "navigate"))?.text()) ?? "", /chat-1/);
  assert.equal(await ask(at("engine.wasm?old")), undefined, "another address is another file");
});

test("a page in a script's place is healed at once, and what was harmed on disk is fetched", async () => {
  kept.set(
    "samba-shell-before",
    new Map([
      [at(""), file(at(""))],
      [at("chat-0.js"), page()],
    ]),
  );
  await tell("install");
  assert.equal(skipped, 1);
  kept.get("samba-shell-now /samba/")?.set(at("engine.wasm"), new Response("c0de"));
  await tell("activate");
  assert.deepEqual([...kept.keys()], ["samba-shell-now /samba/"]);
  assert.equal(await (await ask(at("engine.wasm")))?.text(), "code");
  assert.deepEqual(reopened, [at("")]);
});

test("another copy of the page on the same host keeps its files", async () => {
  const theirs = ["samba-shell-before", "samba-shell-now /samba/beta/"];
  for (const [i, folder] of ["other/", "samba/beta/"].entries())
    kept.set(theirs[i] as string, new Map([[`https://host.example/${folder}`, page()]]));
  await tell("install");
  await tell("activate");
  assert.deepEqual([...kept.keys()].sort(), ["samba-shell-now /samba/", ...theirs].sort());
});

test("a store that fails costs nothing but the network", async () => {
  await tell("install");
  broken = true;
  assert.equal(await (await ask(at("engine.wasm")))?.text(), "code");
});

test("a file that another version has kept gets the headers of today", async () => {
  kept.set(
    "samba-shell-before /samba/",
    new Map(["", "chat-1.js", "engine.wasm"].map((path) => [at(path), file(at(path))])),
  );
  network = (url) => {
    if (url.endsWith(".js")) return page(); // a captive portal says nothing of the file
    const response = file(url);
    response.headers.set("cross-origin-opener-policy", "same-origin");
    return response;
  };
  await tell("install");
  const now = kept.get("samba-shell-now /samba/");
  for (const path of ["", "engine.wasm"])
    assert.equal(now?.get(at(path))?.headers.get("cross-origin-opener-policy"), "same-origin", path);
  assert.equal(now?.get(at("chat-1.js"))?.headers.get("content-type"), "text/javascript");
});

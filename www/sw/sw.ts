/**
 * The service worker: keeps the page's own files, so that it opens without a
 * network. All files of a version come together and are used together; models
 * are the engine's to keep.
 */

// What is used of a service worker's own world, which TypeScript does not know beside a page's.
interface ServiceWorkerEvent extends Event {
  waitUntil(work: Promise<void>): void;
}
interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
declare const self: {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ServiceWorkerEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
};

/** What the page is made of: names relative to this script; set by tools/site/build. */
declare const SAMBA_SHELL: string[];
/** Changes with any of them. */
declare const SAMBA_VERSION: string;

const PREFIX = "samba-shell-";
const name = PREFIX + SAMBA_VERSION;
const home = new URL("./", self.location.href);
const shell = SAMBA_SHELL.map((path) => new URL(path, home).href);
/** Names with a hash in them never change what they name. */
const hashed = /[-.]([A-Z2-7]{8}|[0-9a-f]{16})\.\w+$/;

async function install(): Promise<void> {
  const cache = await caches.open(name);
  await Promise.all(
    shell.map(async (url) => {
      // What an older version has under the same hash need not come again.
      const kept = hashed.test(url) ? await caches.match(url) : undefined;
      const response = kept ?? (await fetch(url, { cache: "no-cache" }));
      if (!response.ok) throw new Error(`${url} answers ${response.status}`);
      await cache.put(url, response);
    }),
  );
}

async function activate(): Promise<void> {
  for (const other of await caches.keys())
    if (other.startsWith(PREFIX) && other !== name) await caches.delete(other);
  await self.clients.claim();
}

/** The file of the shell that a request asks for, if it does. */
function fileOf(request: Request): string | undefined {
  if (request.method !== "GET" || request.headers.has("range")) return undefined;
  const url = new URL(request.url);
  if (url.href.split(/[?#]/, 1)[0] === new URL("index.html", home).href) url.pathname = home.pathname;
  // A page is the same file whatever its address asks it to do; so is nothing else.
  if (request.mode === "navigate") url.search = "";
  url.hash = "";
  return shell.includes(url.href) ? url.href : undefined;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const file = fileOf(event.request);
  if (file)
    event.respondWith(
      caches
        .open(name)
        .then((cache) => cache.match(file))
        .then((kept) => kept ?? fetch(event.request)),
    );
});
// The visitor chose to go on with the new version.
self.addEventListener("message", ({ data }) => {
  if (data === "activate") self.skipWaiting();
});

export type {};

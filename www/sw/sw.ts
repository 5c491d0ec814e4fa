/**
 * The service worker: keeps the page's own files, so that it opens without a
 * network. All files of a version come together and are used together; models
 * are the engine's to keep. Of the documentation it keeps what was visited.
 */

// What is used of a service worker's own world, which TypeScript does not know beside a page's.
interface ServiceWorkerEvent extends Event {
  waitUntil(work: Promise<void>): void;
}
interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface WindowClient {
  readonly url: string;
  navigate(url: string): Promise<unknown>;
}
declare const self: {
  readonly location: Location;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window" }): Promise<WindowClient[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ServiceWorkerEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
};

/** What the build knows of a file: its SHA-256, and of a page also the files that it names. */
interface About {
  sha256: string;
  names?: string[];
}

/** What the page is made of: by names relative to this script; set by tools/site/build. */
declare const SAMBA_SHELL: Record<string, About>;
/** Changes with any of them. */
declare const SAMBA_VERSION: string;

const PREFIX = "samba-shell-";
const home = new URL("./", self.location.href);
/** A host may have several copies of the page, in folders of their own, and one store for all of them. */
const name = `${PREFIX}${SAMBA_VERSION} ${home.pathname}`;
const shell = new Map(Object.entries(SAMBA_SHELL).map(([path, about]) => [new URL(path, home).href, about]));

/**
 * Whether a response is the file that the build made. Hosts answer with a page of theirs, and with 200, for what is not
 * there (yet), and captive portals for all there is. A page may have been added to on its way: it must name what it did.
 */
async function right(response: Response, { sha256, names }: About): Promise<boolean> {
  if (!response.ok) return false;
  const body = await response.clone().arrayBuffer();
  if (names) {
    const text = new TextDecoder().decode(body);
    return isPage(response) && names.every((name) => text.includes(name));
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

function isPage(response: Response): boolean {
  return /^text\/html\b/.test(response.headers.get("content-type") ?? "");
}

/** The names under which versions of this copy of the page have kept their files: once they did not say of which copy. */
async function versions(): Promise<string[]> {
  const ours: string[] = [];
  for (const other of await caches.keys()) {
    if (!other.startsWith(PREFIX)) continue;
    const [, folder] = other.split(" ");
    if (folder === home.pathname || (!folder && (await (await caches.open(other)).match(home.href))))
      ours.push(other);
  }
  return ours;
}

/**
 * A file as the build made it: from what any version has kept, from the network, or past a cache that holds another.
 * What another version has kept gets the headers that its host sends today: they may say more than they did, such as
 * that the page is alone with its origin.
 */
async function fresh(url: string, about: About, ours: string[]): Promise<Response> {
  for (const version of [name, ...ours.filter((other) => other !== name)]) {
    const kept = await (await caches.open(version)).match(url);
    if (kept && (await right(kept, about))) return own(kept, version === name ? undefined : await head(url));
  }
  for (const cache of ["no-cache", "reload"] as const) {
    const response = await fetch(url, { cache });
    if (await right(response, about)) return own(response);
  }
  throw new Error(
    `${url} is not the file that belongs to this version of the page: its server answers something else`,
  );
}

/** A response that says nothing of its way: what a redirect led to answers no navigation, and here no byte has its price. */
function own(response: Response, { headers: told } = response): Response {
  const headers = new Headers(told);
  headers.delete("content-length");
  return new Response(response.body, { headers });
}

/** What the host says of a file today; undefined where it does not, or where something else speaks for it. */
async function head(url: string): Promise<Response | undefined> {
  const said = await fetch(url, { method: "HEAD", cache: "no-cache" }).catch(() => undefined);
  return said?.ok && !said.redirected && isPage(said) === Boolean(shell.get(url)?.names) ? said : undefined;
}

/** Brings the cache to what the build knows. */
async function fill(): Promise<void> {
  const cache = await caches.open(name);
  const ours = await versions();
  await Promise.all([...shell].map(async ([url, about]) => cache.put(url, await fresh(url, about, ours))));
}

/** Whether the version in charge has kept a page in a script's place, as versions did that took any answer: it is dead for good. */
async function harmed(): Promise<boolean> {
  for (const version of await versions()) {
    const cache = await caches.open(version);
    for (const { url } of await cache.keys()) {
      const kept = await cache.match(url);
      if (kept && isPage(kept) && /\.(js|css|wasm)$/.test(new URL(url).pathname)) return true;
    }
  }
  return false;
}

let healing = false;

async function install(): Promise<void> {
  healing = await harmed();
  await fill();
  // A page that cannot start cannot offer the visitor this version.
  if (healing) await self.skipWaiting();
}

async function activate(): Promise<void> {
  await fill(); // what the browser has cleared away since, or a disk has harmed
  for (const other of await versions()) if (other !== name) await caches.delete(other);
  await self.clients.claim();
  if (!healing) return;
  // Not awaited: a page is opened again once this version is in charge.
  for (const client of await self.clients.matchAll({ type: "window" }))
    client.navigate(client.url).catch(() => {});
}

/** The file of the shell that a request asks for, if it does. */
function fileOf(request: Request): string | undefined {
  if (request.method !== "GET" || request.headers.has("range")) return undefined;
  const url = new URL(request.url);
  if (url.href.split(/[?#]/, 1)[0] === new URL("index.html", home).href) url.pathname = home.pathname;
  // A page is the same file whatever its address asks it to do; so is nothing else.
  if (request.mode === "navigate") url.search = "";
  url.hash = "";
  return shell.has(url.href) ? url.href : undefined;
}

const docs = new URL("docs/", home);
/** The documentation's files as they were when they were visited last. */
const visited = `samba-docs ${home.pathname}`;

/** The address of a file of the documentation, if a request asks for one: names have no folders, so there are few. */
function docOf(request: Request): string | undefined {
  const url = new URL(request.url);
  if (url.origin !== docs.origin || !url.pathname.startsWith(docs.pathname)) return undefined;
  const file = url.pathname.slice(docs.pathname.length) || "index.html";
  if (request.method !== "GET" || !/^[\w-]+\.(html|css|svg|png)$/.test(file)) return undefined;
  return new URL(file, docs).href;
}

/** A file of the documentation: the host's, or without a network that of the last visit. */
async function doc(request: Request, address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    const kept = await caches
      .open(visited)
      .then((cache) => cache.match(address))
      .catch(() => undefined);
    if (!kept) throw error;
    return kept;
  }
  // A host's answer to what is not there, or a captive portal's, is not kept: they are no files of this host, or no 200.
  if (response.status === 200 && response.type === "basic" && !response.redirected) {
    const copy = own(response.clone());
    // Not awaited: a store that fails, or is slow, must not cost the visitor the page.
    caches
      .open(visited)
      .then((cache) => cache.put(address, copy))
      .catch(() => {});
  }
  return response;
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
        .catch(() => undefined) // a store that fails must not cost the visitor the page
        .then((kept) => kept ?? fetch(event.request)),
    );
  const page = docOf(event.request);
  if (page) event.respondWith(doc(event.request, page));
});
// The visitor chose to go on with the new version.
self.addEventListener("message", ({ data }) => {
  if (data === "activate") self.skipWaiting();
});

export type {};

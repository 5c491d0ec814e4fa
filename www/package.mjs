/**
 * Puts the npm package together in dist/: the client as modules with their
 * types, and beside it the worker and the engine of the built site.
 *
 *     ./build.sh && cd www && npm pack
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const assets = here("../tools/site/dist/assets/");

/** The built file whose name begins and ends so. */
function built(start, end) {
  let names = [];
  try {
    names = readdirSync(assets).filter((name) => name.startsWith(start) && name.endsWith(end));
  } catch {}
  if (names.length !== 1)
    throw new Error(`${assets} has ${names.length} ${start}*${end}, want one: run ./build.sh first`);
  return names[0];
}

const worker = built("worker-", ".js");
const engine = built("engine.", ".wasm");
const packed = built("engine.", ".wasm.gz");
if (/(from|import)\s*\(?["']\.\//.test(readFileSync(assets + worker, "utf8"))) {
  throw new Error(`${worker} imports files of its own: copy them, too`);
}
rmSync(here("dist"), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [here("node_modules/typescript/bin/tsc"), "-p", here("tsconfig.package.json")],
  {
    stdio: "inherit",
  },
);
// The engine's client lies at the top of the package, the other entries in folders beside it.
for (const name of readdirSync(here("dist/engine")))
  renameSync(here(`dist/engine/${name}`), here(`dist/${name}`));
rmSync(here("dist/engine"), { recursive: true });
for (const name of readdirSync(here("dist"), { recursive: true })) {
  if (!/[/\\].*\.[jt]s$/.test(name)) continue;
  const text = readFileSync(here(`dist/${name}`), "utf8");
  writeFileSync(here(`dist/${name}`), text.replaceAll('"../engine/', '"../'));
}
// Vite, webpack and their like copy what new URL("...", import.meta.url) names, and write its new address there. Vite's
// development server up to version 7 leaves the address and moves the module: to .vite/deps, beside the packages.
writeFileSync(
  here("dist/beside.js"),
  String.raw`const moved = /\/\.vite\/deps[^/]*\//;

// What bundlers put in a URL's place may lack its origin.
const found = (url) => new URL(String(url).replace(moved, "/samba-web/dist/"), globalThis.location?.href);

/** The worker's address, and behind it the engine's, as it is and packed. */
export const ownWorker = () => {
  const worker = found(new URL("./${worker}", import.meta.url));
  const engine = found(new URL("./${engine}", import.meta.url));
  const packed = found(new URL("./${packed}", import.meta.url));
  worker.hash = [engine, packed].join("|");
  return worker;
};

/** What to do where the worker is not found: for people. */
export const advice = moved.test(import.meta.url)
  ? 'Vite has moved samba-web away from its worker: write optimizeDeps: { exclude: ["samba-web"] } in vite.config.js'
  : "";
`,
);
// For pages that name the worker themselves: an address that stays.
writeFileSync(here("dist/worker.js"), `import "./${worker}";\n`);
// A page hashes for its store alone, and browsers store in secure contexts alone, where WebCrypto is: no need of a library.
writeFileSync(
  here("dist/digest.js"),
  `export const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
`,
);
const { peerDependencies } = JSON.parse(readFileSync(here("package.json"), "utf8"));
for (const name of readdirSync(here("dist"), { recursive: true })) {
  if (!name.endsWith(".js")) continue;
  const text = readFileSync(here(`dist/${name}`), "utf8");
  for (const [, wanted] of text.matchAll(/(?:^import|\} from) "([^"]+)";$/gm)) {
    if (
      !wanted.startsWith(".") &&
      !Object.keys(peerDependencies).some((peer) => `${wanted}/`.startsWith(`${peer}/`))
    )
      throw new Error(`dist/${name} imports ${wanted}, which the package does not bring along`);
  }
}
for (const name of [worker, engine, packed]) copyFileSync(assets + name, here(`dist/${name}`));
copyFileSync(here("../LICENSE"), here("LICENSE"));

/**
 * Puts the npm package together in dist/: the client as modules with their
 * types, and beside it the worker and the engine of the built site.
 *
 *     ./build.sh && cd www && npm pack
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
const connection = here("dist/connection.js");
const code = readFileSync(connection, "utf8");
if (!code.includes("SAMBA_WORKER"))
  throw new Error("connection.js does not name SAMBA_WORKER: mend package.mjs");
writeFileSync(connection, code.replaceAll("SAMBA_WORKER", JSON.stringify(`./${worker}`)));
for (const name of [worker, engine]) copyFileSync(assets + name, here(`dist/${name}`));
copyFileSync(here("../LICENSE"), here("LICENSE"));

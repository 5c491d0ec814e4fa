/** The npm package in the hands of bundlers, as their users have them: no configuration but what the README says. In Chromium. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { patience } from "./page.mjs";
import { launch } from "./site.mjs";
import { writeTinyModel } from "./tiny-model.mjs";

const www = fileURLToPath(new URL("..", import.meta.url));
const project = join(www, "test/bundlers");
const modules = join(project, "node_modules");
const installed = join(modules, "samba-web");
const out = join(project, "out");
const run = (program, args, cwd = project) =>
  execFileSync(program, args, {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
  });

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** A host that knows nothing and packs nothing: out/NAME at its root, or the model. It notes what it is asked for. */
function host(folder) {
  const asked = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const path = join(
      pathname.startsWith("/model/") ? out : join(out, folder),
      normalize(pathname === "/" ? "/index.html" : pathname),
    );
    asked.push(pathname);
    const found = path.startsWith(out) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (!found?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "content-length": found.size,
      "access-control-allow-origin": "*",
    });
    createReadStream(path).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({ origin: `http://127.0.0.1:${server.address().port}`, stop: () => server.close(), asked }),
    );
  });
}

/** Vite's development server, which moves packages to a folder of its own. */
async function develop(vite) {
  const server = spawn(
    process.execPath,
    [join(modules, vite, "bin/vite.js"), "--port", "0", "--host", "127.0.0.1"],
    {
      cwd: project,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const origin = await new Promise((resolve, reject) => {
    let said = "";
    server.once("exit", () => reject(new Error(`${vite} ended: ${said}`)));
    server.stdout.on("data", (text) => {
      said += text;
      // Colours stand between the address and its port.
      const url = stripVTControlCharacters(said).match(/http:\/\/127\.0\.0\.1:\d+/);
      if (url) resolve(url[0]);
    });
  });
  return { origin, stop: () => server.kill() };
}

let browser;
let models;
before(async () => {
  // The file that npm writes last tells whether what is installed is what the lock asks for.
  const lock = join(modules, ".package-lock.json");
  const time = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (time(lock) < time(join(project, "package-lock.json"))) {
    run("npm", ["ci", "--silent", "--no-audit", "--no-fund"]);
    utimesSync(lock, new Date(), new Date());
  }
  const folder = mkdtempSync(join(tmpdir(), "samba-package-"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: www,
    stdio: ["ignore", "ignore", "inherit"],
  });
  rmSync(installed, { recursive: true, force: true });
  rmSync(join(modules, ".vite"), { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  mkdirSync(out);
  run("tar", ["-xzf", join(folder, readdirSync(folder)[0]), "--strip-components", "1", "-C", installed]);
  rmSync(folder, { recursive: true });
  writeTinyModel(join(out, "model"));
  models = await host("");
  browser = await launch("chromium");
});
after(async () => {
  await browser?.close();
  models?.stop();
});

/** Opens a page and loads a model with the Samba that it has: the engine's files are found. */
async function works({ origin, stop, asked }, worker) {
  const page = await browser.newPage();
  try {
    await page.goto(origin);
    // A development server may open the page once more when it has found out what it needs.
    await page.waitForFunction(() => globalThis.Samba, patience);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await page.waitForFunction(() => globalThis.Samba, patience);
    const ids = await page.evaluate(
      async (model, worker) => {
        const samba = await globalThis.Samba.load(model, { backend: "cpu", worker });
        const ids = await samba.tokenize("the sea");
        samba.unload();
        return ids;
      },
      `${models.origin}/model/`,
      worker,
    );
    assert.ok(ids.length > 0);
    if (asked)
      assert.ok(
        asked.some((path) => path.endsWith(".gz")), // whatever a bundler calls it
        "the engine came unpacked",
      );
  } finally {
    await page.close();
    stop();
  }
}

test("Vite's development server", async () => works(await develop("vite")));

test("Vite's development server of version 7", async () => works(await develop("vite7")));

test("Vite", async () => {
  run(process.execPath, [
    join(modules, "vite/bin/vite.js"),
    "build",
    "--outDir",
    "out/vite",
    "--logLevel",
    "error",
  ]);
  await works(await host("vite"));
});

test("webpack", async () => {
  const { default: webpack } = await import(pathToFileURL(join(modules, "webpack/lib/index.js")));
  const path = join(out, "webpack");
  const stats = await new Promise((resolve, reject) =>
    webpack({ mode: "production", context: project, entry: "./main.js", output: { path } }, (error, stats) =>
      error ? reject(error) : resolve(stats),
    ),
  );
  assert.ok(!stats.hasErrors(), stats.toString());
  copyFileSync(join(project, "index.html"), join(path, "index.html"));
  await works(await host("webpack"));
});

test("Next", async () => {
  run(process.execPath, [join(modules, "next/dist/bin/next"), "build"], join(project, "next"));
  await works(await host("next"));
});

test("esbuild, with the files copied and the worker named", async () => {
  run(join(modules, "esbuild/bin/esbuild"), [
    "main.js",
    "--bundle",
    "--format=esm",
    "--outdir=out/esbuild",
    "--log-level=error",
  ]);
  copyFileSync(join(project, "index.html"), join(out, "esbuild/index.html"));
  cpSync(join(installed, "dist"), join(out, "esbuild/samba"), { recursive: true });
  await works(await host("esbuild"), "/samba/worker.js");
});

test("where Vite has moved the library and its files are not found, an error says what to write", async () => {
  const moved = mkdtempSync(join(tmpdir(), "samba-moved-"));
  try {
    mkdirSync(join(moved, ".vite/deps_temp"), { recursive: true });
    copyFileSync(join(installed, "dist/beside.js"), join(moved, ".vite/deps_temp/beside.mjs"));
    const { advice, ownWorker } = await import(pathToFileURL(join(moved, ".vite/deps_temp/beside.mjs")));
    assert.match(advice, /optimizeDeps: \{ exclude: \["samba-web"\] \} in vite\.config/);
    assert.match(
      ownWorker().href,
      /samba-moved-\w+\/samba-web\/dist\/worker-\w+\.js#\S+\.wasm\|\S+\.wasm\.gz$/,
    );
    const unmoved = await import(pathToFileURL(join(installed, "dist/beside.js")));
    assert.equal(unmoved.advice, "");
    assert.ok(existsSync(unmoved.ownWorker().pathname));
  } finally {
    rmSync(moved, { recursive: true });
  }
});

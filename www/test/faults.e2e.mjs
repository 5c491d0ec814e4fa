/** Every way in which a network fails, in real browsers: the model arrives, or a sentence says why not. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browsers, launch } from "./site.mjs";
import { calm, schedule, serveFaults } from "./wire-server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const www = join(here, "..");
const first = Number(process.env.SEED ?? 1);
const runners = 8;

/** In a page: runs one load in a worker of its own, which is killed after this many bytes, if any. */
function defineLoad() {
  globalThis.load = (order, kill) =>
    new Promise((resolve, reject) => {
      const worker = new Worker("/worker.js", { type: "module" });
      let arrived = 0;
      const end = (result) => {
        worker.terminate();
        resolve({ arrived, ...result });
      };
      const late = setTimeout(() => end({ hung: true }), 100_000);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        arrived = data.arrived ?? arrived;
        if (data.arrived !== undefined && (!kill || arrived < kill)) return;
        clearTimeout(late);
        end(data.arrived === undefined ? data : { killed: true });
      };
      worker.postMessage(order);
    });
}

for (const name of browsers) {
  describe(name, () => {
    const schedules = Number(process.env.SCHEDULES ?? (name === "chromium" ? 240 : 40));
    let server;
    let browser;
    let page;
    let frames;
    before(async () => {
      execFileSync(join(www, "node_modules/.bin/tsc"), ["--outDir", ".build"], { cwd: www });
      const script = (path) => ({ type: "text/javascript", body: readFileSync(path) });
      server = await serveFaults(1 + 2 * runners, (path) => {
        if (path === "/") return { type: "text/html", body: "<!doctype html><title>faults</title>" };
        if (path === "/strict") return { type: "text/html", body: "<!doctype html><title>strict</title>" };
        if (path === "/strict-worker.js") {
          // Workers take their policy from their own script's response.
          return { ...script(join(here, "wire-worker.mjs")), policy: "default-src 'self'" };
        }
        if (path === "/worker.js") return script(join(here, "wire-worker.mjs"));
        if (path === "/hash-wasm.js") return script(join(www, "node_modules/hash-wasm/dist/index.esm.js"));
        const engine = path.match(/^\/engine\/(\w+\.js)$/)?.[1];
        if (!engine) return undefined;
        const body = readFileSync(join(www, ".build/engine", engine), "utf8").replace(
          '"hash-wasm"',
          '"/hash-wasm.js"',
        );
        return { type: "text/javascript", body };
      });
      browser = await launch(name);
      page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.ports[0]}/`);
      await page.evaluate(defineLoad);
      // Browsers open six connections to a host at most: each runner has its own, so that none waits for another one's stalls.
      const ports = server.ports.slice(1, 1 + runners);
      await page.evaluate(
        (ports) =>
          Promise.all(
            ports.map((port) => {
              const frame = document.createElement("iframe");
              frame.src = `http://127.0.0.1:${port}/`;
              document.body.append(frame);
              return new Promise((resolve) => {
                frame.onload = resolve;
              });
            }),
          ),
        ports,
      );
      frames = ports.map((port) => page.frames().find((frame) => frame.url().includes(`:${port}/`)));
      for (const frame of frames) await frame.evaluate(defineLoad);
    });
    after(async () => {
      await browser?.close();
      server?.stop();
    });

    /** What a plan allows to come twice: bytes of files that arrived damaged, and of servers that know no ranges. */
    function told(seed) {
      const log = server.log.get(seed) ?? [];
      return { log, has: (kind) => log.some((line) => line.endsWith(` ${kind}`)) };
    }

    async function run(seed, runner) {
      const plan = schedule(seed);
      const frame = frames[runner];
      const port = server.ports[1 + runner + (plan.elsewhere ? runners : 0)];
      const base = `http://127.0.0.1:${port}/${seed}/`;
      const files = plan.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
      const order = { base, files, kept: seed % 5 ? "files" : "cache" };
      const about = () =>
        `seed ${seed}: ${JSON.stringify({ ...plan, files, dice: 0 })}\n${told(seed).log.join("\n")}`;
      const total = files.reduce((sum, { size }) => sum + size, 0);
      let before = 0;
      if (plan.kill) {
        const killed = await frame.evaluate((order, kill) => globalThis.load(order, kill), order, plan.kill);
        if (killed.killed) before = killed.arrived;
      }
      const result = await frame.evaluate((order) => globalThis.load(order), order);
      assert.ok(!result.hung, `hangs: ${about()}`);
      if (result.failure) {
        const { name, code, message } = result.failure;
        const clear = `${JSON.stringify(result.failure)} ${about()}`;
        assert.equal(name, "LoadError", clear);
        assert.match(code, /^(network|wrong_hash|wrong_length)$/, clear);
        assert.match(message, /model-\d\.safetensors/, clear);
        assert.doesNotMatch(message, /undefined|NaN|\[object|\n/, clear);
        assert.ok(message.length > 30 && message.length < 400, clear);
        // Damaged files come once more.
        assert.ok(plan.faults >= (code === "network" ? 1 : 2), `no fault is to blame: ${clear}`);
        return "explained";
      }
      assert.deepEqual(
        result.hashes,
        files.map(({ sha256 }) => sha256),
        about(),
      );
      const { has } = told(seed);
      // Where the bytes were wrong they may come twice; without ranges a cut line begins again.
      if (plan.ranges && !has("flip") && !has("length") && !has("range")) {
        assert.ok(Math.max(...result.most) <= 1, `a good byte came twice: ${result.most} ${about()}`);
        // Whatever the store claims to have, however its worker ended, it has.
        const again = result.warned.filter((text) => text.includes("fetching it again"));
        assert.deepEqual(again, [], about());
        // What was there before the kill does not come again, but for what was on its way.
        if (before && order.kept === "files" && result.sum + before > total + 5 * 4096)
          assert.fail(`${result.sum} bytes after ${before}: ${about()}`);
      }
      return plan.kill ? "resumed" : "loaded";
    }

    test(`${schedules} schedules of faults`, { timeout: 900_000 }, async () => {
      const seen = {};
      const failed = [];
      let next = first;
      await Promise.all(
        Array.from({ length: runners }, async (_, runner) => {
          while (next < first + schedules) {
            const seed = next++;
            try {
              const end = await run(seed, runner);
              seen[end] = (seen[end] ?? 0) + 1;
            } catch (error) {
              failed.push(error);
            }
          }
        }),
      );
      console.log(JSON.stringify(seen));
      if (failed.length)
        assert.fail(
          `${failed.length} of ${schedules} schedules fail:\n${failed
            .slice(0, 3)
            .map((error) => error.message)
            .join("\n\n")}`,
        );
      assert.ok(seen.loaded > schedules / 2 && seen.explained > 0 && seen.resumed > 0, JSON.stringify(seen));
    });

    for (const kind of ["files", "cache"]) {
      test(`what is stored (${kind}) is listed, and deleted but for what others need`, {
        timeout: 240_000,
      }, async () => {
        const seed = kind === "files" ? 1_000_010 : 1_000_011;
        const plan = { ...calm(seed), faults: 0 };
        // Two models share all files but the last.
        const twin = { ...plan, seed: seed + 10, files: plan.files.slice(0, -1) };
        for (const one of [plan, twin]) server.plan(one.seed, one);
        const load = async ({ seed, files }) => {
          const list = files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
          const base = `http://127.0.0.1:${server.ports[0]}/${seed}/`;
          const { hashes, failure, sum } = await page.evaluate((order) => globalThis.load(order), {
            ...{ base, files: list, kept: kind },
          });
          assert.equal(hashes?.length, list.length, JSON.stringify(failure));
          return { base, sum, total: list.reduce((all, { size }) => all + size, 0) };
        };
        const first = await load(plan);
        const second = await load(twin);
        assert.equal(second.sum, 0, "shared files come from the store");
        const stored = (remove) =>
          page.evaluate(
            async (remove, kind) => {
              const real = StorageManager.prototype.getDirectory;
              if (kind === "cache")
                StorageManager.prototype.getDirectory = () => Promise.reject(new Error("not here"));
              const { deleteStored, storedModels } = await import("/engine/stored.js");
              if (remove) await deleteStored(remove);
              const list = await storedModels();
              StorageManager.prototype.getDirectory = real;
              return list.map(({ url, bytes, total, complete }) => ({ url, bytes, total, complete }));
            },
            remove,
            kind,
          );
        const find = (list, { base }) => list.find(({ url }) => url === base);
        const all = await stored();
        for (const { base, total } of [first, second]) {
          assert.deepEqual(find(all, { base }), { url: base, bytes: total, total, complete: true });
        }
        const rest = await stored(first.base);
        assert.equal(find(rest, first), undefined);
        assert.deepEqual(find(rest, second), find(all, second), "what the other one needs is still there");
        assert.equal((await load(twin)).sum, 0);
        const again = await load(plan);
        assert.equal(again.sum, plan.files.at(-1).size, "only what was deleted comes again");
        await stored(first.base);
        await stored(second.base);
        assert.equal((await load(plan)).sum, first.total, "nothing was left");
      });
    }

    test("what the disk has changed since comes again, under a journal of the version before, too", {
      timeout: 240_000,
    }, async () => {
      const plan = { ...calm(1_000_013), faults: 0 };
      server.plan(plan.seed, plan);
      const files = plan.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
      const order = { base: `http://127.0.0.1:${server.ports[0]}/${plan.seed}/`, files, kept: "files" };
      const load = async () => {
        const { hashes, failure, sum } = await page.evaluate((order) => globalThis.load(order), order);
        assert.deepEqual(
          hashes,
          files.map(({ sha256 }) => sha256),
          JSON.stringify(failure),
        );
        return sum;
      };
      const total = files.reduce((sum, { size }) => sum + size, 0);
      /** Changes a bit of each file, or brings its journal to the form of the version before. */
      const change = (what) =>
        page.evaluate(
          async (files, what) => {
            const root = await navigator.storage.getDirectory();
            const folder = await (await root.getDirectoryHandle("samba-models")).getDirectoryHandle("files");
            for (const { sha256, size } of files) {
              const handle = await folder.getFileHandle(what === "bit" ? sha256 : `${sha256}.have`);
              const old = new Uint8Array(await (await handle.getFile()).arrayBuffer());
              const at = (size * 7) % old.length;
              const writable = await handle.createWritable({ keepExistingData: true });
              if (what === "bit")
                await writable.write({ type: "write", position: at, data: new Uint8Array([old[at] ^ 4]) });
              else {
                const words = new Uint32Array(old.buffer).slice(0, 5 + Math.ceil(size / 4096));
                words[0] = 0x53414d32;
                await writable.write({ type: "write", position: 0, data: words });
                await writable.truncate(words.byteLength);
              }
              await writable.close();
            }
          },
          files,
          what,
        );
      assert.equal(await load(), total);
      await change("bit");
      assert.equal(await load(), total, "each file once");
      await change("journal");
      assert.equal(await load(), 0, "it is all there");
      await change("journal");
      await change("bit");
      assert.equal(await load(), total, "each file once");
      assert.equal(await load(), 0);
    });

    if (name === "chromium")
      // Firefox has no command that sets a quota.
      test("a model for which there is no room is loaded, and not kept", { timeout: 240_000 }, async () => {
        const plan = { ...calm(1_000_012), faults: 0 };
        server.plan(plan.seed, plan);
        const files = plan.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
        const origin = `http://127.0.0.1:${server.ports[0]}`;
        const devtools = await page.createCDPSession();
        // Less than the model needs, whatever of the other tests' files has gone by now.
        await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 });
        const order = { base: `${origin}/${plan.seed}/`, files, kept: "files" };
        const { hashes, failure, warned } = await page.evaluate((order) => globalThis.load(order), order);
        await devtools.send("Storage.overrideQuotaForOrigin", { origin });
        assert.deepEqual(
          hashes,
          files.map(({ sha256 }) => sha256),
          JSON.stringify(failure),
        );
        assert.match(warned.join(), /not kept for the next visit/);
      });

    test("three tabs that ask at once download a model once", { timeout: 240_000 }, async () => {
      const plan = calm(1_000_001);
      server.plan(plan.seed, plan);
      const files = plan.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
      const order = { base: `http://127.0.0.1:${server.ports[0]}/${plan.seed}/`, files, kept: true };
      // However long each one takes to start: none begins before all are there.
      const results = await page.evaluate(
        (order, lock) =>
          navigator.locks
            .request(lock, async () => {
              const loads = [1, 2, 3].map(() => globalThis.load(order));
              const waiting = async () =>
                (await navigator.locks.query()).pending.filter(({ name }) => name === lock).length;
              while ((await waiting()) < loads.length)
                await new Promise((resolve) => setTimeout(resolve, 10));
              return loads;
            })
            .then((loads) => Promise.all(loads)),
        order,
        `samba-models/${files[0].sha256}`,
      );
      for (const { hashes, failure } of results) {
        assert.deepEqual(
          hashes,
          files.map(({ sha256 }) => sha256),
          JSON.stringify(failure),
        );
      }
      const sum = results.reduce((all, { sum }) => all + sum, 0);
      assert.equal(
        sum,
        files.reduce((all, { size }) => all + size, 0),
      );
      assert.ok(results.some(({ notes }) => notes.some((note) => note.includes("another tab"))));
    });

    test("a tab goes on with what another one had when it was killed", { timeout: 240_000 }, async () => {
      const plan = calm(1_000_002);
      server.plan(plan.seed, plan);
      const files = plan.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
      const order = { base: `http://127.0.0.1:${server.ports[0]}/${plan.seed}/`, files, kept: true };
      const [killed, other] = await page.evaluate(
        (order) => Promise.all([globalThis.load(order, 8000), globalThis.load(order)]),
        order,
      );
      assert.ok(killed.killed || killed.hashes, JSON.stringify(killed));
      assert.deepEqual(
        other.hashes,
        files.map(({ sha256 }) => sha256),
        JSON.stringify(other.failure),
      );
    });

    test("a server that lets no other site read is told from one that is not there", {
      timeout: 240_000,
    }, async () => {
      const plan = {
        ...schedule(1_000_003),
        elsewhere: true,
        closed: true,
        faults: 0,
        kill: 0,
        redirects: false,
      };
      server.plan(plan.seed, plan);
      const files = plan.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
      const ask = (port) =>
        page.evaluate((order) => globalThis.load(order), {
          base: `http://127.0.0.1:${port}/${plan.seed}/`,
          files,
          kept: false,
        });
      const closed = await ask(server.ports[1]);
      assert.match(
        closed.failure.message,
        /127\.0\.0\.1:\d+ does not let other sites' pages read model-0.*Access-Control-Allow-Origin/,
      );
      assert.equal(closed.failure.code, "network");
      const away = await ask(9); // nobody listens at the discard port
      assert.match(away.failure.message, /model-0\.safetensors could not be loaded: .*tried 6 times/);
    });

    test("a policy of the page that forbids the server is named", { timeout: 240_000 }, async () => {
      const other = await browser.newPage();
      await other.goto(`http://127.0.0.1:${server.ports[0]}/strict`);
      const message = await other.evaluate(
        (base) =>
          new Promise((resolve) => {
            const worker = new Worker("/strict-worker.js", { type: "module" });
            worker.onmessage = ({ data }) => data.failure && resolve(data.failure.message);
            worker.postMessage({
              base,
              files: [{ name: "model-0.safetensors", size: 10, sha256: "00" }],
              kept: false,
            });
          }),
        `http://127.0.0.1:${server.ports[1]}/1/`,
      );
      await other.close();
      assert.match(message, /Content-Security-Policy forbids it to read from 127\.0\.0\.1:\d+/);
    });
  });
}

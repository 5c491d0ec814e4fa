/**
 * A server that does to a model's files what networks do, by schedules drawn
 * from seeds: cut lines, stalls, 500s, 429s, wrong lengths, flipped bits,
 * slow drips, signed links that expire; with ranges or without, packed or
 * plain, from the page's own origin or another.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

/** Uniform numbers from a seed. */
export function random(seed) {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next();
  return {
    next,
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

const kinds = ["cut", "stall", "500", "503", "429", "length", "flip", "drip", "expired", "range"];

/** What happens in one schedule. */
export function schedule(seed) {
  const dice = random(seed);
  const files = Array.from({ length: 2 + dice.below(2) }, (_, i) => {
    const bytes = Buffer.alloc(1 + dice.below(i === 0 ? 60_000 : 20_000));
    for (let at = 0; at < bytes.length; at++) bytes[at] = dice.below(256);
    return {
      name: `model-${i}.safetensors`,
      bytes,
      size: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    };
  });
  const ranges = dice.chance(0.8);
  return {
    seed,
    files,
    ranges,
    packed: !ranges && dice.chance(0.4),
    redirects: dice.chance(0.3),
    elsewhere: dice.chance(0.3),
    /** Faults that happen before all goes well; without end in a few schedules. */
    faults: dice.chance(0.1) ? Number.POSITIVE_INFINITY : dice.below(8),
    /** Only faults of this kind, in some. */
    only: dice.chance(0.4) ? dice.pick(kinds) : undefined,
    /** The worker is killed after this many bytes, in some. */
    kill: dice.chance(0.15) ? 1 + dice.below(files[0].size) : 0,
    dice,
  };
}

/** A schedule without faults, but slow enough that several tabs meet in it. */
export function calm(seed) {
  const plan = { ...schedule(seed), ranges: true, packed: false, redirects: false, kill: 0 };
  return { ...plan, elsewhere: false, faults: Number.POSITIVE_INFINITY, only: "drip" };
}

/** Serves schedules at /SEED/ on this many ports, all alike; tells what it did in .log, by seed. */
export async function serveFaults(count, pages) {
  const schedules = new Map();
  const plan = (seed, what) => schedules.set(String(seed), what);
  const log = new Map();
  const tokens = new Map();
  const handle = (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const page = pages(url.pathname);
    if (page) {
      const policy = page.policy ? { "content-security-policy": page.policy } : {};
      response.writeHead(200, { "content-type": page.type, "cache-control": "no-cache", ...policy });
      response.end(page.body);
      return;
    }
    const [, seed, name, signature] = url.pathname.match(/^\/(?:signed\/)?(\d+)\/([\w.-]+)$/) ?? [];
    if (seed === undefined) {
      response.writeHead(404);
      response.end();
      return;
    }
    const plan = schedules.get(seed) ?? schedule(Number(seed));
    schedules.set(seed, plan);
    serve(plan, name, url, request, response, signature);
  };
  const note = (plan, what) => {
    log.set(plan.seed, [...(log.get(plan.seed) ?? []), what]);
  };

  function serve(plan, name, url, request, response) {
    const { dice } = plan;
    const cors =
      plan.elsewhere && !plan.closed
        ? {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "content-range, etag, retry-after",
          }
        : {};
    const file = plan.files.find((file) => file.name === name);
    if (!file) {
      response.writeHead(404, cors);
      response.end();
      return;
    }
    let fault = "";
    const faulty = plan.faults > 0 && dice.chance(plan.faults > 100 ? 1 : 0.5);
    if (faulty) {
      plan.faults--;
      fault = plan.only ?? dice.pick(kinds);
    }
    if (plan.redirects && !url.pathname.startsWith("/signed/")) {
      const token = `${plan.seed}-${dice.below(2 ** 30)}`;
      tokens.set(token, fault !== "expired");
      // Some servers let the redirect be kept for a while, longer than the link that it leads to.
      response.writeHead(302, {
        ...cors,
        location: `/signed${url.pathname}?token=${token}`,
        "cache-control": "max-age=60",
      });
      response.end();
      note(plan, `${name} redirect`);
      return;
    }
    if (plan.redirects) {
      const good = tokens.get(url.searchParams.get("token"));
      tokens.set(url.searchParams.get("token"), false); // good for one request
      if (!good) fault = "expired";
      else if (fault === "expired") fault = "";
    } else if (fault === "expired") fault = "503";
    const range = plan.ranges ? request.headers.range?.match(/^bytes=(\d+)-(\d*)$/) : undefined;
    note(plan, `${name} ${request.headers.range ?? "all"} ${fault}`);
    if (fault === "expired") {
      response.writeHead(403, cors);
      response.end("expired");
      return;
    }
    if (fault === "500" || fault === "503") {
      response.writeHead(Number(fault), cors);
      response.end();
      return;
    }
    if (fault === "429") {
      response.writeHead(429, { ...cors, "retry-after": dice.pick(["0", "0.02", new Date().toUTCString()]) });
      response.end();
      return;
    }
    const from = Number(range?.[1] ?? 0);
    const to = range ? Math.min(Number(range[2] || file.size - 1), file.size - 1) : file.size - 1;
    let body = Buffer.from(file.bytes.subarray(from, to + 1));
    if (fault === "flip" && body.length) body[dice.below(body.length)] ^= 1 << dice.below(8);
    const headers = { ...cors, etag: `"${file.sha256.slice(0, 8)}"`, "cache-control": "no-store" };
    let total = file.size;
    if (fault === "length") {
      total++;
      if (!range) body = Buffer.concat([body, Buffer.from([0])]);
    }
    if (range) headers["content-range"] = `bytes ${from}-${to}/${total}`;
    if (range && fault === "range" && from > 0) {
      headers["content-range"] = `bytes 0-${to - from}/${total}`;
      body = Buffer.from(file.bytes.subarray(0, to - from + 1));
    }
    if (plan.packed) {
      headers["content-encoding"] = "gzip";
      body = gzipSync(body);
    }
    headers["content-length"] = body.length;
    response.writeHead(range ? 206 : 200, headers);
    if (fault === "cut") {
      response.write(body.subarray(0, dice.below(body.length)), () =>
        setTimeout(() => response.destroy(), 5),
      );
    } else if (fault === "stall") {
      response.write(body.subarray(0, dice.below(body.length)));
      setTimeout(() => response.destroy(), 5000).unref();
    } else if (fault === "drip") {
      const step = Math.ceil(body.length / 6);
      let at = 0;
      const drip = setInterval(() => {
        response.write(body.subarray(at, at + step));
        at += step;
        if (at < body.length) return;
        clearInterval(drip);
        response.end();
      }, 15);
    } else response.end(body);
  }

  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer(handle);
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  return {
    plan,
    ports: servers.map((server) => server.address().port),
    log,
    stop: () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

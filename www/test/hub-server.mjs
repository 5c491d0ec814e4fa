/**
 * A hub that is far too small: files of ORG/NAME under /ORG/NAME/resolve/main/, each by a redirect to another origin, by
 * a link that is signed for one request, with an ETag of its own; as the world's does it. /api/models searches.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const listen = (answer) => {
  const server = createServer(answer);
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({ server, origin: `http://127.0.0.1:${server.address().port}` }),
    ),
  );
};

/**
 * Serves folders by ORG/NAME. Redirects may be changed: redirect(name, to); and so may what a search answers:
 * answer(text, list) gives a list, or a text in the place of its JSON.
 */
export async function startHub(models, redirect = (_name, to) => to, answer = (_text, list) => list) {
  const signed = new Map();
  /** Names of files whose bytes were asked for. */
  const served = [];
  const exposed = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*" };
  const cdn = await listen((request, response) => {
    const signature = new URL(request.url, "http://x").searchParams.get("signature");
    const file = signed.get(signature);
    signed.delete(signature);
    if (!file) return response.writeHead(403, exposed).end("this link has expired");
    served.push(file.split("/").pop());
    const data = readFileSync(file);
    const tag = `"${createHash("sha256").update(data).digest("hex")}"`;
    const [, from, to] = request.headers.range?.match(/bytes=(\d+)-(\d*)/) ?? [];
    const headers = { ...exposed, ETag: tag, "Accept-Ranges": "bytes" };
    if (!from) return response.writeHead(200, { ...headers, "Content-Length": data.length }).end(data);
    const last = Math.min(Number(to || data.length - 1), data.length - 1);
    headers["Content-Range"] = `bytes ${from}-${last}/${data.length}`;
    const part = data.subarray(Number(from), last + 1);
    response.writeHead(206, { ...headers, "Content-Length": part.length }).end(part);
  });
  let number = 0;
  /** Texts that were searched for. */
  const searched = [];
  function search(url, response) {
    const text = url.searchParams.get("search");
    searched.push(text);
    const list = Object.entries(models).flatMap(([id, folder]) => {
      if (!id.includes(text) || !existsSync(join(folder, "model.safetensors"))) return [];
      const { model_type } = JSON.parse(readFileSync(join(folder, "config.json")));
      const weights = readFileSync(join(folder, "model.safetensors"));
      const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE())));
      const parameters = {};
      for (const { dtype, shape } of Object.values(header).filter(({ shape }) => shape))
        parameters[dtype] = (parameters[dtype] ?? 0) + shape.reduce((product, n) => product * n, 1);
      return [
        {
          id,
          config: { model_type },
          safetensors: { parameters },
          tags: ["license:apache-2.0"],
          gated: false,
        },
      ];
    });
    const changed = answer(text, list);
    response
      .writeHead(200, { ...exposed, "Content-Type": "application/json" })
      .end(typeof changed === "string" ? changed : JSON.stringify(changed));
  }
  const hub = await listen((request, response) => {
    const url = new URL(request.url, "http://x");
    if (url.pathname === "/api/models") return search(url, response);
    const [, name, file] = request.url.match(/^\/([^/]+\/[^/]+)\/resolve\/main\/([\w.-]+)$/) ?? [];
    const path = models[name] && join(models[name], file);
    if (!path || !existsSync(path)) return response.writeHead(404, exposed).end("no such file");
    const signature = String(++number);
    signed.set(signature, path);
    const to = redirect(file, `${cdn.origin}/xet/${file}?signature=${signature}`);
    response.writeHead(302, { ...exposed, Location: to, "Content-Length": 0 }).end();
  });
  return {
    origin: hub.origin,
    cdn: cdn.origin,
    served,
    searched,
    stop() {
      for (const { server } of [hub, cdn]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

/**
 * Safari's engine as Debian has it: WebKitGTK, led by the W3C's WebDriver protocol, on a screen that nobody sees. It has
 * no WebGPU.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as after } from "node:timers/promises";

const driver = "/usr/bin/WebKitWebDriver";
const browser = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`)
  .find((path) => existsSync(path));
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** A port that nobody listens on. */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts the browser; what it offers is what a visitor does: go, run, click, type, until. */
export async function launchWebKit() {
  if (!existsSync(driver) || !browser)
    throw new Error("WebKitGTK's driver is missing: on Debian, apt-get install webkit2gtk-driver xvfb");
  const screen = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const display = await new Promise((resolve, reject) => {
    screen.once("error", reject);
    screen.stdio[3].once("data", (text) => resolve(`:${String(text).trim()}`));
  });
  const port = await freePort();
  const service = spawn(driver, [`--port=${port}`], {
    stdio: "ignore",
    env: {
      ...process.env,
      DISPLAY: display,
      LIBGL_ALWAYS_SOFTWARE: "1",
      WEBKIT_DISABLE_DMABUF_RENDERER: "1",
    },
  });
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  };
  const end = async () => {
    for (const process of [service, screen]) process.kill();
  };
  try {
    for (let tries = 0; ; tries++) {
      try {
        await ask("GET", "/status");
        break;
      } catch (error) {
        if (tries === 100) throw error;
        await after(100);
      }
    }
    const { sessionId } = await ask("POST", "/session", {
      capabilities: {
        alwaysMatch: { "webkitgtk:browserOptions": { binary: browser, args: ["--automation"] } },
      },
    });
    const session = `/session/${sessionId}`;
    await ask("POST", `${session}/timeouts`, { script: 30_000, pageLoad: 60_000 });
    /** What a function gives in the page; it may be asynchronous. */
    const run = (what, ...args) =>
      ask("POST", `${session}/execute/async`, {
        script: `const args = [...arguments], done = args.pop();
          Promise.resolve().then(() => (${what})(...args)).then((value) => done({ value }), (e) => done({ error: String(e) }));`,
        args,
      }).then(({ value, error }) => {
        if (error) throw new Error(error);
        return value;
      });
    const find = async (using) =>
      (await ask("POST", `${session}/element`, { using: "css selector", value: using }))[ELEMENT];
    return {
      run,
      go: (url) => ask("POST", `${session}/url`, { url }),
      reload: () => ask("POST", `${session}/refresh`, {}),
      click: async (selector) => ask("POST", `${session}/element/${await find(selector)}/click`, {}),
      type: async (selector, text) =>
        ask("POST", `${session}/element/${await find(selector)}/value`, { text }),
      /** Waits until a function gives something in the page. */
      async until(what, ...args) {
        const last = Date.now() + 120_000;
        for (;;) {
          const value = await run(what, ...args);
          if (value) return value;
          if (Date.now() > last) throw new Error(`it never came to be that ${what}`);
          await after(100);
        }
      },
      async close() {
        await ask("DELETE", session).catch(() => {});
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

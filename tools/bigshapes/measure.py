#!/usr/bin/env python3
"""Measures how the big shapes load: checkpoint of random weights, conversion, `samba serve`, headless Chromium.

    CHROME=... CHROME_GPU_FLAGS=... python3 measure.py --samba bin/samba --work /tmp/big [--shapes 421M,1.3B,1.7B,3.8B]

For each shape: samba random-checkpoint, samba convert --bits 4, then two loads in one browser profile: cold, over HTTP
from samba serve, and warm, from the browser's own store. For 421M (--logits) the logits of 32 tokens in the browser
are compared with the plain Go path. Prints a table, and writes the same as JSON to WORK/bigshapes.json. Checkpoints are
deleted once converted (--keep keeps them). Needs Python's standard library alone; memory of the GPU is read by
nvidia-smi where there is one.

On a GPU host without a network: unpack the browser as ../../shared/gpu says, `. env.sh`, then call this. With 16 cores
the four shapes take about three minutes, and 12 GB of disk at most at a time. --shapes tiny rehearses it anywhere."""
import argparse
import array
import base64
import concurrent.futures
import json
import math
import os
import re
import resource
import secrets
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

NAMES = {"421M": "Samba_421M", "1.3B": "Samba_1.3B", "1.7B": "Samba_1.7B", "3.8B": "Samba_3.8B"}
TINY = {
    "n_embd": 256, "n_layer": 4, "n_head": 4, "n_query_groups": 2, "intermediate_size": 512, "vocab_size": 4096,
    "padding_multiple": 64, "rotary_percentage": 1, "parallel_residual": False, "bias": False,
    "_norm_class": "FusedRMSNorm", "_mlp_class": "LLaMAMLP", "local_window": 128, "mb_per_layer": 2, "mamba_init": True,
}
IDS = [(i * 7919 + 13) % 4000 for i in range(32)]


class Socket:
    """The client's side of a WebSocket: text frames of the DevTools protocol."""

    def __init__(self, url):
        host, port, path = re.match(r"ws://([^:/]+):(\d+)(/.*)", url).groups()
        self.raw = socket.create_connection((host, int(port)))
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.file = self.raw.makefile("rb")
        if b" 101 " not in self.file.readline():
            raise SystemExit(f"{url} is no WebSocket")
        while self.file.readline().strip():
            pass

    def send(self, text):
        data = text.encode()
        mask = secrets.token_bytes(4)
        n = len(data)
        head = struct.pack("!BB", 0x81, 0x80 | n) if n < 126 else struct.pack("!BBH", 0x81, 0xFE, n) if n < 65536 else struct.pack("!BBQ", 0x81, 0xFF, n)
        body = int.from_bytes(data, "big") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "big")
        self.raw.sendall(head + mask + body.to_bytes(n, "big"))

    def receive(self):
        parts = []
        while True:
            head = self.file.read(2)
            if len(head) < 2:
                raise SystemExit("the browser closed the connection: see chrome.log")
            n = head[1] & 127
            if n > 125:
                n = int.from_bytes(self.file.read(2 if n == 126 else 8), "big")
            data = self.file.read(n)
            if head[0] & 15 < 3:
                parts.append(data)
                if head[0] & 128:
                    return b"".join(parts).decode()


class Tab:
    """A tab and its worker, spoken to in the DevTools protocol; a thread of its own hears."""

    def __init__(self, url):
        self.socket, self.last, self.waiting, self.workers = Socket(url), 0, {}, []
        self.lock = threading.Lock()
        threading.Thread(target=self.hear, daemon=True).start()
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        self.call("Runtime.enable")

    def hear(self):
        while True:
            try:
                message = json.loads(self.socket.receive())
            except (SystemExit, OSError, ValueError):
                for future in self.waiting.values():
                    future.cancel()
                return
            if message.get("method") == "Target.attachedToTarget" and message["params"]["targetInfo"]["type"] == "worker":
                self.workers.append(message["params"]["sessionId"])
            if message.get("method") == "Target.detachedFromTarget":
                self.workers = [w for w in self.workers if w != message["params"]["sessionId"]]
            future = self.waiting.pop(message.get("id"), None)
            if future:
                future.set_result(message)

    def call(self, method, session=None, patience=600, **params):
        future = concurrent.futures.Future()
        with self.lock:
            self.last += 1
            self.waiting[self.last] = future
            message = {"id": self.last, "method": method, "params": params}
            if session:
                message["sessionId"] = session
            self.socket.send(json.dumps(message))
        return future.result(patience).get("result", {})

    def js(self, code):
        answer = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"in the page: {answer['exceptionDetails'].get('exception', {}).get('description', answer)}")
        return answer.get("result", {}).get("value")

    def heap(self):
        """JS and WebAssembly memory of the page and its workers, in bytes."""
        total = 0
        for session in [None, *self.workers]:
            usage = self.call("Runtime.getHeapUsage", session=session)
            total += usage.get("usedSize", 0) + usage.get("backingStorageSize", 0)
        for session in self.workers:  # what V8 does not count
            memory = self.call("Runtime.evaluate", session=session, expression="globalThis.engineMemory?.() ?? 0")
            total += memory.get("result", {}).get("value", 0)
        return total


# The page, a picture because Chromium ends where there is text and no font, speaks the engine's protocol to a worker
# of the site's own.
PAGE = "/icons/icon.svg"
START = """(async () => {
  const text = async (url) => (await fetch(url)).text();
  const script = (await text("/relay.html")).match(/assets\\/relay-\\w+\\.js/)[0];
  const address = new URL("/assets/" + (await text("/" + script)).match(/worker-\\w+\\.js/)[0], location.href).href;
  const policy = globalThis.trustedTypes?.createPolicy("samba", {createScriptURL: (url) => url});
  const worker = new Worker(policy?.createScriptURL(address) ?? address, {type: "module"});
  await navigator.gpu.requestAdapter(); // the GPU process may still compile for the tab before: that is not this load
  globalThis.ask = (request, each) => new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error("the worker failed: " + event.message));
    worker.onmessage = ({data}) => {
      if (data.type === "error") reject(new Error(data.message));
      else if (data.type === "ready" || data.type === "done") resolve(data);
      else each(data);
    };
    worker.postMessage(request);
  });
  globalThis.load = async (url) => {
    const start = performance.now(), phases = {};
    const note = (phase) => { phases[phase] = Math.round(performance.now() - start); };
    const ready = await ask({type: "load", id: 1, url, backend: "webgpu"}, (p) => note(p.phase));
    const bytes = performance.getEntriesByType("resource").reduce((sum, r) => sum + (r.transferSize || 0), 0);
    return {seconds: (performance.now() - start) / 1000, phases, ready, bytes};
  };
  globalThis.logits = async (ids) => {
    const rows = [];
    await ask({type: "logits", id: 2, ids}, (m) => { if (m.data) rows.push(new Uint8Array(m.data)); });
    return Promise.all(rows.map(async (row) => {
      const reader = new FileReader();
      await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(new Blob([row])); });
      return reader.result.split(",")[1];
    }));
  };
})()"""


def run(*command, **options):
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{shlex.join(command)}: {said}")
    return time.time() - start, usage.ru_maxrss * 1024, said


def processes(root):
    """The browser's processes, by what they do."""
    children, found = {}, [root]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                children.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(pid))
        except OSError:
            continue
    for pid in found:
        found += children.get(pid, [])
    kinds = {}
    for pid in found:
        try:
            with open(f"/proc/{pid}/cmdline") as f:
                kind = re.search(r"--type=([\w-]+)", f.read())
            with open(f"/proc/{pid}/status") as f:
                rss = re.search(r"VmRSS:\s+(\d+)", f.read())
        except OSError:
            continue
        name = kind.group(1) if kind else "browser"
        kinds[name] = kinds.get(name, 0) + (int(rss.group(1)) * 1024 if rss else 0)
    return kinds


def gpu_memory():
    try:
        said = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=5)
        return int(said.stdout.split()[0]) * 2**20
    except (OSError, IndexError, ValueError, subprocess.TimeoutExpired):
        return 0


class Peak(threading.Thread):
    """Watches memory until it is told to stop."""

    def __init__(self, tab, browser):
        super().__init__(daemon=True)
        self.tab, self.browser, self.ended, self.peak, self.base = tab, browser, threading.Event(), {}, gpu_memory()
        self.start()

    def run(self):
        last = 0
        while not self.ended.wait(0.03):
            try:
                self.note("heap", self.tab.heap())
            except Exception:  # a worker that has just gone
                continue
            if time.time() - last > 0.3:
                last = time.time()
                for kind, rss in processes(self.browser).items():
                    if kind in ("renderer", "gpu-process"):
                        self.note(kind, rss)
                self.note("gpu", gpu_memory() - self.base)

    def note(self, name, value):
        self.peak[name] = max(self.peak.get(name, 0), value)

    def stop(self):
        self.ended.set()
        self.join()
        return self.peak


class Chromium:
    def __init__(self, work):
        self.profile = tempfile.mkdtemp(dir=work)
        self.log = open(os.path.join(work, "chrome.log"), "a")
        flags = shlex.split(os.environ.get("CHROME_GPU_FLAGS", "--no-sandbox --enable-unsafe-webgpu"))
        self.process = subprocess.Popen(
            [os.environ.get("CHROME", "chromium"), *flags, "--headless", "--remote-debugging-port=0", "--remote-allow-origins=*",
             f"--user-data-dir={self.profile}", "about:blank"], stdout=self.log, stderr=self.log)
        at = os.path.join(self.profile, "DevToolsActivePort")
        end = time.time() + 60
        while not (os.path.exists(at) and os.path.getsize(at)):
            if time.time() > end or self.process.poll() is not None:
                raise SystemExit("Chromium did not start: see chrome.log")
            time.sleep(0.05)
        with open(at) as f:
            self.port = f.readline().strip()

    def tab(self, url):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/json/new?{url}", method="PUT")
        about = json.load(urllib.request.urlopen(request))
        tab = Tab(about["webSocketDebuggerUrl"])
        end = time.time() + 60
        while tab.js("document.readyState + location.pathname") != "complete" + PAGE:
            if time.time() > end:
                raise SystemExit("the page did not open")
            time.sleep(0.02)
        tab.id = about["id"]
        return tab

    def close_tab(self, tab):
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json/close/{tab.id}").read()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.profile, ignore_errors=True)


def visit(browser, origin, model, logits):
    tab = browser.tab(origin + PAGE)
    tab.js(START)
    peak = Peak(tab, browser.process.pid)
    about = tab.js(f"load('{origin}/models/{model}/')")
    peak = peak.stop()
    got = None
    if logits:
        got = array.array("f")
        for row in tab.js(f"logits({json.dumps(IDS)})"):
            got.frombytes(base64.b64decode(row))
    browser.close_tab(tab)
    return about, peak, got


def logits_of_go(samba, work, folder):
    ids, out = os.path.join(work, "ids.json"), os.path.join(work, "logits.f32")
    with open(ids, "w") as f:
        json.dump(IDS, f)
    seconds, _, _ = run(samba, "logits", "--model", folder, "--ids", ids, "--backend", "cpu", "--out", out)
    values = array.array("f")
    with open(out, "rb") as f:
        values.frombytes(f.read())
    return seconds, values


def compare(got, want):
    if len(got) != len(want):
        raise SystemExit(f"{len(got)} logits in the browser, {len(want)} in plain Go")
    rows = len(IDS)
    width = len(want) // rows
    best = lambda v, r: max(range(width), key=lambda i: v[r * width + i])
    return {
        "max_abs_difference": max(abs(a - b) for a, b in zip(got, want)),
        "root_mean_square": math.sqrt(sum(v * v for v in want) / len(want)),
        "same_argmax": sum(best(got, r) == best(want, r) for r in range(rows)),
        "rows": rows,
    }


def measure(shape, options, browser, origin):
    work, samba = options.work, options.samba
    folder = os.path.join(work, "models", shape)
    row = {"shape": shape}
    config = NAMES.get(shape)
    if not config:
        config = os.path.join(work, "tiny.json")
        with open(config, "w") as f:
            json.dump(TINY, f)
    if not os.path.exists(os.path.join(folder, "config.json")):
        checkpoint = os.path.join(work, shape + ".pth")
        row["make_seconds"], _, _ = run(samba, "random-checkpoint", "--config", config, "--to", checkpoint, "--force")
        row["checkpoint_bytes"] = os.path.getsize(checkpoint)
        row["convert_seconds"], row["convert_peak_bytes"], said = run(
            samba, "convert", "--from", checkpoint, "--config", config, "--bits", str(options.bits), "--to", folder)
        row["parameters"] = int(re.search(r"([\d,]+) parameters", said).group(1).replace(",", ""))
        if not options.keep:
            os.remove(checkpoint)
    row["bytes"] = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(f"{shape}: made and converted in {row.get('make_seconds', 0) + row.get('convert_seconds', 0):.1f} s", flush=True)
    for visited in ("cold", "warm"):
        about, peak, got = visit(browser, origin, shape, options.logits and visited == "warm" and shape in ("421M", "tiny"))
        row[visited] = {
            "seconds": about["seconds"], "phases_ms": about["phases"], "heap_peak_bytes": peak.get("heap", 0),
            "renderer_peak_bytes": peak.get("renderer", 0), "gpu_process_peak_bytes": peak.get("gpu-process", 0),
            "gpu_peak_bytes": peak.get("gpu", 0),
        }
        row["adapter"] = about["ready"]["adapter"]
        print(f"{shape}: {visited} load in {about['seconds']:.2f} s, heap {peak.get('heap', 0) / 1e6:.0f} MB", flush=True)
        if got is not None:
            row["go_seconds"], want = logits_of_go(samba, work, folder)
            row["logits"] = compare(got, want)
            print(f"{shape}: logits {row['logits']}", flush=True)
    if not options.keep:
        shutil.rmtree(folder)
    return row


def table(rows):
    mb = lambda n: f"{n / 1e6:,.0f}"
    head = ["shape", "parameters", "checkpoint MB", "made s", "converted s", "peak MB", "4-bit MB", "cold s", "warm s",
            "heap MB cold/warm", "renderer MB", "GPU process MB", "GPU MB"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in rows:
        worst = lambda key: max(r["cold"][key], r["warm"][key])
        lines.append("| " + " | ".join([
            r["shape"], f"{r.get('parameters', 0):,}", mb(r.get("checkpoint_bytes", 0)), f"{r.get('make_seconds', 0):.1f}",
            f"{r.get('convert_seconds', 0):.1f}", mb(r.get("convert_peak_bytes", 0)), mb(r["bytes"]),
            f"{r['cold']['seconds']:.2f}", f"{r['warm']['seconds']:.2f}",
            f"{mb(r['cold']['heap_peak_bytes'])} / {mb(r['warm']['heap_peak_bytes'])}", mb(worst("renderer_peak_bytes")),
            mb(worst("gpu_process_peak_bytes")), mb(worst("gpu_peak_bytes"))]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samba", default="bin/samba", help="the samba command (default bin/samba)")
    parser.add_argument("--work", required=True, help="a folder for all that is made; not in memory")
    parser.add_argument("--shapes", default="421M,1.3B,1.7B,3.8B", help="of " + ", ".join(NAMES) + ", and tiny to rehearse")
    parser.add_argument("--bits", type=int, default=4, help="bits of a weight (default 4)")
    parser.add_argument("--keep", action="store_true", help="keep checkpoints and models; models that are there are used")
    parser.add_argument("--no-logits", dest="logits", action="store_false", help="do not compare 421M's logits with plain Go")
    options = parser.parse_args()
    shapes = options.shapes.split(",")
    for shape in shapes:
        if shape not in NAMES and shape != "tiny":
            parser.error(f"no shape {shape}")
    models = os.path.join(options.work, "models")
    os.makedirs(models, exist_ok=True)
    server = subprocess.Popen([options.samba, "serve", "--addr", "127.0.0.1:0", "--models", models], stdout=subprocess.PIPE, text=True)
    origin = None
    while not origin:
        line = server.stdout.readline()
        if not line:
            raise SystemExit("samba serve did not start")
        found = re.search(r"http://\S+:\d+", line)
        origin = found and found.group(0)
    browser = Chromium(options.work)
    rows = []
    try:
        for shape in shapes:
            try:
                rows.append(measure(shape, options, browser, origin))
            except SystemExit as failure:  # the other shapes are worth measuring all the same
                print(f"{shape}: {failure}", file=sys.stderr, flush=True)
        print(table(rows))
        with open(os.path.join(options.work, "bigshapes.json"), "w") as f:
            json.dump(rows, f, indent=1)
    finally:
        browser.close()
        server.terminate()
    if len(rows) < len(shapes):
        sys.exit(1)


if __name__ == "__main__":
    main()

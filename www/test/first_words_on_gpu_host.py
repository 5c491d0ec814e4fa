#!/usr/bin/env python3
"""Times first visits to the chat page in a headless Chromium, as page_on_gpu_host.py does, to the first words of a
question that is asked the moment the model is ready.

    CHROME=... CHROME_GPU_FLAGS=... python3 first_words_on_gpu_host.py MODELS OUT VISITS SAMBA...

Each visit is a browser of its own with an empty profile; where there are several SAMBA commands they take turns. It prints
one line a visit, in milliseconds since the page was opened, and the medians of each command's. Set __GL_SHADER_DISK_CACHE=0
where NVIDIA's driver would remember kernels from one visit to the next. RATE=12.5 has the weights come no faster than so many
megabytes a second, as over a network. PRETEND=1 has the page take a software adapter
for one that is quicker than the processor, to try this where there is no GPU."""
import json
import os
import statistics
import sys
import time

from page_on_gpu_host import PAGE, QUESTIONS, Tab, page

# In the page: asks as soon as it may, and notes when the first words stand there.
ASKER = """
window.times = {};
addEventListener("DOMContentLoaded", () => {
  const now = () => performance.timeOrigin + performance.now();
  new MutationObserver(() => {
    const { state } = document.body.dataset;
    if (state === "asleep" && !times.woken) { times.woken = now(); document.getElementById("go").click(); }
    if (state === "ready" && !times.asked) {
      times.asked = now();
      const prompt = document.getElementById("prompt");
      prompt.value = %s;
      prompt.dispatchEvent(new Event("input"));
      document.getElementById("composer").requestSubmit();
    }
    if (!times.words && document.querySelector(".answer")?.textContent) times.words = now();
  }).observe(document, { attributes: true, childList: true, characterData: true, subtree: true });
});
""" % json.dumps(QUESTIONS[0])

# In each worker, before its script: notes when bytes came last, and when the self-test's tokens came and went: 43, as no
# chunk of a model's has.
WATCHER = """
globalThis.times = {};
let due = 0;
const now = () => performance.timeOrigin + performance.now();
for (const reader of [ReadableStreamDefaultReader, ReadableStreamBYOBReader]) {
  const read = reader.prototype.read;
  reader.prototype.read = async function (...views) {
    const result = await read.apply(this, views);
    if (RATE && !result.done) {
      due = Math.max(due, now()) + result.value.byteLength / RATE / 1e3;
      if (due > now()) await new Promise((resolve) => setTimeout(resolve, due - now()));
    }
    if (!result.done) times.bytes = now();
    return result;
  };
}
const watch = (host) => {
  if (PRETEND) host.recall = async () => JSON.stringify({ gpu: 1, onCPU: 2, cpu: 1 });
  Object.defineProperty(globalThis, "samba", { value: host });
  const make = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = make.call(this, descriptor);
    if (descriptor.size === 4 * 43) {
      times.trial = now();
      const destroy = buffer.destroy;
      buffer.destroy = () => { times.tried = now(); destroy.call(buffer); };
    }
    return buffer;
  };
};
// The engine is about to start: before its script a worker has no GPUDevice.
Object.defineProperty(globalThis, "samba", { set: watch, configurable: true });
""".replace("PRETEND", json.dumps("PRETEND" in os.environ)).replace("RATE", os.environ.get("RATE", "0"))


class Watched(Tab):
    """A tab whose workers are watched from before their first line."""

    def __init__(self, address):
        super().__init__(address)
        self.workers = []

    def event(self, method, params):
        if method != "Target.attachedToTarget":
            return
        session = params["sessionId"]
        if params["targetInfo"]["type"] == "worker":
            self.workers.append(session)
            self.post("Runtime.evaluate", session, expression=WATCHER)
        self.post("Runtime.runIfWaitingForDebugger", session)


def visit(samba, models, out):
    with page(samba, models, out, Watched) as tab:
        tab.call("Page.enable")
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=ASKER)
        tab.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        tab.call("Page.navigate", url=f"http://{PAGE}/")
        tab.until("!!globalThis.times?.words", 120)
        times = tab.js("times")
        for session in tab.workers:
            times |= tab.js("times", session) or {}
        opened = tab.js("performance.timeOrigin")
        why = tab.js("document.querySelector('#figures span:last-child')?.title")
    return {name: at - opened for name, at in times.items()}, why


def main(models, out, visits, sambas):
    began, measured = time.time(), {samba: [] for samba in sambas}
    for _ in range(visits):
        for samba in sambas:
            t, why = visit(samba, models, out)
            measured[samba].append(t)
            at = lambda name: f"{t[name]:.0f}" if name in t else "never"
            print(f"{samba}: self-test from {at('trial')} to {at('tried')}, last bytes {at('bytes')}, ready and asked {at('asked')}, "
                  f"first words {at('words')}: {t['words'] - t['bytes']:.0f} ms after the last bytes ({why})", flush=True)
    for samba, all_times in measured.items():
        median = lambda of: statistics.median(of(t) for t in all_times)
        print(f"{samba}: medians of {visits}: ready {median(lambda t: t['asked'] - t['bytes']):.0f} ms after the last bytes, "
              f"first words {median(lambda t: t['words'] - t['bytes']):.0f} ms after them, {median(lambda t: t['words']):.0f} ms after the page was opened")
    print(f"took {time.time() - began:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) < 5 or "CHROME" not in os.environ:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])

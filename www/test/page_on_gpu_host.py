#!/usr/bin/env python3
"""Times the chat page in a headless Chromium on a GPU host, which has neither Node nor a browser driver.

    CHROME=... CHROME_GPU_FLAGS=... python3 page_on_gpu_host.py SAMBA MODELS OUT

starts SAMBA serve with the folder MODELS, opens the page twice (the second time the model is stored), asks two
questions each time, prints what the page shows and when, and leaves screenshots in OUT. On a host without fonts it needs
a fonts.conf with at least one: Chromium ends when a page has text and no font."""
import base64
import contextlib
import http.client
import json
import os
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time

QUESTIONS = [
    "Tell me a story about a hedgehog and the moon.",
    "What is a river, and where does its water come from?",
]
# Notes when the page shows another state or phase of loading, and when it last told of more bytes, in milliseconds since
# it was opened.
OBSERVER = """
window.phases = [];
window.arrived = { at: 0, bytes: "" };
addEventListener("DOMContentLoaded", () => {
  const note = () => {
    const text = `${document.body.dataset.state ?? "opened"}: ${document.getElementById("phase")?.textContent.trim() ?? ""}`;
    if (text !== phases.at(-1)?.[1]) phases.push([performance.now(), text]);
    const bytes = document.getElementById("bytes")?.textContent ?? "";
    if (bytes !== arrived.bytes) arrived = { at: performance.now(), bytes };
  };
  note();
  new MutationObserver(note).observe(document.body, { attributes: true, childList: true, characterData: true, subtree: true });
});
"""
PAGE, PORT = "127.0.0.1:8080", 9333


class Tab:
    """One tab, spoken to in the DevTools protocol."""

    def __init__(self, address):
        host, path = address.removeprefix("ws://").split("/", 1)
        name, port = host.split(":")
        self.calls, self.socket = 0, socket.create_connection((name, int(port)))
        self.file = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        if b" 101 " not in self.file.readline():
            raise SystemExit(f"the browser does not open {address}")
        while self.file.readline().strip():
            pass

    def send(self, data):
        """One text frame. Its mask is zero: nothing between us and the browser could take it for something else."""
        size = len(data)
        length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size) if size < 1 << 16 else struct.pack("!BQ", 0x80 | 127, size)
        self.socket.sendall(b"\x81" + length + bytes(4) + data)

    def receive(self):
        """The next whole message."""
        message = b""
        while True:
            head = self.file.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                raise SystemExit("the browser left: see chrome.log")
            size = head[1] & 127
            if size == 126:
                (size,) = struct.unpack("!H", self.file.read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self.file.read(8))
            data = self.file.read(size)
            if head[0] & 15 < 3:  # no ping
                message += data
                if head[0] & 0x80:
                    return message

    def post(self, method, session=None, **params):
        """Asks without waiting for the answer. A session is a worker's."""
        self.calls += 1
        self.send(json.dumps({"id": self.calls, "method": method, "params": params, **({"sessionId": session} if session else {})}).encode())
        return self.calls

    def call(self, method, session=None, **params):
        number = self.post(method, session, **params)
        while True:
            answer = json.loads(self.receive())
            if answer.get("id") == number:
                return answer.get("result", answer)
            if "method" in answer:
                self.event(answer["method"], answer["params"])

    def event(self, method, params):
        """What the browser tells unasked."""

    def js(self, code, session=None):
        answer = self.call("Runtime.evaluate", session, expression=code, returnByValue=True)
        return answer.get("result", {}).get("value")

    def until(self, code, seconds):
        end = time.time() + seconds
        while self.js(code) is not True:
            if time.time() > end:
                raise SystemExit(f"not within {seconds} s: {code}\n{self.js('document.body.innerText')}")
            time.sleep(0.01)


def visit(tab, name, out):
    start = time.time()
    tab.call("Page.navigate", url=f"http://{PAGE}/")
    tab.until(f"location.host === '{PAGE}' && !!document.body?.dataset.state", 60)
    tab.js("document.body.dataset.state === 'asleep' && document.getElementById('go').click()")
    tab.until("document.body.dataset.state === 'ready'", 60)
    print(f"{name}: model ready {time.time() - start:.2f} s after the page was opened")
    phases = tab.js("phases")
    for at, text in phases:
        print(f"    {at / 1e3:7.3f} s  {text}")
    arrived = tab.js("arrived")
    print(f"    {arrived['at'] / 1e3:7.3f} s  last bytes: {arrived['bytes']}")
    rest = (phases[-1][0] - arrived["at"]) / 1e3
    for i, question in enumerate(QUESTIONS):
        start = time.time()
        tab.js(
            "{const p = document.getElementById('prompt'); p.value = %s; p.dispatchEvent(new Event('input'));"
            "document.getElementById('composer').requestSubmit();}" % json.dumps(question)
        )
        tab.until(f"(document.querySelectorAll('.answer')[{i}]?.textContent.length ?? 0) > 0", 30)
        first = time.time() - start
        if i == 0:
            print(f"{name}: {rest:.3f} s from the last weights to ready, {rest + first:.3f} s of loading and answering after them to the first text")
        tab.until(f"document.querySelectorAll('.assistant.finished:not(.writing)').length > {i}", 120)
        print(f"{name}: first text after {first:.3f} s, the whole answer after {time.time() - start:.2f} s")
        print("   ", tab.js("document.getElementById('figures').innerText.replaceAll('\\n', ' | ')"))
    shot = tab.call("Page.captureScreenshot", format="png")
    with open(os.path.join(out, name + ".png"), "wb") as f:
        f.write(base64.b64decode(shot["data"]))


def first_tab(kind):
    """The browser's one tab, once it has started."""
    for attempt in range(100):
        try:
            browser = http.client.HTTPConnection("127.0.0.1", PORT)
            browser.request("GET", "/json")
            targets = json.loads(browser.getresponse().read())
            break
        except OSError:
            time.sleep(0.1)
    else:
        raise SystemExit("the browser has not started within 10 s: see chrome.log")
    return kind(next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page"))


@contextlib.contextmanager
def page(samba, models, out, kind=Tab):
    """The tab of a browser with an empty profile, and a server of pages beside it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, open(os.path.join(out, "chrome.log"), "w") as log:
        server = subprocess.Popen([samba, "serve", "--addr", PAGE, "--models", models], stdout=subprocess.DEVNULL)
        browser = subprocess.Popen(
            [os.environ["CHROME"], *shlex.split(os.environ.get("CHROME_GPU_FLAGS", "")), "--headless", "--window-size=1280,800",
             f"--remote-debugging-port={PORT}", f"--user-data-dir={profile}", "about:blank"], stdout=log, stderr=log)
        try:
            yield first_tab(kind)
        finally:
            browser.terminate()
            server.terminate()
            browser.wait()
            server.wait()


def main(samba, models, out):
    with page(samba, models, out) as tab:
        tab.call("Page.enable")
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=OBSERVER)
        for name in ("first visit", "second visit"):
            visit(tab, name.replace(" ", "-"), out)


if __name__ == "__main__":
    if len(sys.argv) != 4 or "CHROME" not in os.environ:
        sys.exit(__doc__)
    main(*sys.argv[1:])

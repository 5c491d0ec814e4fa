#!/usr/bin/env python3
"""Times the chat page in a headless Chromium on a GPU host, which has neither Node nor a browser driver.

    CHROME=... CHROME_GPU_FLAGS=... python3 page_on_gpu_host.py SAMBA MODELS OUT

starts SAMBA serve with the folder MODELS, opens the page twice (the second time the model is stored), asks two
questions each time, prints what the page shows, and leaves screenshots in OUT. Needs aiohttp, and on a host without
fonts a fonts.conf with at least one: Chromium ends when a page has text and no font."""
import asyncio
import base64
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

import aiohttp

QUESTIONS = [
    "Tell me a story about a lighthouse keeper and a lost whale.",
    "What is a river, and where does its water come from?",
]
PAGE, PORT = "127.0.0.1:8080", 9333


class Tab:
    """One tab, spoken to in the DevTools protocol."""

    def __init__(self, socket):
        self.socket, self.calls = socket, 0

    async def call(self, method, **params):
        self.calls += 1
        await self.socket.send_json({"id": self.calls, "method": method, "params": params})
        while True:
            message = await self.socket.receive()
            if message.type != aiohttp.WSMsgType.TEXT:
                raise SystemExit(f"the browser left at {method}: see chrome.log")
            answer = json.loads(message.data)
            if answer.get("id") == self.calls:
                return answer.get("result", answer)

    async def js(self, code):
        answer = await self.call("Runtime.evaluate", expression=code, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def until(self, code, seconds):
        end = time.time() + seconds
        while await self.js(code) is not True:
            if time.time() > end:
                raise SystemExit(f"not within {seconds} s: {code}\n{await self.js('document.body.innerText')}")
            await asyncio.sleep(0.01)


async def visit(tab, name, out):
    start = time.time()
    await tab.call("Page.navigate", url=f"http://{PAGE}/")
    await tab.until(f"location.host === '{PAGE}' && !!document.body?.dataset.state", 60)
    await tab.js("document.body.dataset.state === 'asleep' && document.getElementById('go').click()")
    await tab.until("document.body.dataset.state === 'ready'", 60)
    print(f"{name}: model ready {time.time() - start:.2f} s after the page was opened")
    for i, question in enumerate(QUESTIONS):
        start = time.time()
        await tab.js(
            "{const p = document.getElementById('prompt'); p.value = %s; p.dispatchEvent(new Event('input'));"
            "document.getElementById('composer').requestSubmit();}" % json.dumps(question)
        )
        await tab.until(f"(document.querySelectorAll('.answer')[{i}]?.textContent.length ?? 0) > 0", 30)
        first = time.time() - start
        await tab.until(f"document.querySelectorAll('.assistant.finished:not(.writing)').length > {i}", 120)
        print(f"{name}: first text after {first:.3f} s, the whole answer after {time.time() - start:.2f} s")
        print("   ", await tab.js("document.getElementById('figures').innerText.replaceAll('\\n', ' | ')"))
    shot = await tab.call("Page.captureScreenshot", format="png")
    with open(os.path.join(out, name + ".png"), "wb") as f:
        f.write(base64.b64decode(shot["data"]))


async def main(out):
    async with aiohttp.ClientSession() as http:
        for attempt in range(100):
            try:
                targets = await (await http.get(f"http://127.0.0.1:{PORT}/json")).json(content_type=None)
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
        address = next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
        async with http.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            await tab.call("Page.enable")
            for name in ("first visit", "second visit"):
                await visit(tab, name.replace(" ", "-"), out)


if __name__ == "__main__":
    if len(sys.argv) != 4 or "CHROME" not in os.environ:
        sys.exit(__doc__)
    samba, models, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as profile, open(os.path.join(out, "chrome.log"), "w") as log:
        server = subprocess.Popen([samba, "serve", "--addr", PAGE, "--models", models], stdout=subprocess.DEVNULL)
        browser = subprocess.Popen(
            [os.environ["CHROME"], *shlex.split(os.environ.get("CHROME_GPU_FLAGS", "")), "--headless", "--window-size=1280,800",
             f"--remote-debugging-port={PORT}", f"--user-data-dir={profile}", "about:blank"], stdout=log, stderr=log)
        try:
            asyncio.run(main(out))
        finally:
            browser.terminate()
            server.terminate()
            browser.wait()

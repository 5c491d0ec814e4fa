// The page does no more than keep a worker, and tell the runner when that could not start.

// Stays open as long as this page lives; the runner takes its end for the page's death.
fetch("alive").then((response) => response.body.getReader().read()).catch(() => {});

const fail = (message) => fetch("fail", { method: "POST", body: message });

const worker = new Worker("worker.js");
worker.onerror = (event) => {
  event.preventDefault();
  fail(`the worker failed: ${event.message || "its script could not be loaded"} (${event.filename}:${event.lineno})`);
};
worker.onmessageerror = () => fail("the worker sent a message that could not be read");

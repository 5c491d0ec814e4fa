/** Every English sentence of the page, in one place to be translated. */
import type { Code } from "../engine/protocol.ts";

const number = new Intl.NumberFormat("en");
const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** 12 582 912 → "12.6 MB" */
export function bytes(n: number): string {
  if (n >= 1e9) return `${rounded.format(n / 1e9)} GB`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} MB`;
  return `${Math.round(n / 1e3)} KB`;
}

/** 421 793 280 → "422M" */
function count(n: number): string {
  if (n >= 1e9) return `${rounded.format(n / 1e9)}B`;
  if (n >= 1e6) return `${rounded.format(n / 1e6)}M`;
  return `${rounded.format(n / 1e3)}K`;
}

export const strings = {
  newChat: "New chat",
  headline: "A language model, all in this tab.",
  lead: "Samba reads and writes on your own graphics chip. Ask it something; nothing you type leaves this machine.",
  promises: [
    ["Memory that never grows", "Its state has the same size at the first token and at the millionth."],
    ["Runs on this machine", "Go in WebAssembly leads, WebGPU computes. No server behind it."],
    ["Nothing leaves it", "The page makes no request but for its own files and the model's."],
  ],
  suggestions: [
    "Tell me a story about a lighthouse keeper and a lost whale.",
    "What is a river, and where does its water come from?",
    "Write a short letter to a friend about the first snow.",
  ],
  starting: "Starting the engine",
  phases: {
    download: "Loading the model",
    compile: "Preparing the graphics chip",
  } as Record<string, string>,
  shards: (at: number, all: number) => (all > 1 ? `Part ${at} of ${all}` : ""),
  loaded: (now: number, all: number) => (all ? `${bytes(now)} of ${bytes(all)}` : bytes(now)),
  model: (parameters: number, bits: number) =>
    `${count(parameters)} parameters${bits ? ` · ${bits} bits` : ""}`,
  card: "What this model is and what it was trained on",
  prompt: "Message to Samba",
  placeholder: "Write a message",
  placeholderLoading: "Write while the model loads",
  send: "Send",
  stop: "Stop",
  copy: "Copy",
  copied: "Copied",
  you: "You",
  samba: "Samba",
  reading: (done: number, all: number) => `Reading ${number.format(done)} of ${number.format(all)} tokens`,
  thinking: "Reading",
  stopped: "Stopped.",
  cut: "The answer reached its longest length.",
  empty: "The model had nothing to say to this.",
  ready: "The model is loaded. You can write to it.",
  answered: (text: string) => `Samba answered: ${text}`,
  answerFigures: (tokens: number, rate: number) =>
    `${number.format(tokens)} ${tokens === 1 ? "token" : "tokens"}${rate > 0 ? ` · ${rounded.format(rate)} tokens/s` : ""}`,
  rate: (rate: number) => `${rounded.format(rate)} tokens/s`,
  context: (tokens: number) => `context ${number.format(tokens)} ${tokens === 1 ? "token" : "tokens"}`,
  state: (size: number) => `state ${bytes(size)}, constant`,
  on: (backend: string, adapter: string) =>
    backend === "cpu" ? "on the processor" : `on ${adapter || backend}`,
  retry: "Try again",
  cpu: "Use the processor (slow)",
  failures: {
    no_webgpu: [
      "This browser has no WebGPU",
      "Open this page in a current Chrome, Edge, Safari or Firefox, over https or on localhost; or let the processor do the work, slowly.",
    ],
    no_adapter: [
      "No graphics chip that the browser may use",
      "Turn on hardware acceleration in the browser's settings or update the graphics driver, then try again; or let the processor do the work, slowly.",
    ],
    device_lost: [
      "The graphics chip went away",
      "The driver was reset or another program took the memory. Your messages are still here: try again to load the model anew.",
    ],
    missing: [
      "A part of the model is missing",
      "The server does not have all of the model's files. If it is yours, copy the whole folder again.",
    ],
    network: [
      "The model could not be fetched",
      "Check the connection and try again; parts that arrived are kept.",
    ],
    wrong_length: [
      "A part of the model has the wrong size",
      "It was fetched twice. If the server is yours, copy the file again.",
    ],
    wrong_hash: [
      "A part of the model is damaged",
      "It was fetched twice. If the server is yours, copy the file again.",
    ],
    bad_model: [
      "This model cannot be used",
      "Its files do not fit together. If it is yours, convert it again.",
    ],
  } as Partial<Record<Code, [title: string, advice: string]>>,
  otherFailure: ["Something went wrong", "Try again; reload the page if that does not help."] as [
    string,
    string,
  ],
};

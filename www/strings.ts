/** Every English sentence of the pages and the widget, in one place to be translated. */
import type { Code, Ready } from "./engine/protocol.ts";
import { settings } from "./engine/settings.ts";

const number = new Intl.NumberFormat("en");
const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

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

/** 100 → "2 min" */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${rounded.format(seconds / 3600)} h`;
}

const plural = (n: number, one: string, more: string) => `${number.format(n)} ${n === 1 ? one : more}`;

const stateSize = (size: number, perToken: number) =>
  perToken > 0 ? `${bytes(size)}, ${bytes(perToken)} a token` : `${bytes(size)}, constant`;

export const strings = {
  // The empty page
  headline: "A language model, all in this tab.",
  /** Empty: not known yet. */
  lead: (backend: string) =>
    `Samba reads and writes on your own ${backend === "" ? "machine" : backend === "cpu" ? "processor" : "graphics chip"}. Ask it something; nothing you type leaves ${backend === "" ? "it" : "this machine"}.`,
  headlineRemote: "A language model, at this site's server.",
  leadRemote: (host: string) =>
    `Here ${host} answers, not this machine. Ask it something; what you type goes there, and nowhere else.`,
  remote: (host: string) => `The server ${host} answers: what you write leaves this machine and goes there.`,
  noEngine: (host: string) => `The server ${host} has no engine that could answer.`,
  promises: [
    [
      "A small memory",
      "A Samba's state has the same size at the first token and at the millionth. Under Model stands what another model's grows by.",
    ],
    [
      "Works without a network",
      "After the first visit it starts in aeroplane mode. There is no server behind it.",
    ],
    ["Nothing is sent away", "The page asks for its own files and the model's, and for nothing else."],
  ],
  suggestions: [
    "Tell me a story about a hedgehog and the moon.",
    "What is a river, and where does its water come from?",
    "How do I boil an egg?",
  ],

  // The first visit
  start: (size: number) => (size ? `Download ${bytes(size)} and start` : "Download and start"),
  startTitle: "Before the first word",
  startWhat: (name: string, size: number) =>
    `The model${name ? ` ${name}` : ""} comes to this browser once${size ? `: ${bytes(size)}` : ""}. It is kept for later visits, and you can delete it under Model at any time.`,
  packs: (bits: number) => `It is packed to ${bits} bits as it comes, and kept so.`,
  startWhere: (host: string) =>
    `It comes from ${host}, which sees this download, and nothing that you write.`,
  startThen: "Then everything happens here. What you write and what it answers stays on this machine.",

  // Loading
  starting: "Starting the engine",
  phases: {
    download: "Loading the model",
    pack: "Loading the model and packing it",
    compile: "Preparing to compute",
    rebuild: "The graphics chip was lost; reading the conversation again",
  } as Record<string, string>,
  pace: (rate: number, left: number) =>
    [rate > 0 ? `${bytes(rate)}/s` : "", left >= 2 ? `about ${duration(left)} left` : ""]
      .filter(Boolean)
      .join(", "),
  loaded: (now: number, all: number) => (all ? `${bytes(now)} of ${bytes(all)}` : bytes(now)),
  cancel: "Cancel",
  ready: "The model is loaded. You can write to it.",

  // Writing
  prompt: "Message to Samba",
  placeholder: "Write a message",
  placeholderLoading: "Write while the model loads",
  send: "Send",
  sendFirst: "Download the model and send",
  stop: "Stop",

  // Turns
  you: "You",
  samba: "Samba",
  copy: "Copy",
  copied: "Copied",
  notCopied: "Not copied: the browser forbids it. Select the text and copy it with the keyboard.",
  code: "code",
  regenerate: "Answer again",
  goOn: "Continue",
  answerThis: "Answer this",
  waitsForModel: "Samba answers once the model is here.",
  edit: "Edit",
  editing: "Your message, edited",
  saveEdit: "Send again",
  branch: "Branch into a new chat",
  before: "Version before",
  after: "Next version",
  version: (at: number, all: number) => `${at} / ${all}`,
  versionSaid: (at: number, all: number) => `Version ${at} of ${all}`,
  reading: (done: number, all: number) => `Reading ${number.format(done)} of ${number.format(all)} tokens`,
  thinking: "Reading",
  thinksNow: "Thinking",
  thought: "Thought before the answer",
  notes: {
    cancelled: "Stopped.",
    length: "The answer reached its longest length.",
    interrupted: "The answer is not finished.",
    failed: "The answer broke off.",
  } as Record<string, string>,
  empty: "The model had nothing to say to this.",
  answered: (text: string) => `Samba answered: ${text}`,
  answerFigures: (tokens: number, rate: number) =>
    `${plural(tokens, "token", "tokens")}${rate > 0 ? ` · ${rounded.format(rate)} tokens/s` : ""}`,

  // Long texts
  attach: "Add a text file",
  pasted: "Pasted text",
  textSize: (characters: number) => plural(characters, "character", "characters"),
  textRead: (tokens: number) => `${plural(tokens, "token", "tokens")} read`,
  textUnread: "Not read yet",
  textCut: "Reading was stopped here; the rest was left out.",
  textStarts: (name: string) => `Reading ${name}.`,
  textDone: (name: string, tokens: number) => `${name} is read: ${plural(tokens, "token", "tokens")}.`,
  textStopped: (name: string, tokens: number) =>
    `Stopped: ${plural(tokens, "token", "tokens")} of ${name} are read and kept.`,
  nothingRead: (name: string) => `Nothing of ${name} was read yet, so it was taken out.`,
  readingText: (name: string) => `Reading ${name}`,
  readingPace: (rate: number, left: number) =>
    [rate > 0 ? `${rounded.format(rate)} tokens/s` : "", left >= 2 ? `about ${duration(left)} left` : ""]
      .filter(Boolean)
      .join(" · "),
  stopReading: "Stop reading",
  takeOut: "Take this text out",
  readFirst: (name: string) => `Reading ${name} first`,
  shortened: (characters: number) => `… and ${plural(characters, "more character", "more characters")}`,

  // Figures
  rate: (rate: number) => `${rounded.format(rate)} tokens/s`,
  context: (tokens: number) => `context ${plural(tokens, "token", "tokens")}`,
  /** perToken: what the state grows by, 0: it does not. */
  state: (size: number, perToken: number) => `state ${stateSize(size, perToken)}`,
  stateSize,
  on: (backend: string, adapter: string) => {
    if (backend === "remote") return `answered by ${adapter}`;
    return backend === "cpu" ? "on the processor" : `on ${adapter || backend}`;
  },

  // Conversations
  conversations: "Conversations",
  showList: "Conversations",
  hideList: "Hide the conversations",
  newChat: "New chat",
  search: "Search conversations",
  noneYet: "What you talk about stands here, kept in this browser only.",
  noneFound: (query: string) => `Nothing about “${query}”.`,
  found: (n: number) => plural(n, "conversation found", "conversations found"),
  untitled: "New chat",
  today: "Today",
  yesterday: "Yesterday",
  week: "This week",
  earlier: "Earlier",
  options: (title: string) => `What to do with “${title}”`,
  chatOptions: "This chat",
  rename: "Rename",
  newName: "New name",
  remove: "Delete",
  removeTitle: "Delete this conversation?",
  removeText: (title: string) => `“${title}” and all its versions will be gone from this browser.`,
  removed: "The conversation is deleted.",
  keep: "Keep it",
  exportMarkdown: "Export as Markdown",
  exportJSON: "Export as JSON",
  exportAll: "Export all",
  importFiles: "Import",
  imported: (n: number) => plural(n, "conversation imported.", "conversations imported."),
  hereAlready: (n: number) => plural(n, "conversation was here already.", "conversations were here already."),
  notImported: (file: string, reason: string) => `${file} was not imported: ${reason}`,
  notKept: "This browser does not let the page keep anything: conversations end when the page is closed.",
  notSaved: "The last change could not be kept: the disk may be full. Export what you need.",
  branchOf: (title: string, n: number) => `${title} (branch${n > 1 ? ` ${n}` : ""})`,
  branchMark: / \(branch(?: \d+)?\)$/,
  date: (time: number) => day.format(time),
  exportError: {
    notJSON: "it is not JSON",
    notOurs: "it is no conversation that was exported here",
    newer: "it comes from a newer version of this page",
    noMarks: "its turns are not marked; Markdown that was exported here has the marks",
    tooLarge: (most: number) => `it is larger than ${bytes(most)}`,
    noConversation: "it is cut short, or holds a state alone: samba generate --from goes on from those",
    notKept: "this browser keeps nothing more for the page",
    damaged: "it is damaged: what was said is not what it was when it was saved",
    shape: (where: string) => `${where} is not as it should be`,
  },

  // The host
  notStarted:
    "The page did not start. Reload it; if that does not help, delete what the browser keeps for this site.",
  insecure: (host: string) =>
    `Over plain http the browser lets ${host} use no graphics chip and keep no model: it computes on the processor, and downloads the model each time. Over https, or on localhost, it does both.`,
  framed: "Another site shows this page inside its own: what you click there may not be what you see.",
  openAlone: "Open it alone",

  // States
  exportState: (size: number) => `Export with its state (${bytes(size)})`,
  stateGone: "The state is no longer here: go on with the conversation, then export it.",
  elsewhere: "This conversation is open in another tab.",
  takeOver: "Continue here",
  readAgain: (reason: string) => `The conversation was read again: ${reason}`,
  stateOther: "its saved state belongs to another model.",
  stateMissing: "no saved state of it was here.",
  stateFull:
    "The disk is too full to keep this conversation's state: its text is kept, and is read again when you come back. Make room under Settings.",
  stateLost: "The browser lets the page write no files any more.",
  stateUnavailable:
    "This browser keeps no files for the page, as in private windows: after a reload the conversation is read again.",
  stateNotKept: (reason: string) => `This conversation's state could not be kept, its text is: ${reason}`,
  statesTitle: "States of conversations",
  statesHint:
    "After every turn the model's state is kept, so that going on, editing and answering again read nothing twice. What was not used for longest makes room.",
  statesRoom: "Room for them",
  statesNone: "none",
  statesUpTo: (size: number) => `up to ${bytes(size)}`,
  statesUsed: (count: number, size: number) =>
    count > 0 ? `${plural(count, "state takes", "states take")} ${bytes(size)} now.` : "None are kept now.",
  statesForget: "Delete them all",

  // Settings
  settings: "Settings",
  settingsNote: "These hold for this chat and for new ones. An empty field leaves the choice to the model.",
  system: "System prompt",
  systemHint: "What the model is told before the conversation begins.",
  sampling: "Sampling",
  /** From model/sampling, in Go. */
  fields: settings,
  between: (low: number, high: number, whole: boolean) =>
    `Write a ${whole ? "whole number" : "number"} from ${number.format(low)} to ${number.format(high)}, or nothing.`,
  drawn: "drawn at random",
  modelsOwn: "the model's own",
  inForce: (value: number) => `${number.format(value)} (default)`,
  aboveZero: (high: number) => `Write a number above 0 and at most ${high}, or nothing.`,
  save: "Save",
  reset: "Empty all fields",
  close: "Close",

  // Models
  model: "Model",
  modelOf: (parameters: number, bits: number) =>
    `${count(parameters)} parameters${bits ? ` · ${bits} bits` : ""}`,
  chooseModel: "Model",
  inUse: "in use",
  use: "Use",
  card: "Model card",
  removeModelTitle: "Delete the model in use?",
  removeModelText: (name: string, size: number) =>
    `${name} answers here now. Without it the chat stops until it is downloaded again (${bytes(size)}); your conversations stay.`,
  kept: (size: number, total: number) =>
    size < total ? `${bytes(size)} of ${bytes(total)} are here` : `${bytes(size)} are here`,
  room: (used: number, quota: number) =>
    quota > 0 ? `This site uses ${bytes(used)} of the ${bytes(quota)} that the browser gives it.` : "",
  roomSafe: "They stay until you delete them.",
  roomLoose: "The browser may delete models when the disk fills up.",
  roomKeep: "Keep them",
  roomRefused: "The browser does not promise that now; it may once you use this page more, or install it.",
  notKeptHere: "not downloaded",
  forget: (name: string) => `Delete ${name} from this browser`,
  otherModel: "Another model",
  otherModelHint: "The address of a model folder: it has config.json and the weights in it.",
  hubHint: (host: string) =>
    `Or a model's name at ${host}, such as ibm-granite/granite-4.0-h-350m, or the address of its page there.`,
  publishedModels: (n: number) => `Published models (${number.format(n)})`,
  hubSees: (host: string) =>
    `They come from ${host}, which sees your address and what you download, and nothing that you write. Sizes are of the download; it is kept here.`,
  hubSearch: (host: string) => `Search ${host}`,
  hubSearchSees: (host: string) =>
    `What you write here goes to ${host} once you pause, and your address with it. Models of families that run here are shown.`,
  hubSearching: (host: string) => `Asking ${host} …`,
  hubSearchFailed: (why: string) => `The search failed${why && `: ${why}`}. Try it again later.`,
  hubFound: (n: number, others: number) => {
    const runs =
      n === 0 ? "Nothing that runs here" : n === 1 ? "1 model that runs here" : `${n} models that run here`;
    if (others === 0) return `${runs}.`;
    return `${runs}; ${others} more ${others === 1 ? "is of a family that does" : "are of families that do"} not.`;
  },
  hubFits: (needs: number, fits: boolean) =>
    fits
      ? `It needs ${bytes(needs)}: on the processor, slowly.`
      : `It needs ${bytes(needs)}, more than this machine has free.`,
  foundModel: (size: number, licence: string) =>
    `${size ? bytes(size) : "size unknown"} · ${licence || "no licence named"}`,
  gated: "Its owners ask who you are: samba pull fetches it with your token.",
  checking: "Looking for what fits this machine …",
  checked: (webgpu: boolean) =>
    webgpu
      ? "What this machine has no room for cannot be chosen."
      : "This browser offers no graphics chip here: models run on the processor, and large ones slowly.",
  tooLarge: (bits: number, needs: number) =>
    `At ${bits} bits it needs ${bytes(needs)}, more than this machine has free.`,
  processorOnly: (bits: number, needs: number) =>
    `At ${bits} bits it needs ${bytes(needs)}: on the processor, slowly.`,
  goodAt: (what: string, chat: boolean) =>
    `${what.charAt(0).toUpperCase()}${what.slice(1)}${chat ? "" : " (it continues texts)"}.`,
  published: (parameters: number, licence: string, context: number) =>
    `${count(parameters)} parameters · ${licence} · context ${number.format(context)} tokens`,
  memory: (state: number, growth: number) =>
    growth > 0
      ? `A conversation: ${bytes(state)}, and ${rounded.format(growth / 1024)} KB for every token`
      : `A conversation: ${bytes(state)}, however long`,
  packHere: (bits: number) => `Pack it to ${bits} bits here`,
  packedHere: (bits: number) => `packed to ${bits} bits here`,
  packed: (bits: number, size: number) => `Packed to ${bits} bits here, ${bytes(size)}`,
  bitsAndSize: (bits: number, size: number) => `${bits} bits, ${bytes(size)}`,
  openFolder: "Open a folder of this computer",
  openFolderHint: "or drop one here; it is read where it lies, and goes nowhere.",
  badAddress: "Write an address that starts with https:// or a folder of this site, such as models/default/.",
  facts: {
    state: "Memory of a conversation, always",
    backend: "Computes on",
    reason: "Why there",
    sharing: "Shared",
  },
  sharing: (tabs: number, here: boolean) =>
    `by ${tabs} tabs of this site, which have one copy of the model; it is in ${here ? "this tab: another one takes over when you close it" : "another tab: this one or another takes over when that is closed"}`,
  sharedBy: (tabs: number) => `shared by ${tabs} tabs`,

  // Shortcuts
  help: "Keyboard shortcuts",
  shortcuts: {
    send: "Send the message",
    line: "Start a new line",
    stop: "Stop the answer",
    fresh: "New chat",
    search: "Search conversations",
    list: "Show or hide the conversations",
    write: "Go to the message field",
    editLast: "Edit the last message (from the empty field)",
    again: "Answer again",
    copy: "Copy the last answer",
    settings: "Settings",
    help: "This list",
  },
  keys: {
    Control: "Ctrl",
    Meta: "⌘",
    Shift: "Shift",
    Alt: "Alt",
    Enter: "Enter",
    Escape: "Esc",
    ArrowUp: "↑",
  } as Record<string, string>,
  about: "Help",
  lab: "Try speed and memory",
  docs: "Documentation",
  killed: [
    "The browser ended this page three times while the model loaded",
    "Phones do that to pages that take more memory than they have left. Close other apps and tabs, or choose a smaller model.",
  ] as const,
  killedDetails: "Nothing is loaded by itself any more.",

  // The installed page
  update: "A new version of this page is ready.",
  updateNow: "Reload",
  later: "Later",
  offline: "This model is not in this browser yet, and there is no network.",

  // The widget
  widget: {
    title: "Chat with Samba",
    open: "Open the chat",
    close: "Close the chat",
    clear: "Start over",
    runs: (backend: string, adapter: string) =>
      backend === "remote"
        ? `Answered by ${adapter}: what you write goes there`
        : `Computes ${strings.on(backend, adapter)}`,
    reason: "That is what the page asks for, or what this browser offers first.",
    intro: "This chat runs on your own machine. Nothing you write leaves it.",
    introRemote: (host: string) => `The server ${host} answers this chat. What you write goes there.`,
    introEither: (host: string) =>
      `This chat runs on your own machine if that can, and nothing you write leaves it; else the server ${host} answers, and what you write goes there.`,
    start: (size: number) => (size ? `Start (downloads ${bytes(size)} once)` : "Start"),
  },

  // Failures
  retry: "Try again",
  cpu: "Use the processor",
  failures: {
    no_webgpu: [
      "This browser has no WebGPU",
      "Open this page in a current Chrome, Edge, Safari or Firefox, over https or on localhost; or let the processor do the work.",
    ],
    no_adapter: [
      "No graphics chip that the browser may use",
      "Turn on hardware acceleration in the browser's settings or update the graphics driver, then try again; or let the processor do the work.",
    ],
    device_lost: [
      "The graphics chip went away",
      "The driver was reset or another program took the memory. Your messages are still here: try again to load the model.",
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
    too_large: [
      "This machine has no room for this model",
      "Take a smaller one, or fewer bits: the answers lose a little, and the download stays as large.",
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

/** Files of text, in the chat and in the lab. */
export const textStrings = {
  tooLarge: (file: string, size: number, most: number) =>
    `${file} has ${bytes(size)}, and the most that can be read at once is ${bytes(most)}: cut it into parts.`,
  other: (file: string, kind: string) => `${file} is ${kind}: save it as plain text and take that.`,
  binary: (file: string) => `${file} holds no text in UTF-8: save it as plain text and take that.`,
  empty: (file: string) => `${file} is empty.`,
  unreadable: (file: string) => `${file} cannot be read: take a file, not a folder.`,
};

/** The lab's. */
export const labStrings = {
  measure: "Measure",
  cancel: "Cancel",
  starting: "Starting the engine",
  phases: {
    download: "Loading weights",
    pack: "Loading weights and packing them",
    compile: "Preparing kernels",
  } as Record<string, string>,
  bytes: (loaded: number, total: number) => `${bytes(loaded)} of ${bytes(total)}`,
  failed: "The measurement failed.",
  tokens: "tokens of context",
  about: ({ model, parameters, bits, backend, adapter }: Ready) =>
    `${model}, ${precise.format(parameters / 1e6)} million weights${bits ? ` of ${bits} bits` : ""}, on ${adapter || backend}.`,

  // Speed
  measuring: (length: number) => `Measuring with ${number.format(length)} tokens`,
  step: (done: number, all: number) => `${done} of ${all} lengths`,
  done: (lengths: number) => `Done: ${lengths} lengths measured.`,
  cancelled: (lengths: number) => `Cancelled: ${lengths} lengths had been measured.`,
  ceiling: (share: number, roof: number) =>
    `Writing moves the model's weights through memory once for each token: ${percent.format(share)} of the ${bytes(roof)} a second that a kernel which does nothing but read reaches here.`,

  // Memory
  ask: "Hide and ask",
  ownBook: "a text file of yours…",
  preparing: "Cutting the book into tokens",
  asking: (key: string, depth: number, length: number) =>
    `Hiding ${key} at ${percent.format(depth)} of ${number.format(length)} tokens`,
  question: (done: number, all: number) => `${done} of ${all} questions`,
  asked: (found: number, all: number) => `Done: ${found} of ${plural(all, "key", "keys")} found.`,
  askedSoFar: (found: number, all: number) =>
    `Cancelled: ${found} of ${plural(all, "key", "keys")} had been found.`,
  found: (found: number, all: number) => `${found} of ${all}`,
  wrong: (key: string, came: string) => `${key}: “${came}”`,
  shortBook: (tokens: number) =>
    `The book ends after ${plural(tokens, "token", "tokens")}, so longer texts were left out.`,
  tooShort: (name: string) => `${name} is too short: want at least a page of text.`,
  window: "attention window",
  here: "this model's state, measured",
  there: "a Transformer's KV cache, computed",
  formula: (layers: number, heads: number, width: number, perToken: number, even: number | undefined) =>
    `Computed, not measured: ${layers} layers × 2 (keys and values) × ${heads} KV heads × ${width} × 2 bytes are ${bytes(perToken)} for each token of a Transformer of the same width and depth whose attention has no window.${even === undefined ? "" : ` It needs as much as this model at ${plural(even, "token", "tokens")}.`}`,
};

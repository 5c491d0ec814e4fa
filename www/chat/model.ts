/** The model that answers: asks before it is downloaded, loads it, says what went wrong. */
import type { Backend } from "../engine/backend.ts";
import {
  deleteStored,
  type LoadOptions,
  type Progress,
  Samba,
  SambaError,
  storedModels,
} from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { HUB, hubFolder, hubName } from "../engine/hub.ts";
import { addressOf, filesOf } from "../engine/local.ts";
import { strings } from "../strings.ts";
import { $, make, textButton } from "../view/dom.ts";
import { modelSize } from "../view/size.ts";
import { beginLoad, forgetKilled } from "./killed.ts";
import { ownEngine } from "./server.ts";

/** "asleep" until the visitor agrees to the download. */
export type State = "asleep" | "loading" | "ready" | "failed";

/** Folders whose models the visitor agreed to download, by address. */
const KNOWN = "samba-models";

export class ModelLife {
  samba: Samba | undefined;
  state: State = "asleep";
  /** The state, or what is loaded, has changed. */
  onchange: () => void = () => {};
  #loading: AbortController | undefined;
  /** Why this machine does not compute, where a server stands in for it. */
  #why = "";
  /** The folder's files, where they lie on the visitor's own disk. */
  #picked: File[] = [];

  readonly #part = {
    start: $("start"),
    loading: $("loading"),
    phase: $("phase"),
    bytes: $("bytes"),
    bar: $<HTMLProgressElement>("progress"),
    shard: $("shard"),
    failure: $("failure"),
  };

  constructor(
    /** The address of the model's folder. */
    public folder: string,
    private backend: Backend | "remote",
  ) {
    const { bar, loading } = this.#part;
    bar.setAttribute("aria-label", strings.phases.download ?? "");
    loading.append(textButton("quiet small", strings.cancel, () => this.#loading?.abort()));
  }

  /** What to call the model. */
  get name(): string {
    const about = this.samba?.about;
    return about?.backend === "remote" ? about.model : nameOf(this.folder);
  }

  /** Loads a model that the visitor agreed to and that is here, in part at least; asks before any other is downloaded, of the size given if that is known. */
  async wake(folder = this.folder, size = 0): Promise<void> {
    this.#drop();
    if (folder !== this.folder) this.#picked = [];
    this.folder = folder;
    if (this.#picked.length > 0 || this.backend === "remote") return this.load();
    const bits = bitsOf(folder);
    if (known().includes(folder)) {
      const kept = await storedModels();
      if (this.folder !== folder) return;
      if (kept.some(({ url }) => folderAddress(url) === folder)) return this.load();
    }
    this.#enter("asleep");
    const what = make("p");
    const go = textButton("primary", "", () => this.load());
    go.id = "go";
    const dress = (size: number) => {
      const { host } = new URL(folder);
      what.textContent = strings.startWhat(folder === standard ? "" : this.name, size);
      if (bits) what.append(` ${strings.packs(bits)}`);
      if (host !== location.host) what.append(` ${strings.startWhere(host)}`);
      go.textContent = strings.start(size);
    };
    dress(size);
    const title = make("h2", "", strings.startTitle);
    this.#part.start.replaceChildren(title, what, make("p", "", strings.startThen), go);
    // The page's policy leaves requests to other hosts to the worker, which makes none before the visitor agrees.
    if (new URL(folder).origin === location.origin) dress(await modelSize(folder));
  }

  /** Loads a model from the visitor's own disk. */
  async open(from: DataTransfer | Iterable<File>): Promise<void> {
    const files = await filesOf(from);
    if (files.length === 0) return;
    this.#drop();
    this.#picked = files;
    this.folder = addressOf(files);
    await this.load();
  }

  async load(backend = this.backend, why = ""): Promise<void> {
    this.#drop();
    // What a server stands in for is tried here again the next time.
    if (backend !== "remote") this.backend = backend;
    this.#why = why;
    const { phase, bytes, shard, bar } = this.#part;
    phase.textContent = strings.starting;
    bytes.textContent = shard.textContent = "";
    bar.removeAttribute("value");
    this.#enter("loading");
    const loading = new AbortController();
    this.#loading = loading;
    const picked = this.#picked;
    const { folder } = this;
    const ended = backend === "remote" ? () => {} : await beginLoad(folder).catch(() => () => {});
    if (this.#loading !== loading) return ended?.();
    if (!ended) return this.#fail("killed", strings.killed, strings.killedDetails);
    if (picked.length === 0) remember(folder);
    try {
      const onProgress = (progress: Progress) => this.#show(progress);
      const options = { backend, bits: bitsOf(this.folder), onProgress, signal: loading.signal };
      const samba = await (backend === "remote"
        ? this.#atServer(options)
        : picked.length > 0
          ? Samba.loadFiles(picked, options)
          : Samba.load(this.folder, options));
      if (this.#loading !== loading) return samba.unload(); // another model was chosen meanwhile
      this.samba = samba;
      this.#enter("ready");
    } catch (error) {
      if (this.#loading !== loading) return;
      if (loading.signal.aborted) {
        forget(this.folder);
        await this.wake(picked.length > 0 ? standard : this.folder);
      } else if (backend === "auto" && error instanceof SambaError && (await ownEngine())) {
        if (this.#loading === loading) await this.load("remote", error.message);
      } else {
        this.fail(error);
      }
    } finally {
      ended();
    }
  }

  /** The model that the page's own server has. */
  async #atServer(options: LoadOptions): Promise<Samba> {
    const remote = await ownEngine();
    if (!remote) throw new SambaError("network", strings.noEngine(location.host));
    const samba = await Samba.load(remote, options);
    if (this.#why) samba.about.reason = this.#why;
    return samba;
  }

  /** Says what went wrong and what can be done. */
  fail(error: unknown): void {
    const code = error instanceof SambaError ? error.code : "internal";
    if (this.samba && (code === "device_lost" || code === "internal")) this.#drop();
    const { bits } = error instanceof SambaError ? error : {};
    this.#fail(code, strings.failures[code] ?? strings.otherFailure, said(error), bits);
  }

  #fail(code: string, [title, advice]: readonly [string, string], sentence: string, bits?: number): void {
    const { failure } = this.#part;
    const again = () => {
      forgetKilled(this.folder);
      return this.load();
    };
    const choices = make("div", "choices", textButton("choice", strings.retry, again));
    if (code === "no_webgpu" || code === "no_adapter")
      choices.append(textButton("choice", strings.cpu, () => this.load("cpu")));
    if (bits === 4 || bits === 8) {
      const pack = () => {
        forget(this.folder);
        this.folder = packedAddress(this.folder, bits);
        return this.load();
      };
      choices.prepend(textButton("choice", strings.packHere(bits), pack));
    }
    failure.replaceChildren(
      make("h2", "", title),
      make("p", "", advice),
      make("p", "details", sentence),
      choices,
    );
    failure.dataset.code = code;
    this.#enter("failed");
    failure.scrollIntoView({ block: "nearest" });
  }

  /** Ends the engine. */
  sleep(): void {
    this.#drop();
    this.#enter("asleep");
  }

  #drop(): void {
    this.#loading?.abort();
    this.#loading = undefined;
    this.samba?.unload();
    this.samba = undefined;
  }

  #enter(state: State): void {
    this.state = state;
    const { start, loading, failure } = this.#part;
    start.hidden = state !== "asleep";
    loading.hidden = state !== "loading";
    failure.hidden = state !== "failed";
    document.body.dataset.state = state;
    this.onchange();
  }

  #show({ phase, loaded, total, rate = 0, seconds_left = 0, note = "" }: Progress): void {
    const part = this.#part;
    part.phase.textContent = strings.phases[phase] ?? strings.starting;
    part.shard.textContent = note;
    if (phase === "download" || phase === "pack") {
      part.bytes.textContent = strings.loaded(loaded, total);
      if (!note) part.shard.textContent = strings.pace(rate, seconds_left);
    }
    if (total > 0) part.bar.value = loaded / total;
    else part.bar.removeAttribute("value");
  }
}

/**
 * A folder's address, complete, with a slash at its end; behind that in how many bits it is packed while it loads, if it
 * is. Undefined where the text is none.
 */
export function folderAddress(text: string): string | undefined {
  try {
    const url = new URL(text.trim(), document.baseURI);
    if (!text.trim() || !/^https?:$/.test(url.protocol)) return undefined;
    const bits = bitsOf(url.href);
    url.hash = url.search = "";
    // A model's page on the hub stands for its files.
    if (url.origin === HUB) url.href = hubFolder(url.href) ?? url.href;
    const folder = url.href.replace(/\/*$/, "/");
    return bits ? packedAddress(folder, bits) : folder;
  } catch {
    return undefined;
  }
}

/** In how many bits the model at an address is packed while it loads; undefined: it is taken as it is. */
export function bitsOf(folder: string): 4 | 8 | undefined {
  const [, bits] = folder.match(/#bits=([48])$/) ?? [];
  return bits === "4" ? 4 : bits === "8" ? 8 : undefined;
}

/** The address of a folder that is packed while it loads: what the store lists it by. */
export function packedAddress(folder: string, bits: number): string {
  return folder.replace(/(#.*)?$/, `#bits=${bits}`);
}

/** The model that comes with the page. */
export const standard = folderAddress("models/default/") ?? "";

/** A model's name: the last part of its folder's address that says something. */
export function nameOf(folder: string): string {
  if (folder === standard) return strings.samba;
  const { pathname, host } = new URL(folder);
  const published = hubName(folder);
  if (published) return published;
  return readable(pathname.split("/").filter(Boolean).pop() ?? "") || host;
}

/** A part of an address as people write it; one whose percent signs stand for nothing stays as it is. */
function readable(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Deletes a model from this browser. */
export async function deleteModel(folder: string): Promise<void> {
  forget(folder);
  for (const { url } of await storedModels()) if (folderAddress(url) === folder) await deleteStored(url);
}

export function known(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KNOWN) ?? "[]");
    return Array.isArray(list)
      ? list.filter((entry) => typeof entry === "string" && folderAddress(entry))
      : [];
  } catch {
    return [];
  }
}

function remember(folder: string): void {
  keep([folder, ...known().filter((other) => other !== folder)]);
}

function forget(folder: string): void {
  keep(known().filter((other) => other !== folder));
}

function keep(folders: string[]): void {
  try {
    localStorage.setItem(KNOWN, JSON.stringify(folders.slice(0, 20)));
  } catch {
    // The page then asks again at the next visit.
  }
}

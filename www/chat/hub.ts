/** The list of published models, where this site's server allows a hub: what each is for, what it costs, whether it fits. */
import { hubFolder } from "../engine/hub.ts";
import { type Room, roomFor } from "../engine/room.ts";
import { strings } from "../strings.ts";
import { make, textButton } from "../view/dom.ts";
import { packedAddress } from "./model.ts";

/** Weights, and what a conversation takes beside them: bytes, and how many more for each token. */
interface Size {
  bits: number;
  bytes: number;
  state: number;
  growth: number;
}

/** One folder of a model's weights. */
interface Download extends Size {
  id: string;
  /** What it takes if it is packed while it loads. */
  packed?: Size[];
}

/** A published model, as tools/hub describes it. */
interface Published {
  id: string;
  parameters: number;
  licence: string;
  good: string;
  chat: boolean;
  context: number;
  downloads: Download[];
}

/** The hub that this site allows. */
export interface Hub {
  address: string;
  host: string;
  models: Published[];
  /** The model_type of what runs here. */
  types: string[];
}

/** More than any list has. */
const MOST = 200;

/** Undefined where the site's server allows none. */
export async function siteHub(): Promise<Hub | undefined> {
  try {
    const answer = await fetch(new URL("hub.json", document.baseURI));
    if (!answer.ok) return undefined;
    const { address, models, types = [] } = await answer.json();
    const { host, origin, protocol } = new URL(address);
    if (!/^https?:$/.test(protocol) || !Array.isArray(models) || !Array.isArray(types)) return undefined;
    return { address: origin, host, models: models.slice(0, MOST).filter(whole), types: types.map(String) };
  } catch {
    return undefined;
  }
}

function whole(model: Published): boolean {
  const numbers = [model.parameters, model.context];
  return (
    [model.id, model.licence, model.good].every((text) => typeof text === "string") &&
    numbers.every((n) => Number.isFinite(n) && n >= 0) &&
    Array.isArray(model.downloads) &&
    model.downloads.length > 0 &&
    model.downloads.every(
      ({ id, packed = [], ...size }) =>
        hubFolder(id) && Array.isArray(packed) && [size, ...packed].every(isSize),
    )
  );
}

const isSize = ({ bits, bytes, state, growth }: Size) =>
  bits > 0 && bytes > 0 && [bytes, state, growth].every((n) => Number.isFinite(n) && n >= 0);

/** What a model takes beside its weights until its first answers are written: a conversation, and its computation. */
export const BESIDE = 256 * 2 ** 20;

const needed = ({ bytes, state }: Size) => bytes + state + BESIDE;

/** The list, folded up; take is called with the folder that was chosen and the size of its download. */
export function publishedList(hub: Hub, take: (folder: string, size: number) => void): HTMLElement {
  const list = make("ul", "models");
  const checks: ((room: Room) => void)[] = [];
  for (const model of hub.models) {
    const name = model.id.split("/")[1] ?? model.id;
    const about = make("div", "about", make("strong", "", name));
    about.append(make("span", "", strings.goodAt(model.good, model.chat)));
    about.append(make("span", "where", strings.published(model.parameters, model.licence, model.context)));
    const [{ state, growth }] = model.downloads as [Download, ...Download[]];
    about.append(make("span", "where", strings.memory(state, growth)));
    const choices = make("div", "choices");
    const fit = make("span", "where fit");
    for (const download of model.downloads) {
      const folder = hubFolder(download.id, hub.address);
      if (!folder) continue;
      const label = strings.bitsAndSize(download.bits, download.bytes);
      const button = textButton("quiet small", label, () => take(folder, download.bytes));
      button.setAttribute("aria-label", `${name}, ${label}`);
      choices.append(button);
      checks.push(({ webgpu, cpu }) => {
        const needs = needed(download);
        if (needs <= webgpu) return;
        button.disabled = needs > cpu;
        if (!button.disabled && webgpu === 0) return; // said above, once for all
        const what = button.disabled ? strings.tooLarge : strings.processorOnly;
        fit.append(`${fit.textContent ? " " : ""}${what(download.bits, needs)}`);
        for (const size of download.packed ?? []) {
          if (needed(size) > (webgpu || cpu)) continue;
          const { bits, bytes } = size;
          const label = strings.packed(bits, bytes);
          const pack = () => take(packedAddress(folder, bits), download.bytes);
          const choice = textButton("quiet small", label, pack);
          choice.setAttribute("aria-label", `${name}, ${label}`);
          choices.append(choice);
        }
      });
    }
    about.append(fit);
    list.append(make("li", "", about, choices));
  }
  const note = make("p", "hint", strings.hubSees(hub.host));
  const checking = make("p", "hint", strings.checking);
  checking.setAttribute("role", "status");
  const fold = make(
    "details",
    "published",
    make("summary", "", strings.publishedModels(hub.models.length)),
    note,
    checking,
    list,
  );
  fold.addEventListener(
    "toggle",
    async () => {
      const needs = hub.models.flatMap((model) =>
        model.downloads.flatMap((download) => [download, ...(download.packed ?? [])]).map(needed),
      );
      const room = await roomFor(needs).catch(() => undefined); // then the engine tells, once one is chosen
      if (room) for (const check of checks) check(room);
      checking.textContent = room ? strings.checked(room.webgpu > 0) : "";
    },
    { once: true },
  );
  return fold;
}

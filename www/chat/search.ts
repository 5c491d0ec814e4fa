/** A field that searches the hub for models that run here, where the site's server allows a hub. */
import { startWorker } from "../engine/connection.ts";
import { hubFolder } from "../engine/hub.ts";
import { roomFor } from "../engine/room.ts";
import { strings } from "../strings.ts";
import { make, textButton } from "../view/dom.ts";
import type { Question, Reply } from "./asker.ts";
import { type Found, LONGEST } from "./found.ts";
import { BESIDE, type Hub } from "./hub.ts";

/** The script of asker.ts beside this one; set by tools/site/build. */
declare const SAMBA_ASKER: string;

/** Milliseconds without a key before the hub is asked. */
const PAUSE = 500;

/** The field with what it finds; take is called with the folder that was chosen and the size of its download. */
export class HubSearch {
  readonly element: HTMLElement;
  readonly #field = make("input");
  readonly #status = make("p", "hint");
  readonly #list = make("ul", "models");
  #worker: Worker | undefined;
  #number = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly take: (folder: string, size: number) => void,
  ) {
    const field = this.#field;
    Object.assign(field, { id: "hub-search", type: "search", autocomplete: "off", maxLength: LONGEST });
    const label = make("label", "", strings.hubSearch(hub.host));
    label.htmlFor = field.id;
    const hint = make("p", "hint", strings.hubSearchSees(hub.host));
    hint.id = "hub-search-hint";
    field.setAttribute("aria-describedby", hint.id);
    this.#status.setAttribute("role", "status");
    field.oninput = () => {
      this.#drop();
      if (field.value.trim().length > 1) this.#later = setTimeout(() => this.#ask(), PAUSE);
    };
    field.onkeydown = (event) => {
      if (event.key !== "Enter" || event.isComposing || !field.value.trim()) return;
      event.preventDefault();
      this.#drop();
      this.#ask();
    };
    this.element = make(
      "section",
      "published",
      make("div", "field", label, field, hint),
      this.#status,
      this.#list,
    );
  }

  /** Ends what is asked. */
  end(): void {
    this.#drop();
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** Forgets the question before: its answer is not waited for, and not shown. */
  #drop(): void {
    clearTimeout(this.#later);
    this.#number++;
    this.#post("");
    this.#status.textContent = "";
    this.#list.replaceChildren();
  }

  #post(text: string): void {
    const { address, types } = this.hub;
    this.#worker?.postMessage({ number: this.#number, hub: address, text, types } satisfies Question);
  }

  #ask(): void {
    if (!this.#worker) {
      this.#worker = startWorker(new URL(SAMBA_ASKER, import.meta.url));
      this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        if (data.number === this.#number) void this.#show(data);
      };
      this.#worker.onerror = () => {
        this.#status.textContent = strings.hubSearchFailed("");
      };
    }
    this.#status.textContent = strings.hubSearching(this.hub.host);
    this.#post(this.#field.value);
  }

  async #show(reply: Reply): Promise<void> {
    if ("error" in reply) {
      this.#status.textContent = strings.hubSearchFailed(reply.error);
      return;
    }
    const { found, others } = reply.answer;
    this.#status.textContent = strings.hubFound(found.length, others);
    const buttons = found.map((model) => this.#entry(model));
    const room = await roomFor(found.map(({ bytes }) => bytes + BESIDE)).catch(() => undefined);
    if (!room || reply.number !== this.#number) return;
    for (const [i, { bytes }] of found.entries()) {
      const needs = bytes + BESIDE;
      const entry = buttons[i];
      if (!entry || bytes === 0 || needs <= room.webgpu) continue;
      const fits = needs <= room.cpu;
      if (!fits) entry.button.disabled = true;
      if (!fits || room.webgpu > 0) entry.fit.textContent = strings.hubFits(needs, fits);
    }
  }

  #entry({ id, bytes, licence, gated }: Found): { button: HTMLButtonElement; fit: HTMLElement } {
    const folder = hubFolder(id, this.hub.address);
    const button = textButton("quiet small", strings.use, () => folder && this.take(folder, bytes));
    button.setAttribute("aria-label", `${strings.use}: ${id}`);
    button.disabled = gated || !folder;
    const fit = make("span", "where fit", gated ? strings.gated : "");
    const about = make("div", "about", make("strong", "", id));
    about.append(make("span", "where", strings.foundModel(bytes, licence)), fit);
    this.#list.append(make("li", "", about, make("div", "choices", button)));
    return { button, fit };
  }
}

/** What a visitor may set about answers: what is allowed, and the form that refuses the rest. */

import { allows, settings, shown } from "../engine/settings.ts";
import { strings } from "../strings.ts";
import { make, textButton } from "../view/dom.ts";
import type { Conversation, Sampling } from "./conversation.ts";
import { openDialog } from "./dialog.ts";
import { rooms, type States } from "./storage/states.ts";

type Defaults = Partial<Record<keyof Sampling, number>>;

interface Limit {
  step: string;
  allows(value: unknown): boolean;
  /** Said when it does not. */
  wanted: string;
}

/** What the engine takes. */
export const limits = Object.fromEntries(
  shown.map((name) => {
    const { low, high, above, whole = false } = settings[name];
    const limit: Limit = {
      step: whole ? "1" : "any",
      allows: (value) => allows(settings[name], value),
      wanted: above ? strings.aboveZero(high) : strings.between(low, high, whole),
    };
    return [name, limit];
  }),
) as Record<keyof Sampling, Limit>;

const KEPT = "samba-settings";

/** The settings that new conversations begin with. */
export function lastSettings(): Pick<Conversation, "system" | "sampling"> {
  const last = { system: "", sampling: {} as Sampling };
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    if (typeof kept.system === "string") last.system = kept.system;
    for (const [name, { allows }] of Object.entries(limits))
      if (allows(kept.sampling?.[name])) last.sampling[name as keyof Sampling] = kept.sampling[name];
  } catch {
    // Unreadable or forbidden: the model's own settings then.
  }
  return last;
}

export function keepSettings(system: string, sampling: Sampling): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ system, sampling }));
  } catch {
    // They hold for this chat at least.
  }
}

/** Shows the settings of a conversation, and where a field is empty what holds then; set is called once they are saved. */
export function openSettings(
  conversation: Conversation,
  defaults: Defaults | undefined,
  states: States,
  set: (system: string, sampling: Sampling) => void,
): void {
  const system = make("textarea");
  system.id = "system";
  system.rows = 4;
  system.dir = "auto";
  system.value = conversation.system;
  system.setAttribute("aria-describedby", "system-hint");
  const systemLabel = make("label", "", strings.system);
  systemLabel.htmlFor = "system";
  const systemHint = make("p", "hint", strings.systemHint);
  systemHint.id = "system-hint";

  const inputs = new Map<keyof Sampling, HTMLInputElement>();
  const fields = make("fieldset", "fields", make("legend", "", strings.sampling));
  for (const [name, { step }] of Object.entries(limits) as [keyof Sampling, Limit][]) {
    const { title = name, hint = "" } = strings.fields[name];
    const input = make("input");
    input.id = `set-${name}`;
    input.inputMode = step === "1" ? "numeric" : "decimal";
    input.autocomplete = "off";
    input.value = String(conversation.sampling[name] ?? "");
    const own = defaults?.[name];
    input.placeholder =
      name === "seed" ? strings.drawn : own === undefined ? strings.modelsOwn : strings.inForce(own);
    const label = make("label", "", title);
    label.htmlFor = input.id;
    const about = make("p", "hint", hint);
    about.id = `${input.id}-hint`;
    const complaint = make("p", "complaint");
    complaint.id = `${input.id}-complaint`;
    input.setAttribute("aria-describedby", `${about.id} ${complaint.id}`);
    fields.append(make("div", "field", label, input, about, complaint));
    inputs.set(name, input);
  }

  const form = make("form", "settings");
  form.noValidate = true;
  const save = make("button", "primary", strings.save);
  const reset = textButton("quiet", strings.reset, () => {
    system.value = "";
    for (const input of inputs.values()) input.value = "";
  });
  form.append(
    make("p", "note", strings.settingsNote),
    make("div", "field", systemLabel, system, systemHint),
    fields,
    make("div", "choices", save, reset),
  );
  const dialog = openDialog("settings", strings.settings, form, stateRoom(states));

  form.onsubmit = (event) => {
    event.preventDefault();
    const sampling: Sampling = {};
    let first: HTMLInputElement | undefined;
    for (const [name, input] of inputs) {
      const text = input.value.trim().replace(",", ".");
      const value = Number(text);
      const good = text === "" || limits[name].allows(value);
      input.setAttribute("aria-invalid", String(!good));
      const complaint = input.parentElement?.querySelector(".complaint");
      if (complaint) complaint.textContent = good ? "" : limits[name].wanted;
      if (!good) first ??= input;
      else if (text) sampling[name] = value;
    }
    if (first) return first.focus();
    dialog.close();
    set(system.value.trim(), sampling);
  };
}

/** How much room states have, and take; it holds at once. */
function stateRoom(states: States): HTMLElement {
  const used = make("p", "hint");
  used.setAttribute("role", "status");
  const tell = async () => {
    const { count, bytes } = await states.usage();
    used.textContent = states.available ? strings.statesUsed(count, bytes) : strings.stateUnavailable;
    forget.disabled = count === 0;
  };
  const choice = make("select");
  choice.id = "states-room";
  for (const room of new Set([...rooms, states.limit]))
    choice.add(new Option(room ? strings.statesUpTo(room) : strings.statesNone, String(room)));
  choice.value = String(states.limit);
  choice.disabled = !states.available;
  choice.onchange = async () => {
    await states.setLimit(Number(choice.value));
    await tell();
  };
  const label = make("label", "", strings.statesRoom);
  label.htmlFor = choice.id;
  const forget = textButton("quiet small", strings.statesForget, async () => {
    await states.forget();
    await tell();
    choice.focus();
  });
  void tell();
  return make(
    "section",
    "states",
    make("h3", "", strings.statesTitle),
    make("p", "hint", strings.statesHint),
    make("div", "field", label, choice),
    make("div", "states-row", used, forget),
  );
}

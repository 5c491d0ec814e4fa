/** Which model answers: what it is, those that were here before, and any other by its address. */
import { persist, storage, storedModels } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { hubFolder } from "../engine/hub.ts";
import { stateBytes } from "../engine/state.ts";
import { strings } from "../strings.ts";
import { make, textButton } from "../view/dom.ts";
import { confirmLoss, openDialog } from "./dialog.ts";
import { type Hub, publishedList, siteHub } from "./hub.ts";
import { bitsOf, deleteModel, folderAddress, known, type ModelLife, nameOf, standard } from "./model.ts";
import { HubSearch } from "./search.ts";

/** Opens the choice of models; choose is called when there is one, another or this one again, and what begins with it. */
export async function openModels(life: ModelLife, choose: (begin: () => void) => void): Promise<void> {
  const stored = new Map(
    (await storedModels()).map((model) => [folderAddress(model.url) ?? model.url, model]),
  );
  const list = make("ul", "models");
  const take = (folder: string, size = 0) => {
    dialog.close();
    choose(() => life.wake(folder, size));
  };
  for (const folder of new Set([life.folder, standard, ...stored.keys(), ...known()])) {
    const entry = make("li");
    const current = folder === life.folder;
    const kept = stored.get(folder);
    const about = make("div", "about", make("strong", "", nameOf(folder)));
    const { host, pathname } = new URL(folder);
    const bits = bitsOf(folder);
    const where = host === location.host ? pathname : host + pathname;
    about.append(make("span", "where", bits ? `${where}, ${strings.packedHere(bits)}` : where));
    about.append(make("span", "where", kept ? strings.kept(kept.bytes, kept.total) : strings.notKeptHere));
    const card = make("a", "", strings.card);
    card.href = new URL("README.md", folder).href;
    card.target = "_blank";
    card.rel = "noreferrer";
    about.append(card);
    const choices = make("div", "choices");
    if (current && life.state === "ready") choices.append(make("span", "badge", strings.inUse));
    else if (!current) choices.append(textButton("quiet small", strings.use, () => take(folder)));
    if (kept) {
      const remove = textButton("quiet small", strings.remove, async () => {
        if (current && life.state !== "asleep") {
          const text = strings.removeModelText(nameOf(folder), kept.bytes);
          if (!(await confirmLoss(strings.removeModelTitle, text, strings.remove))) return;
        }
        if (current) life.sleep();
        try {
          await deleteModel(folder);
        } catch (error) {
          complaint.textContent = said(error);
          return;
        }
        if (current) return take(folder);
        entry.remove();
        field.focus();
      });
      remove.setAttribute("aria-label", strings.forget(nameOf(folder)));
      choices.append(remove);
    }
    entry.append(about, choices);
    if (current && life.samba) entry.append(facts(life.samba));
    list.append(entry);
  }

  const field = make("input");
  field.id = "other-model";
  field.inputMode = "url";
  field.autocomplete = "off";
  field.placeholder = "https://";
  const label = make("label", "", strings.otherModel);
  label.htmlFor = field.id;
  const hint = make("p", "hint", strings.otherModelHint);
  hint.id = "other-model-hint";
  const complaint = make("p", "complaint");
  complaint.id = "other-model-complaint";
  complaint.setAttribute("role", "alert");
  field.setAttribute("aria-describedby", `${hint.id} ${complaint.id}`);
  const form = make(
    "form",
    "other",
    make("div", "field", label, field, hint, complaint),
    make("button", "quiet", strings.use),
  );
  form.noValidate = true;
  form.onsubmit = (event) => {
    event.preventDefault();
    const folder = (hub && hubFolder(field.value, hub.address)) || folderAddress(field.value);
    field.setAttribute("aria-invalid", String(!folder));
    complaint.textContent = folder ? "" : strings.badAddress;
    if (folder) take(folder);
    else field.focus();
  };
  // A model that is on the visitor's own disk: picked as a folder, or dropped here.
  const picker = make("input", "hidden");
  picker.type = "file";
  picker.webkitdirectory = true;
  picker.tabIndex = -1;
  picker.setAttribute("aria-label", strings.openFolder);
  const open = (from: DataTransfer | Iterable<File>) => {
    dialog.close();
    choose(() => life.open(from));
  };
  picker.onchange = () => open([...(picker.files ?? [])]);
  const own = make(
    "p",
    "own",
    textButton("quiet", strings.openFolder, () => picker.click()),
    picker,
    make("span", "hint", ` ${strings.openFolderHint}`),
  );
  const [line, hub]: [HTMLElement, Hub | undefined] = await Promise.all([room(), siteHub()]);
  const search = hub && new HubSearch(hub, take);
  const published = hub && search ? [publishedList(hub, take), search.element] : [];
  if (hub) hint.append(` ${strings.hubHint(hub.host)}`);
  const dialog = openDialog("model", strings.chooseModel, list, line, ...published, form, own);
  if (search) dialog.addEventListener("close", () => search.end());
  dialog.ondragover = (event) => event.preventDefault();
  dialog.ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer?.items.length) open(event.dataTransfer);
  };
}

/** How much is stored, and whether the browser may drop it. */
async function room(): Promise<HTMLElement> {
  const { used, quota, persistent } = await storage();
  const line = make("p", "hint", strings.room(used, quota));
  line.setAttribute("role", "status");
  if (quota === 0) return line;
  const say = (safe: boolean) => line.append(` ${safe ? strings.roomSafe : strings.roomLoose} `);
  say(persistent);
  if (persistent) return line;
  const keep = textButton("quiet small", strings.roomKeep, async () => {
    const safe = await persist();
    keep.replaceWith(safe ? "" : strings.roomRefused);
    if (safe) line.replaceChildren(strings.room(used, quota), ` ${strings.roomSafe}`);
  });
  line.append(keep);
  return line;
}

function facts({ about, sharing }: NonNullable<ModelLife["samba"]>): HTMLElement {
  const { facts } = strings;
  const rows: [string, string][] = [
    [strings.model, strings.modelOf(about.parameters, about.bits)],
    [facts.state, strings.stateSize(stateBytes(about, 0), about.state_bytes_per_token ?? 0)],
    [
      facts.backend,
      strings.on(about.backend, about.adapter).replace(/^(on|answered by) /, "") +
        (about.backend === "cpu" ? ` (${about.adapter})` : ""),
    ],
    ...(about.reason ? ([[facts.reason, about.reason]] satisfies [string, string][]) : []),
    ...(sharing.tabs > 1
      ? ([[facts.sharing, strings.sharing(sharing.tabs, sharing.here)]] satisfies [string, string][])
      : []),
  ];
  return make(
    "dl",
    "facts",
    ...rows.map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))),
  );
}

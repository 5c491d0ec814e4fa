/** Making elements: nothing here takes markup, so nothing here can be tricked into it. */
import { strings } from "../strings.ts";

/** The element of the page with this id, which must be there. */
export function $<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** A new element with a class and a text, or children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

/** Hands the visitor a file; a text is JSON or Markdown, as the name says. */
export function download(name: string, content: string | Blob): void {
  const type = name.endsWith("json") ? "application/json" : "text/markdown";
  const link = make("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Drawn on 20 by 20 units, in one line of 1.6.
const drawings = {
  menu: "M3 5.5h14M3 10h14M3 14.5h9",
  plus: "M10 4v12M4 10h12",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11a5.5 5.5 0 0 0 0 11M13 13l4 4",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  sliders: "M3 6.5h7M14 6.5h3M3 13.5h3M10 13.5h7M12 4.5v4M8 11.5v4",
  gauge: "M3 14.5a7.5 7.5 0 1 1 14 0M10 14l3.5-5.5",
  help: "M10 17.5a7.5 7.5 0 1 0 0-15a7.5 7.5 0 0 0 0 15M7.8 7.8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.5M10 14h.01",
  copy: "M7 7V4.5A1.5 1.5 0 0 1 8.5 3h7A1.5 1.5 0 0 1 17 4.5v7a1.5 1.5 0 0 1-1.5 1.5H13M4.5 7h7A1.5 1.5 0 0 1 13 8.5v7a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 3 15.5v-7A1.5 1.5 0 0 1 4.5 7",
  check: "M4 10.5l4 4l8-9",
  again: "M16 10a6 6 0 1 1-1.8-4.3M16 3v3.5h-3.5",
  edit: "M4 16h3l8.5-8.5a2.1 2.1 0 0 0-3-3L4 13zM11 6l3 3",
  branch: "M6 4v12M6 12c0-4 8-2 8-6.5M6 4h.01M14 5h.01M6 16h.01",
  before: "M12 5l-5 5l5 5",
  after: "M8 5l5 5l-5 5",
  down: "M5 8l5 5l5-5",
  chat: "M4 15.5V6a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H7z",
  close: "M5 5l10 10M15 5L5 15",
  send: "M10 16V4.5M4.5 10L10 4.5L15.5 10",
  stop: "M6 6h8v8H6z",
  attach:
    "M15.5 9.2l-5.9 5.9a3.3 3.3 0 0 1-4.7-4.7l6.3-6.3a2.2 2.2 0 0 1 3.1 3.1l-6.1 6.1a1.1 1.1 0 0 1-1.6-1.6l5.4-5.4",
  document: "M5.5 3h6L15 6.5V17H5.5zM11.5 3v3.5H15M8 10h4.5M8 13h4.5",
  import: "M10 3v9M6 8.5L10 12.5L14 8.5M3.5 14v2.5h13V14",
  export: "M10 12.5V3.5M6 7.5L10 3.5L14 7.5M3.5 14v2.5h13V14",
} as const;

export type Icon = keyof typeof drawings;

/** A small drawing in the colour of the text. Those who listen do not hear it. */
export function icon(name: Icon): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", drawings[name]);
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** A button that is a drawing; its label is heard, and seen under the pointer. */
export function iconButton(
  name: Icon,
  label: string,
  action: (event: MouseEvent) => void,
): HTMLButtonElement {
  const button = make("button", "icon-button", icon(name));
  button.type = "button";
  button.title = label;
  button.setAttribute("aria-label", label);
  button.onclick = action;
  return button;
}

/** A button with words. */
export function textButton(className: string, label: string, action: () => void): HTMLButtonElement {
  const button = make("button", className, label);
  button.type = "button";
  button.onclick = action;
  return button;
}

/** Copies a text and says on the button for a moment that it did, or that the browser does not let it. */
export async function copyFrom(button: HTMLButtonElement, text: string): Promise<void> {
  const done = await copy(text);
  if (button.dataset.said) return;
  button.dataset.said = "yes";
  const [before, label] = [[...button.childNodes], button.getAttribute("aria-label")];
  const said = done ? strings.copied : strings.notCopied;
  button.replaceChildren(done && label ? icon("check") : said);
  if (label) button.setAttribute("aria-label", said);
  button.classList.toggle("refused", !done);
  setTimeout(
    () => {
      button.replaceChildren(...before);
      if (label) button.setAttribute("aria-label", label);
      button.classList.remove("refused");
      delete button.dataset.said;
    },
    done ? 1500 : 5000,
  );
}

/** Tells whether a text could be copied. Over plain http, and where a page may not, there is the older way. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const before = document.activeElement;
    const field = make("textarea");
    field.value = text;
    field.readOnly = true;
    field.style.position = "fixed"; // it must not scroll the page
    field.style.opacity = "0";
    // Behind a dialog nothing can be selected.
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      // It is refused, too.
    }
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    return done;
  }
}

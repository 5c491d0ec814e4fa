/** Dialogs: the browser's own, which keep the focus inside and give it back. */

import { strings } from "../strings.ts";
import { iconButton, make, textButton } from "../view/dom.ts";

/** Opens a dialog with a title and a way to close it; it is gone once closed. */
export function openDialog(name: string, title: string, ...content: Node[]): HTMLDialogElement {
  const heading = make("h2", "", title);
  heading.id = `${name}-title`;
  const close = iconButton("close", strings.close, () => dialog.close());
  const dialog = make(
    "dialog",
    `dialog ${name}-dialog`,
    make("header", "dialog-head", heading, close),
    ...content,
  );
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.onclose = () => {
    dialog.remove();
    // Chromium gives the focus back to a field, and leaves its caret in the dialog: what is typed then is lost.
    const field = document.activeElement;
    if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) {
      field.blur();
      field.focus();
    }
  };
  // A click beside it closes it.
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks before something is lost. */
export function confirmLoss(title: string, text: string, act: string): Promise<boolean> {
  return new Promise((resolve) => {
    const yes = textButton("danger", act, () => {
      resolve(true);
      dialog.close();
    });
    const no = textButton("quiet", strings.keep, () => dialog.close());
    const dialog = openDialog("confirm", title, make("p", "", text), make("div", "choices", yes, no));
    dialog.addEventListener("close", () => resolve(false));
    no.focus();
  });
}

/** Opens a menu below a button; it closes by itself, and the focus goes back to the button. */
export function openMenu(
  button: HTMLElement,
  entries: [label: string, action: () => void, kind?: string][],
): void {
  const menu = make("div", "menu");
  menu.popover = "auto";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", button.getAttribute("aria-label") ?? "");
  for (const [label, action, kind = ""] of entries) {
    const entry = textButton(kind, label, () => {
      menu.hidePopover();
      action();
    });
    entry.setAttribute("role", "menuitem");
    menu.append(entry);
  }
  const items = [...menu.querySelectorAll("button")];
  menu.onkeydown = (event) => {
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length)?.focus();
  };
  menu.ontoggle = (event) => {
    const open = (event as ToggleEvent).newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (open) return;
    if (menu.contains(document.activeElement) || document.activeElement === document.body) button.focus();
    menu.remove();
  };
  button.setAttribute("aria-haspopup", "menu");
  // In a dialog's top layer a menu outside of it could not be reached.
  (button.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const fits = bottom + 4 + height <= innerHeight;
  menu.style.top = `${Math.max(4, fits ? bottom + 4 : top - 4 - height)}px`;
  menu.style.left = `${Math.max(4, Math.min(left + width <= innerWidth - 4 ? left : right - width, innerWidth - width - 4))}px`;
  items[0]?.focus();
}

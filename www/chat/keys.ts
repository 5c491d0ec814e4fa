/** Keyboard shortcuts. All take a modifier, so that speech and typing never set one off. */
import { strings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { make } from "../view/dom.ts";
import { openDialog } from "./dialog.ts";

type Name = keyof typeof strings.shortcuts;

/** Mod is Ctrl, on Apple's keyboards ⌘. */
const keys: Record<Name, string> = {
  send: "Enter",
  line: "Shift+Enter",
  stop: "Escape",
  fresh: "Mod+Shift+O",
  search: "Mod+K",
  list: "Mod+Shift+S",
  write: "Shift+Escape",
  editLast: "ArrowUp",
  again: "Mod+Shift+E",
  copy: "Mod+Shift+C",
  settings: "Mod+,",
  help: "Mod+/",
};

const apple = /Mac|iPhone|iPad/.test(navigator.platform);

/** Calls what belongs to a pressed shortcut. Those that have no action here belong to the fields themselves. */
export function listenForShortcuts(actions: Partial<Record<Name, () => void>>): void {
  document.addEventListener("keydown", (event) => {
    if (composes(event) || event.defaultPrevented) return;
    for (const [name, keys] of Object.entries(shortcuts())) {
      const action = actions[name as Name];
      if (!action || !matches(event, keys)) continue;
      // Dialogs and menus have their own Escape, and nothing behind them may be reached.
      if (document.querySelector("dialog[open], :popover-open")) return;
      event.preventDefault();
      action();
      return;
    }
  });
}

function shortcuts(): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(keys).map(([name, text]) => [
      name,
      text.replace("Mod", apple ? "Meta" : "Control").split("+"),
    ]),
  );
}

function matches(event: KeyboardEvent, keys: string[]): boolean {
  const wants = (key: string) => keys.includes(key);
  return (
    event.key.toLowerCase() === keys.at(-1)?.toLowerCase() &&
    event.ctrlKey === wants("Control") &&
    event.metaKey === wants("Meta") &&
    event.shiftKey === wants("Shift") &&
    !event.altKey
  );
}

export function openHelp(...more: Node[]): void {
  const rows = Object.entries(shortcuts()).map(([name, keys]) => {
    const pressed = keys.flatMap((key, i) => [
      ...(i ? [" "] : []),
      make("kbd", "", strings.keys[key] ?? key),
    ]);
    return make("div", "", make("dt", "", strings.shortcuts[name as Name]), make("dd", "", ...pressed));
  });
  openDialog("help", strings.help, make("dl", "shortcuts", ...rows), ...more);
}

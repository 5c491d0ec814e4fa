/** The page as something installed: kept for days without a network, renewed when the visitor agrees, opened with what other programs hand it. */
import { strings } from "../strings.ts";
import { textButton } from "../view/dom.ts";

interface Policy {
  createScriptURL(url: string): string;
}

interface Launch {
  files?: readonly { name: string; getFile(): Promise<File> }[];
}

declare global {
  interface Window {
    trustedTypes?: { createPolicy(name: string, rules: Policy): Policy };
    launchQueue?: { setConsumer(consumer: (launch: Launch) => void): void };
  }
}

type Notify = (text: string, ...choices: HTMLButtonElement[]) => void;

/** Keeps the page itself in the browser, and says when there is a newer one. */
export async function keepPage(notify: Notify): Promise<void> {
  if (!("serviceWorker" in navigator)) return; // an insecure address, or a private window
  const { serviceWorker } = navigator;
  const script = new URL("sw.js", document.baseURI).href;
  const policy = window.trustedTypes?.createPolicy("samba-page", {
    createScriptURL: (asked) => (asked === script ? asked : ""),
  });
  let asked = false;
  const offer = (worker: ServiceWorker) => {
    const take = () => {
      asked = true;
      worker.postMessage("activate");
    };
    notify(strings.update, textButton("quiet small", strings.updateNow, take));
  };
  serviceWorker.addEventListener("controllerchange", () => {
    if (asked) location.reload(); // other tabs go on with what they have until they are reloaded
  });
  try {
    const registration = await serviceWorker.register((policy?.createScriptURL(script) ?? script) as string);
    if (registration.waiting && serviceWorker.controller) offer(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const { installing } = registration;
      installing?.addEventListener("statechange", () => {
        if (installing.state === "installed" && serviceWorker.controller) offer(installing);
      });
    });
  } catch (error) {
    console.warn(`the page is not kept for days without a network: ${error}`);
  }
}

/** The text that another program shared with the page, taken out of the address. */
export function sharedText(): string {
  const address = new URL(location.href);
  const parts = ["share-title", "share-text", "share-url"].map((name) => {
    const text = address.searchParams.get(name)?.trim() ?? "";
    address.searchParams.delete(name);
    return text;
  });
  if (address.href !== location.href) history.replaceState(null, "", address);
  return [...new Set(parts.filter(Boolean))].join("\n\n");
}

/** Hears of files that the system opens with the installed page. */
export function openedFiles(open: (files: File[]) => void): void {
  window.launchQueue?.setConsumer(async ({ files = [] }) => {
    if (files.length > 0) open(await Promise.all(files.map((file) => file.getFile())));
  });
}

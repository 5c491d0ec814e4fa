/** What the host that serves the page gives it, and what it does not: a sentence for each. */
import { strings } from "../strings.ts";
import { make } from "../view/dom.ts";

/** Over plain http browsers give a page neither a graphics chip nor a place for files; nothing to say over https. */
export function withoutCrypto(): string {
  return isSecureContext ? "" : strings.insecure(location.host);
}

/**
 * Another site's page has this one in a frame, since its host does not forbid that by a header (frame-ancestors): what
 * is clicked may not be what is seen. The page says so, and offers itself in a tab of its own.
 */
export function framed(keep: (text: string, ...choices: HTMLElement[]) => void): void {
  if (window.top === window.self) return;
  try {
    if (window.top?.location.origin === location.origin) return; // the site's own page
  } catch {
    // Another site's.
  }
  const open = make("a", "quiet small", strings.openAlone);
  open.href = location.href;
  open.target = "_blank";
  open.rel = "noopener";
  keep(strings.framed, open);
}

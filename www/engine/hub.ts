/** Addresses of models on a hub: the names that people pass on, and the pages that they see. */

/** The hub that the world uses. */
export const HUB = "https://huggingface.co";

/** A name's part, as hubs allow it; never one that leads elsewhere. */
const part = /^[A-Za-z0-9][\w.-]{0,95}$/;

/**
 * The folder behind ORG/NAME, or behind a model's page on the hub: its files on the branch that is named, else on main.
 * Undefined where the text is neither.
 */
export function hubFolder(text: string, hub: string = HUB): string | undefined {
  const address = text.trim();
  const { origin } = new URL(hub);
  let path = address;
  if (/^https?:/i.test(address)) {
    if (!URL.canParse(address)) return undefined;
    const url = new URL(address);
    if (url.origin !== origin || url.username) return undefined;
    path = url.pathname.replace(/^\/+|\/+$/g, "");
  }
  const [org = "", name = "", kind, revision, ...rest] = path.split("/");
  // No model's owner is called "models": such a path is a folder of the site's own.
  if (org === "models" || !part.test(org) || !part.test(name) || /\.\./.test(path)) return undefined;
  if (kind === undefined) return `${origin}/${org}/${name}/resolve/main/`;
  if (!/^(tree|resolve)$/.test(kind) || !revision || rest.length > 0 || path === address) return undefined;
  return `${origin}/${org}/${name}/resolve/${revision}/`;
}

/** The model's name in the address of a hub's folder. */
export function hubName(folder: string): string | undefined {
  return new URL(folder).pathname.match(/^\/[^/]+\/([^/]+)\/resolve\/[^/]+\/$/)?.[1];
}

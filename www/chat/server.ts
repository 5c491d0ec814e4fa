/** The engine that the page's own server may have, for machines that cannot run the model. */

/** Its address; undefined where there is none. */
export async function ownEngine(): Promise<URL | undefined> {
  const url = new URL("engine", document.baseURI);
  try {
    const answer = await fetch(url, { cache: "no-store" });
    const about = answer.ok ? await answer.json() : {};
    return typeof about.version === "number" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** How long the browser may take to open, read or write what it keeps, in milliseconds. */
const PATIENCE = 20_000;

/**
 * What the browser owes the page, or an error that says what was waited for: where a visitor deletes the site's data
 * meanwhile, some answers never come.
 */
export function within<T>(answer: Promise<T> | T, otherwise: string, patience = PATIENCE): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${otherwise}: the browser gives no answer`)), patience);
    Promise.resolve(answer)
      .finally(() => clearTimeout(late))
      .then(resolve, reject);
  });
}

/** Text files of the visitor's own. What a file is called says little about what is in it. */
import { textStrings as strings } from "../strings.ts";

/** More than any book; what is read at once must fit the engine's memory. */
export const mostBytes = 16e6;

/** Starts of files that people take for texts. */
const others: [start: string, kind: string][] = [
  ["%PDF", "a PDF"],
  ["PK\x03\x04", "a ZIP or an office document"],
  ["\xd0\xcf\x11\xe0", "an old office document"],
  ["{\\rtf", "an RTF document"],
];

/** A file that cannot be read as text, and why, as a sentence. */
export class TextError extends Error {
  override name = "TextError";
}

/**
 * The text in a file: UTF-8, or UTF-16 with a mark that says so.
 * @throws {@link TextError} where it is empty, too large, or no text.
 */
export async function textOf(file: File): Promise<string> {
  const { name, size } = file;
  if (size > mostBytes) throw new TextError(strings.tooLarge(name, size, mostBytes));
  const data = await file.arrayBuffer().then(
    (buffer) => new Uint8Array(buffer),
    () => {
      throw new TextError(strings.unreadable(name));
    },
  );
  const start = String.fromCharCode(...data.subarray(0, 8));
  const other = others.find(([mark]) => start.startsWith(mark));
  if (other) throw new TextError(strings.other(name, other[1]));
  const mark = (data[0] ?? 0) * 256 + (data[1] ?? 0);
  const encoding = mark === 0xfffe ? "utf-16le" : mark === 0xfeff ? "utf-16be" : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(data);
  } catch {
    throw new TextError(strings.binary(name));
  }
  if (text.includes("\0")) throw new TextError(strings.binary(name));
  if (text.trim() === "") throw new TextError(strings.empty(name));
  return text.replaceAll("\r\n", "\n");
}

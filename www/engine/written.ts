/** Requests as the engine reads them, and why one cannot be written so. */
import { said } from "./errors.ts";
import { MAX_MESSAGE_BYTES } from "./protocol.ts";

/** A message as JSON, or a sentence that says why there is none. */
export function written(
  message: object,
  most = MAX_MESSAGE_BYTES,
): { json: string; refusal?: never } | { json?: never; refusal: string } {
  const refusal = `The message is larger than ${most >> 20} MiB, more than the engine takes: shorten it.`;
  try {
    const json = JSON.stringify(message);
    // Each unit takes three bytes of UTF-8 at most.
    if (3 * json.length <= most || new Blob([json]).size <= most) return { json };
  } catch (error) {
    // A big integer, or what contains itself: what is copied to the worker need not be JSON. Else it is longer than a string can be.
    if (!(error instanceof RangeError))
      return { refusal: `The request cannot be sent: ${said(error).split("\n", 1)}.` };
  }
  return { refusal };
}

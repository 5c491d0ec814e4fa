/**
 * A conversation's state as a file: the engine's blob as it is, so that samba
 * generate --from goes on from the file, and behind it what was said.
 *
 *     the state · the conversation as JSON · its SHA-256 [32] · its length in bytes, u64 little-endian · "SAMBATXT"
 */
import { sha256 } from "../engine/digest.ts";
import { strings } from "../strings.ts";
import type { Thread } from "./conversation.ts";
import { ExchangeError, fromFile, mostImported, toJSON } from "./exchange.ts";

const MARK = "SAMBATXT";
const TRAILER = 32 + 8 + MARK.length;

/** The file of a conversation and the state after the last message of its path. */
export async function packState(state: Blob, thread: Thread): Promise<Blob> {
  const text = new TextEncoder().encode(toJSON([thread]));
  const trailer = new Uint8Array(TRAILER);
  trailer.set(await sha256(text));
  new DataView(trailer.buffer).setBigUint64(32, BigInt(text.length), true);
  trailer.set(new TextEncoder().encode(MARK), 40);
  // The bytes themselves: the state's own file may be deleted while this one is still being written.
  return new Blob([await state.arrayBuffer(), text, trailer], { type: "application/x-samba-state" });
}

/**
 * Takes such a file apart. What the state itself is worth is the engine's to say.
 * @throws {@link ExchangeError} where there is no whole conversation behind the state.
 */
export async function unpackState(file: Blob): Promise<{ state: Blob; thread: Thread }> {
  const trailer = new Uint8Array(await file.slice(-TRAILER).arrayBuffer());
  if (trailer.length < TRAILER || new TextDecoder().decode(trailer.subarray(40)) !== MARK)
    throw new ExchangeError(strings.exportError.noConversation);
  const length = Number(new DataView(trailer.buffer).getBigUint64(32, true));
  const end = file.size - TRAILER;
  if (length > end) throw new ExchangeError(strings.exportError.damaged);
  if (length > mostImported) throw new ExchangeError(strings.exportError.tooLarge(mostImported));
  const text = new Uint8Array(await file.slice(end - length, end).arrayBuffer());
  const sum = await sha256(text);
  if (sum.some((byte, i) => byte !== trailer[i])) throw new ExchangeError(strings.exportError.damaged);
  const [thread] = fromFile(new TextDecoder().decode(text));
  if (!thread) throw new ExchangeError(strings.exportError.damaged);
  return { state: file.slice(0, end - length), thread };
}

/** SHA-256, also in pages over plain http, to which browsers give no WebCrypto. */
import { createSHA256 } from "hash-wasm";

export async function sha256(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  // WebCrypto is the fastest.
  if (globalThis.crypto?.subtle) return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return (await createSHA256()).init().update(data).digest("binary");
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

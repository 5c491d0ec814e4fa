/** What can go wrong, as classes: catch the kind you can do something about. */
import type { Code, Error as ErrorMessage } from "./protocol.ts";

/** What the engine reports when it cannot do what was asked: a code for programs, a sentence for people. */
export class SambaError extends Error {
  override name = "SambaError";
  constructor(
    readonly code: Code,
    message: string,
    /** The argument at fault, where there is one: "temperature". */
    readonly param?: string,
    /** With the code too_large: the `bits` with which the model would fit, where there are any. */
    readonly bits?: number,
  ) {
    super(message);
  }
}

/** An argument was wrong; {@link SambaError.param} names it. */
export class BadRequestError extends SambaError {
  override name = "BadRequestError";
}

/** The caller's signal, or `unload`, ended the work. Its name is what the web's own aborts are called. */
export class CancelledError extends SambaError {
  override name = "AbortError";
}

/** Nothing is loaded, or no longer. */
export class NotLoadedError extends SambaError {
  override name = "NotLoadedError";
}

/** The browser has no WebGPU, no graphics adapter, or lost it. `backend: "cpu"` works without one. */
export class DeviceError extends SambaError {
  override name = "DeviceError";
}

/** The server could not be reached, or the line was cut. */
export class NetworkError extends SambaError {
  override name = "NetworkError";
}

/** The model's files are missing, damaged, or contradict each other, or the machine has no room for it. */
export class ModelError extends SambaError {
  override name = "ModelError";
}

/** A server refuses: it is busy for now, or does not serve this client. */
export class RefusedError extends SambaError {
  override name = "RefusedError";
}

/** A saved state is damaged, of a newer version, or of another model. */
export class StateError extends SambaError {
  override name = "StateError";
}

/** A fault of ours. */
export class InternalError extends SambaError {
  override name = "InternalError";
}

const classes: Record<Code, typeof SambaError> = {
  bad_request: BadRequestError,
  not_loaded: NotLoadedError,
  cancelled: CancelledError,
  no_webgpu: DeviceError,
  no_adapter: DeviceError,
  device_lost: DeviceError,
  missing: ModelError,
  network: NetworkError,
  wrong_length: ModelError,
  wrong_hash: ModelError,
  bad_model: ModelError,
  too_large: ModelError,
  bad_state: StateError,
  busy: RefusedError,
  forbidden: RefusedError,
  internal: InternalError,
};

/** The error that an engine's message means. */
export function errorOf({
  code,
  message,
  param,
  bits,
}: Pick<ErrorMessage, "code" | "message" | "param" | "bits">): SambaError {
  return new (classes[code] ?? InternalError)(code, message, param, bits);
}

/** Refuses an argument by its name; the sentence goes on from there. */
export function refuse(param: string, rest: string): never {
  throw new BadRequestError("bad_request", `${param} ${rest}.`, param);
}

/** What an error says, whatever was thrown. */
export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Names of built files beside the script, set by tools/site/build. */
declare const SAMBA_WORKER: string;
declare const SAMBA_WASM: string;
/** Bytes of the latter, unpacked. */
declare const SAMBA_WASM_SIZE: number;

declare module "go/wasm_exec" {}
declare module "gpu/cpu/simd" {}
declare module "gpu/replay" {}

/** Where the engine's files lie. The npm package has a module of its own in this one's place, which bundlers understand. */

/** The worker's address beside this script. */
export const ownWorker = (): URL => new URL(SAMBA_WORKER, import.meta.url);

/** What to do where the worker is not found, for people; here it is a matter of the address alone. */
export const advice = "";

/**
 * Two tabs on one conversation: only the one that holds it writes. The other
 * shows it, and gets it when the first leaves it, or at once when asked to.
 */

/** How long a tab may take to finish what it is doing before the conversation is taken from it, in milliseconds. */
const PATIENCE = 3000;

export class Hold {
  /** Whether this tab may write to the conversation. */
  mine = true;
  /** That has changed. */
  onchange: () => void = () => {};
  /** Another tab asks for the conversation: stop writing to it. */
  onasked: () => Promise<void> = async () => {};
  readonly #tabs = new BroadcastChannel("samba-hold");
  #id = "";
  /** Ends the lock that is held or waited for. */
  #turn = new AbortController();

  constructor() {
    this.#tabs.onmessage = async ({ data }: MessageEvent<string>) => {
      if (data !== this.#id || !this.mine) return;
      const turn = this.#turn;
      await this.onasked();
      if (turn === this.#turn) await this.take(data); // behind the tab that waits
    };
  }

  /** Leaves the conversation before and takes another, or waits for it. */
  async take(id: string): Promise<void> {
    this.#turn.abort();
    const turn = new AbortController();
    this.#turn = turn;
    this.#id = id;
    const { locks } = navigator;
    if (!locks) return this.#set(true); // an insecure address: nothing that tabs share
    const free = await new Promise<boolean>((resolve) => {
      this.#ask({ ifAvailable: true }, turn, resolve);
    });
    if (turn.signal.aborted) return;
    this.#set(free);
    if (!free) this.#ask({ signal: turn.signal }, turn, () => this.#set(true));
  }

  /** Asks the tab that has the conversation for it, and takes it where that tab does not answer. */
  takeOver(): void {
    const turn = this.#turn;
    this.#tabs.postMessage(this.#id);
    setTimeout(() => {
      if (this.mine || turn !== this.#turn) return;
      turn.abort();
      this.#turn = new AbortController();
      this.#ask({ steal: true }, this.#turn, () => this.#set(true));
    }, PATIENCE);
  }

  #ask(options: LockOptions, turn: AbortController, told: (got: boolean) => void): void {
    const id = this.#id;
    navigator.locks
      .request(`samba-conversation-${id}`, options, (lock) => {
        told(lock !== null);
        if (!lock || turn.signal.aborted) return;
        return new Promise<void>((leave) => turn.signal.addEventListener("abort", () => leave()));
      })
      .catch((error: DOMException) => {
        if (turn !== this.#turn || turn.signal.aborted) return; // not waited for any more
        if (error.name === "AbortError")
          void this.take(id); // a tab that got no answer has taken it
        else told(true); // nothing that tabs could share
      });
  }

  #set(mine: boolean): void {
    if (this.mine === mine) return;
    this.mine = mine;
    this.onchange();
  }
}

/** Reads a text that was dropped or pasted into the engine's state, in the background. */
import type { Message, Thread } from "./conversation.ts";
import type { Engine } from "./engine.ts";
import { type Memory, messagesOf } from "./memory.ts";

/** How far reading has come. */
export interface Pace {
  done: number;
  total: number;
  /** Tokens a second, and seconds left; 0 while they are not known. */
  rate: number;
  left: number;
}

/** How a text is read. */
export interface Reading {
  /** Ends it: what was read stays, and is all that is left of the text. */
  cut: AbortSignal;
  /** Interrupts it: the next time reading goes on from there. */
  pause: AbortSignal;
  onPace(pace: Pace): void;
  /** The state so far could not be kept. */
  onfault(error: unknown): void;
}

/** So much work at most is lost with a tab that is killed, in milliseconds; at the beginning less, twice as much each time. */
const KEEP_FIRST = 2000;
const KEEP_EVERY = 60_000;
/** A rate is that of this many milliseconds. */
const SPAN = 4000;

/** Reads a message's text; tells whether it is read as far as it will be. What a cut leaves of it is then its content. */
export async function readText(
  engine: Engine,
  memory: Memory,
  thread: Thread,
  message: Message,
  { cut, pause, onPace, onfault }: Reading,
): Promise<boolean> {
  const { conversation } = thread;
  const messages = messagesOf(conversation.system, thread.pathTo(message.id));
  await memory.recall(engine, conversation, thread.pathTo(message.id));
  const resumed = memory.holds === message.id;
  let all = 0;
  const steps: [time: number, done: number][] = [];
  for (let span = KEEP_FIRST; ; span = Math.min(2 * span, KEEP_EVERY)) {
    const signal = AbortSignal.any([cut, pause, AbortSignal.timeout(span)]);
    let done = 0;
    const { read, cancelled, position } = await engine.state.read(messages, {
      open: true,
      signal,
      onProgress({ loaded, total }) {
        all ||= total;
        done = all - total + loaded;
        const now = performance.now();
        steps.push([now, done]);
        while (steps.length > 2 && (steps[0]?.[0] ?? now) < now - SPAN) steps.shift();
        const [since, from] = steps[0] ?? [now, done];
        const rate = now > since ? ((done - from) * 1000) / (now - since) : 0;
        onPace({ done, total: all, rate, left: rate > 0 ? (all - done) / rate : 0 });
      },
    });
    if (cancelled && cut.aborted) {
      // Texts before it stand in the same turn.
      const before = (messages.at(-1)?.content.length ?? 0) - message.content.length;
      message.content = message.content.slice(0, Math.max(0, read - before));
      message.finish = "cancelled";
    }
    const ended = !cancelled || cut.aborted;
    if (ended) message.tokens = resumed ? (await engine.tokenize(message.content)).length : done;
    if (message.content) await memory.remember(engine, conversation, message, position).catch(onfault);
    else memory.lose();
    if (ended) return true;
    if (pause.aborted) return false;
  }
}

/**
 * The worker that asks a hub what it has: a worker's own policy lets it reach the hub, as the page's does not. A new
 * question ends the one before it; an empty one only ends it.
 */
import { said } from "../engine/errors.ts";
import { type Answer, answerOf, LARGEST, questionAddress } from "./found.ts";

export interface Question {
  number: number;
  hub: string;
  text: string;
  types: readonly string[];
}

/** An answer to the question of that number, or what was wrong. */
export type Reply = { number: number } & ({ answer: Answer } | { error: string });

const PATIENCE = 20_000;

let under = new AbortController();

async function ask({ hub, text, types }: Question, signal: AbortSignal): Promise<Answer> {
  const { host } = new URL(hub);
  const response = await fetch(questionAddress(hub, text), {
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  if (!response.ok || !response.body) throw new Error(`${host} answers ${response.status}`);
  let json = "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LARGEST) {
      void reader.cancel().catch(() => {});
      throw new Error(`${host} answers more than ${LARGEST >> 20} MB`);
    }
    json += decoder.decode(value, { stream: true });
  }
  const answer = answerOf(json, types);
  if (!answer) throw new Error(`${host} answers something else than a list of models`);
  return answer;
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  under.abort();
  under = new AbortController();
  const { signal } = under;
  if (!data.text) return;
  const { number } = data;
  let reply: Reply;
  try {
    reply = { number, answer: await ask(data, signal) };
  } catch (error) {
    reply = { number, error: said(error) };
  }
  if (!signal.aborted) self.postMessage(reply);
};

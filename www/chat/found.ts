/** What a hub's search asks and answers, without a document: the answer is hostile until it is read here. */
import { hubFolder } from "../engine/hub.ts";

/** A model that the search found, of a family that runs here. */
export interface Found {
  id: string;
  /** Of its weights; 0: the hub does not say. */
  bytes: number;
  /** "": the hub does not say. */
  licence: string;
  /** It asks for an account. */
  gated: boolean;
}

/** What was found: models that run here, and how many that do not. */
export interface Answer {
  found: Found[];
  others: number;
}

/** The longest question. */
export const LONGEST = 96;
/** Models that are asked for, and that are shown. */
const ASKED = 60;
const SHOWN = 20;
/** The largest answer, in bytes. */
export const LARGEST = 4 << 20;

/** Where the hub answers a question: models with safetensors weights, those that many use first. */
export function questionAddress(hub: string, text: string): string {
  const url = new URL("/api/models", hub);
  url.searchParams.set("search", text.trim().slice(0, LONGEST));
  url.searchParams.set("filter", "safetensors");
  url.searchParams.set("sort", "downloads");
  url.searchParams.set("direction", "-1");
  url.searchParams.set("limit", String(ASKED));
  for (const part of ["config", "gated", "safetensors", "tags"]) url.searchParams.append("expand[]", part);
  return url.href;
}

/** Bytes of an element, by the names that safetensors has. */
const width = (kind: string) =>
  /^BOOL$/.test(kind) ? 1 : Number(/^(?:BF|[FIU])(8|16|32|64)/.exec(kind)?.[1] ?? 8) / 8;

/** Reads an answer; types are the config.json's model_type of what runs here. Undefined where it is no answer of a hub. */
export function answerOf(text: string, types: readonly string[]): Answer | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const answer: Answer = { found: [], others: 0 };
  for (const entry of list.slice(0, ASKED)) {
    const { id, config, gated, safetensors, tags } = Object(entry);
    if (typeof id !== "string" || !hubFolder(id) || /^https?:/i.test(id)) continue;
    if (!types.includes(Object(config).model_type)) answer.others++;
    else if (answer.found.length < SHOWN) {
      let bytes = 0;
      for (const [kind, count] of Object.entries(Object(Object(safetensors).parameters)).slice(0, 20))
        bytes += typeof count === "number" && count > 0 ? count * width(kind) : 0;
      const licence = Array.isArray(tags) && tags.find((tag) => /^license:[\w.+-]{1,40}$/.test(String(tag)));
      answer.found.push({
        id,
        bytes: Number.isFinite(bytes) ? bytes : 0,
        licence: licence ? String(licence).slice("license:".length) : "",
        gated: Boolean(gated),
      });
    }
  }
  return answer;
}

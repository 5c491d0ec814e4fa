// Generated from model/sampling by go generate ./wasm/protocol; do not edit.

/** How an answer's tokens are chosen. What is left out is the model's own. */
export interface Settings {
  /** Divides the logits before sampling; 0 takes the likeliest token always; 0 to 100. */
  temperature?: number;
  /** Keeps the likeliest tokens that together reach this probability; above 0, at most 1. */
  top_p?: number;
  /** Keeps this many of the likeliest tokens; 0 keeps all; 0 to 2^20. */
  top_k?: number;
  /** Drops tokens less likely than this share of the likeliest one; 0 to 1. */
  min_p?: number;
  /** Divides the score of tokens that were there already; 1 leaves them alone; 0.01 to 100. */
  repetition_penalty?: number;
  /** Taken from the score of tokens that the answer has already; -2 to 2. */
  presence_penalty?: number;
  /** Taken from a token's score once for each time that the answer has it; -2 to 2. */
  frequency_penalty?: number;
  /** Added to the scores of these tokens, by id; each -100 to 100. */
  logit_bias?: Record<string, number>;
  /** The most tokens to generate; 1 to 2^30. Default 1024. */
  max_tokens?: number;
  /** How many answers to give, one after another; the seed counts up from one to the next; 1 to 128. Default 1. */
  n?: number;
  /** The same seed gives the same text; left out: drawn at random; 0 to 2^53 - 1. */
  seed?: number;
  /** The most tokens that a step guesses ahead from the text so far, where that is quicker; the answer is the same; 0 to 7. Default 7. */
  guesses?: number;
}

/** The same in camel case. */
export interface CamelSettings {
  /** Divides the logits before sampling; 0 takes the likeliest token always; 0 to 100. */
  temperature?: number | undefined;
  /** Keeps the likeliest tokens that together reach this probability; above 0, at most 1. */
  topP?: number | undefined;
  /** Keeps this many of the likeliest tokens; 0 keeps all; 0 to 2^20. */
  topK?: number | undefined;
  /** Drops tokens less likely than this share of the likeliest one; 0 to 1. */
  minP?: number | undefined;
  /** Divides the score of tokens that were there already; 1 leaves them alone; 0.01 to 100. */
  repetitionPenalty?: number | undefined;
  /** Taken from the score of tokens that the answer has already; -2 to 2. */
  presencePenalty?: number | undefined;
  /** Taken from a token's score once for each time that the answer has it; -2 to 2. */
  frequencyPenalty?: number | undefined;
  /** Added to the scores of these tokens, by id; each -100 to 100. */
  logitBias?: Record<string, number> | undefined;
  /** The most tokens to generate; 1 to 2^30. Default 1024. */
  maxTokens?: number | undefined;
  /** How many answers to give, one after another; the seed counts up from one to the next; 1 to 128. Default 1. */
  n?: number | undefined;
  /** The same seed gives the same text; left out: drawn at random; 0 to 2^53 - 1. */
  seed?: number | undefined;
  /** The most tokens that a step guesses ahead from the text so far, where that is quicker; the answer is the same; 0 to 7. Default 7. */
  guesses?: number | undefined;
}

/** Settings by their names in camel case. */
export const camelSettings = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  logitBias: "logit_bias",
  maxTokens: "max_tokens",
  n: "n",
  seed: "seed",
  guesses: "guesses",
} as const satisfies Record<keyof CamelSettings, keyof Settings>;

/** The settings that are one number each. */
export const numbers = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "repetition_penalty",
  "presence_penalty",
  "frequency_penalty",
  "max_tokens",
  "n",
  "seed",
  "guesses",
] as const;

/** The settings that the chat page has a field for. */
export const shown = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "repetition_penalty",
  "max_tokens",
  "seed",
] as const;

/** What a setting's value may be, and how it is called. */
export interface Setting {
  /** The least and the most that is allowed. */
  low: number;
  high: number;
  /** More than low; low itself is not allowed. */
  above?: boolean;
  /** A whole number. */
  whole?: boolean;
  /** What the chat page calls it, where that has a field for it. */
  title?: string;
  /** What the chat page says of it. */
  hint?: string;
}

/** The range of each setting, and what the chat page says of it. */
export const settings: Record<keyof Settings, Setting> = {
  temperature: {
    low: 0,
    high: 100,
    title: "Temperature",
    hint: "0 takes the likeliest token always; higher is livelier.",
  },
  top_p: {
    low: 0,
    high: 1,
    above: true,
    title: "Top p",
    hint: "Keeps the likeliest tokens that together reach this probability.",
  },
  top_k: {
    low: 0,
    high: 1048576,
    whole: true,
    title: "Top k",
    hint: "Keeps this many of the likeliest tokens; 0 keeps all.",
  },
  min_p: {
    low: 0,
    high: 1,
    title: "Min p",
    hint: "Drops tokens less likely than this share of the likeliest one.",
  },
  repetition_penalty: {
    low: 0.01,
    high: 100,
    title: "Repetition penalty",
    hint: "Above 1, words that were there already become less likely.",
  },
  presence_penalty: {
    low: -2,
    high: 2,
  },
  frequency_penalty: {
    low: -2,
    high: 2,
  },
  logit_bias: {
    low: -100,
    high: 100,
  },
  max_tokens: {
    low: 1,
    high: 1073741824,
    whole: true,
    title: "Longest answer",
    hint: "In tokens.",
  },
  n: {
    low: 1,
    high: 128,
    whole: true,
  },
  seed: {
    low: 0,
    high: 9007199254740991,
    whole: true,
    title: "Seed",
    hint: "The same seed gives the same answer.",
  },
  guesses: {
    low: 0,
    high: 7,
    whole: true,
  },
};

/** Whether a setting's value is within its range. */
export function allows({ low, high, above, whole }: Setting, value: unknown): boolean {
  return (
    typeof value === "number" &&
    value >= low &&
    value <= high &&
    !(above && value === low) &&
    !(whole && !Number.isSafeInteger(value))
  );
}

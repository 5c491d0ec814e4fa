/** OpenAI's requests, taken as the server takes them: one set of cases for both (tools/server/openai_test.go). */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  type ChatCompletionParams,
  ChatCompletions,
  type CompletionParams,
  Completions,
} from "../engine/completions.ts";
import type { Asked, Connection } from "../engine/connection.ts";
import { BadRequestError } from "../engine/errors.ts";
import type { Done } from "../engine/protocol.ts";
import { allows, settings } from "../engine/settings.ts";

interface Case {
  about: string;
  path: "chat/completions" | "completions";
  request: object;
  /** The engine's message; with refused, one that the engine refuses. */
  becomes?: Record<string, unknown>;
  /** The name of the field at fault. */
  refused?: string;
}

const done = { type: "done", id: 1, usage: {}, timings: {}, position: 0, state_bytes: 0 } as Done;

/** What the engine is asked for, without the message's type; what is refused before is thrown. */
async function asked({ path, request }: Case): Promise<Record<string, unknown>> {
  const seen: Asked[] = [];
  const engine: Connection = {
    async *ask(message) {
      seen.push(message);
      yield done;
    },
    close() {},
  };
  if (path === "completions") await new Completions(engine, "tiny").create(request as CompletionParams);
  else await new ChatCompletions(engine, "tiny").create(request as ChatCompletionParams);
  assert.equal(seen.length, 1);
  const { type, ...rest } = seen[0] as Asked & Record<string, unknown>;
  assert.equal(type, "generate");
  return rest;
}

const folder = new URL("../../../wasm/protocol/testdata/openai/", import.meta.url);
for (const file of readdirSync(folder)) {
  describe(`OpenAI's requests: ${file}`, () => {
    for (const one of JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Case[]) {
      const { about, request, becomes, refused } = one;
      test(`${about}: ${JSON.stringify(request).slice(0, 120)}`, async () => {
        let message: Record<string, unknown>;
        try {
          message = await asked(one);
        } catch (error) {
          assert.ok(error instanceof BadRequestError, String(error));
          const { param = "" } = error;
          assert.ok(refused && (param === refused || param.startsWith(`${refused}[`)), `${param}: ${error}`);
          return;
        }
        assert.deepEqual(message, becomes);
        // What is out of its range here the engine refuses, by the same table.
        for (const [name, setting] of Object.entries(settings))
          if (typeof message[name] === "number")
            assert.equal(allows(setting, message[name]), refused !== name, `${name} ${message[name]}`);
      });
    }
  });
}

/** Keys that belong to an input method are told from those that send, in one place. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { composes } from "../view/composition.ts";

test("an input method's keys are known by their state, or by their code", () => {
  assert.equal(composes({ isComposing: true, keyCode: 13 }), true);
  assert.equal(composes({ isComposing: false, keyCode: 229 }), true); // Safari's Enter
  assert.equal(composes({ isComposing: false, keyCode: 13 }), false);
});

test("nobody else asks", () => {
  const www = join(import.meta.dirname, "../..");
  for (const folder of ["chat", "lab", "view", "widget"])
    for (const name of readdirSync(join(www, folder)).filter((name) => name.endsWith(".ts"))) {
      const source = readFileSync(join(www, folder, name), "utf8");
      if (name !== "composition.ts") assert.doesNotMatch(source, /isComposing|229/, `${folder}/${name}`);
      for (const [, listener = ""] of source.matchAll(/(?:onkeydown = |"keydown", )(.{0,200})/gs))
        if (/"Enter"|"Escape"/.test(listener)) assert.match(listener, /composes\(/, `${folder}/${name}`);
    }
});

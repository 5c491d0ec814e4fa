/** Keys that belong to an input method are told from those that send. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { composes } from "../view/composition.ts";

test("an input method's keys are known by their state, or by their code", () => {
  assert.equal(composes({ isComposing: true, keyCode: 13 }), true);
  assert.equal(composes({ isComposing: false, keyCode: 229 }), true); // Safari's Enter
  assert.equal(composes({ isComposing: false, keyCode: 13 }), false);
});

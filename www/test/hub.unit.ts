/** Names and pages of models on a hub become folders; what is neither does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hubFolder, hubName } from "../engine/hub.ts";

test("names and pages on a hub are folders", () => {
  const main = "https://huggingface.co/ibm-granite/granite-4.0-h-350m/resolve/main/";
  assert.equal(hubFolder(" ibm-granite/granite-4.0-h-350m "), main);
  assert.equal(hubFolder("https://huggingface.co/ibm-granite/granite-4.0-h-350m"), main);
  assert.equal(hubFolder(`${main.replace("resolve", "tree")}?x=1#y`), main);
  assert.equal(hubFolder(main), main);
  assert.equal(hubFolder("https://huggingface.co/a/b/tree/v2"), "https://huggingface.co/a/b/resolve/v2/");
  assert.equal(hubFolder("a/b", "http://hub.example:81"), "http://hub.example:81/a/b/resolve/main/");
  assert.equal(hubName(main), "granite-4.0-h-350m");
  assert.equal(hubName("https://example.org/models/default/"), undefined);
});

test("what is no model on the hub is none", () => {
  for (const text of [
    ...["", "granite", "models/default", "models/default/", "a/b/", "a/b/c", "../b", "a/..", "a/b/tree/main"],
    ...[
      "//evil.example/x",
      "javascript:alert(1)",
      "a b/c",
      "a/b?x",
      "a/b#c",
      "a/%2e%2e",
      "https://",
      `a/${"b".repeat(97)}`,
    ],
    ...["https://other.example/a/b", "https://u:p@huggingface.co/a/b", "https://huggingface.co/a"],
    ...["https://huggingface.co/a/b/blob/main/config.json", "https://huggingface.co/a/b/tree/main/sub"],
  ])
    assert.equal(hubFolder(text), undefined, text);
});

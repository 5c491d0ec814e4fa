/** Names and pages of models on a hub become folders; what is neither does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, answerOf, LONGEST, questionAddress } from "../chat/found.ts";
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

test("a search asks the hub for models with weights, and no more than a line", () => {
  const url = new URL(questionAddress("https://hub.example", ` a&b=c#${"d".repeat(200)}`));
  assert.equal(url.origin + url.pathname, "https://hub.example/api/models");
  assert.equal(url.searchParams.get("search"), `a&b=c#${"d".repeat(LONGEST - 6)}`);
  assert.equal(url.searchParams.get("filter"), "safetensors");
});

test("what a search finds is read as hostile", () => {
  const types = ["mamba", "lfm2"];
  const model = (id: unknown, more: object = {}) => ({ id, config: { model_type: "mamba" }, ...more });
  const answer = (list: unknown) => answerOf(JSON.stringify(list), types);
  const { found, others } = answer([
    model("a/whole", {
      tags: ["x", 7, "license:apache-2.0"],
      safetensors: { parameters: { BF16: 10, U32: 3, F8_E4M3: 1, BOOL: 2, "": -5, F32: "many" } },
    }),
    model("a/quiet", { gated: "manual", tags: "license:mit", safetensors: null }),
    model("b/other", { config: { model_type: "llama" } }),
    model("c/none", { config: null }),
    ...["https://evil.example/a/b", "../x", "a/b/c", 7, null, "<img>/x"].map((id) => model(id)),
    null,
    "text",
  ]) as Answer;
  assert.deepEqual(found, [
    { id: "a/whole", bytes: 35, licence: "apache-2.0", gated: false },
    { id: "a/quiet", bytes: 0, licence: "", gated: true },
  ]);
  assert.equal(others, 2);
  assert.equal(answer(Array.from({ length: 1000 }, (_, i) => model(`a/m${i}`)))?.found.length, 20);
  assert.equal(
    answer([model("a/huge", { safetensors: { parameters: { F32: 1e308, F64: 1e308 } } })])?.found[0]?.bytes,
    0,
  );
  for (const text of ["", "{}", "<html>", "null", '"a"'])
    assert.equal(answerOf(text, types), undefined, text);
});

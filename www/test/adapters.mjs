/** What a page does with the package's other entries and the packages that they are for; ecosystem.e2e.mjs builds and calls it. */
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { Samba } from "samba-web";
import { samba as aiModel } from "samba-web/ai-sdk";
import { ChatSamba } from "samba-web/langchain";
import { languageModel } from "samba-web/prompt-api";
import { z } from "zod";

const mood = z.object({ mood: z.enum(["good", "bad"]), stars: z.int().min(1).max(5) });
const named = (work) =>
  Promise.resolve()
    .then(work)
    .then(
      () => "nothing",
      ({ name }) => name,
    );

async function promptAPI(model) {
  const out = {};
  const LanguageModel = languageModel(model, { backend: "cpu", maxTokens: 12 });
  out.before = await LanguageModel.availability();
  const heard = [];
  const session = await LanguageModel.create({
    initialPrompts: [{ role: "system", content: "Be brief." }],
    monitor: (target) => target.addEventListener("downloadprogress", ({ loaded }) => heard.push(loaded)),
  });
  out.progress = [heard[0], heard.at(-1), heard.every((loaded, i) => i === 0 || loaded > heard[i - 1])];
  out.after = await LanguageModel.availability();
  out.usage = [session.contextUsage > 0, (await session.measureContextUsage("the sea")) > 0];
  out.answer = await session.prompt("Tell me of the sea.");
  const clone = await session.clone();
  out.cloned = clone.contextUsage === session.contextUsage;
  let streamed = "";
  for await (const piece of clone.promptStreaming("And the star?")) streamed += piece;
  out.streamed = streamed;
  // An answer's beginning is a part of it: what follows does not begin again, and the turn after it reads both.
  out.begun = await session.prompt([
    { role: "user", content: "Who said it?" },
    { role: "assistant", content: " the old", prefix: true },
  ]);
  out.next = await session.prompt("And?");
  await session.append("The ship came.");
  const long = await LanguageModel.create();
  const constrained = languageModel(model, { backend: "cpu", maxTokens: 300 });
  const judge = await constrained.create();
  out.json = mood.parse(
    JSON.parse(await judge.prompt("How is it?", { responseConstraint: z.toJSONSchema(mood) })),
  );
  out.regexp = await named(() => judge.prompt("x", { responseConstraint: /a/ }));
  out.schema = await named(() => judge.prompt("x", { responseConstraint: { not: { const: 1 } } }));
  constrained.unload();
  const controller = new AbortController();
  const aborted = named(() => long.prompt("go on", { signal: controller.signal }));
  controller.abort();
  out.aborted = await aborted;
  session.destroy();
  out.destroyed = [await named(() => session.prompt("x")), (await clone.prompt("still?")).length > 0];
  LanguageModel.unload();
  out.unloaded = [await named(() => clone.prompt("x")), await LanguageModel.availability()];
  out.missing = await named(() => languageModel("/nowhere/", { backend: "cpu" }).create());
  return out;
}

async function aiSDK(samba) {
  const out = {};
  const model = aiModel(samba);
  const prompt = "Tell me of the sea.";
  const { text, usage, finishReason } = await generateText({ model, prompt, maxOutputTokens: 8, seed: 1 });
  out.text = text;
  out.usage = [usage.inputTokens > 0, usage.outputTokens >= 1 && usage.outputTokens <= 8, finishReason];
  const stream = streamText({ model, prompt, maxOutputTokens: 8, seed: 1 });
  out.streamed = "";
  for await (const piece of stream.textStream) out.streamed += piece;
  const { output } = await generateText({
    model,
    prompt: "How is it?",
    output: Output.object({ schema: mood }),
  });
  out.json = output;
  // An agent's three turns with two tools; the grammar makes the calls of what a random model writes.
  const tools = {
    look: tool({
      inputSchema: z.object({ at: z.enum(["sea", "star"]) }),
      execute: ({ at }) => `The ${at} is deep.`,
    }),
    count: tool({
      inputSchema: z.object({ ships: z.int().min(1).max(3) }),
      execute: ({ ships }) => `${ships} came.`,
    }),
  };
  const turns = [{ type: "tool", toolName: "look" }, { type: "tool", toolName: "count" }, "none"];
  const { steps } = await generateText({
    model,
    prompt,
    tools,
    maxOutputTokens: 250,
    stopWhen: isStepCount(3),
    prepareStep: ({ stepNumber }) => ({ toolChoice: turns[stepNumber] }),
    providerOptions: { samba: { parallel_tool_calls: false } },
  });
  out.steps = steps.map(({ toolCalls, toolResults }) => [
    toolCalls.map(({ toolName }) => toolName).join(),
    toolResults.map(({ output }) => output).join(),
  ]);
  const controller = new AbortController();
  const endless = streamText({ model, prompt, maxOutputTokens: 100_000, abortSignal: controller.signal });
  let last;
  for await (const { type } of endless.fullStream) {
    if (type === "text-delta") controller.abort();
    last = type;
  }
  out.aborted = last;
  return out;
}

async function langchain(samba) {
  const out = {};
  const model = new ChatSamba({ samba, maxTokens: 8, seed: 1 });
  const answer = await model.invoke("Tell me of the sea.");
  out.text = answer.text;
  out.usage = answer.usage_metadata.output_tokens;
  out.streamed = "";
  for await (const { text } of await model.stream("Tell me of the sea.")) out.streamed += text;
  out.batch = (await model.batch(["one", "two"])).length;
  out.json = await new ChatSamba({ samba }).withStructuredOutput(mood).invoke("How is it?");
  const controller = new AbortController();
  const endless = new ChatSamba({ samba, maxTokens: 100_000 });
  out.aborted = await named(async () => {
    for await (const _ of await endless.stream("go on", { signal: controller.signal })) controller.abort();
  });
  return out;
}

globalThis.adapters = async (model) => {
  const samba = await Samba.load(model, { backend: "cpu" });
  const out = { aiSDK: await aiSDK(samba), langchain: await langchain(samba) };
  samba.unload();
  return { ...out, promptAPI: await promptAPI(model) };
};

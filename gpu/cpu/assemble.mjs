// Assembles simd.wat into simd.wasm and simd_relaxed.wasm, by npm's wabt of www/:
//
//   go generate ./gpu/cpu
//
// Both are kept in the repository, so that Go alone builds the engine; www/test/simd.unit.ts holds them to the source.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const wabt = createRequire(new URL("../../www/package.json", import.meta.url))("wabt");

/** The text without relaxed SIMD: (f32x4.relaxed_madd A B C) becomes (f32x4.add (f32x4.mul A B) C). */
function strict(text) {
  const head = "(f32x4.relaxed_madd";
  const start = text.lastIndexOf(head); // the last one has none within
  if (start < 0) return text;
  const parts = [];
  let at = text.indexOf("(", start + head.length);
  while (text[at] !== ")") {
    const from = at;
    let depth = 0;
    do {
      if (text[at] === "(") depth++;
      if (text[at] === ")") depth--;
      at++;
    } while (depth > 0);
    parts.push(text.slice(from, at));
    while (/\s/.test(text[at])) at++;
  }
  const [a, b, c] = parts;
  return strict(`${text.slice(0, start)}(f32x4.add (f32x4.mul ${a} ${b}) ${c}${text.slice(at)}`);
}

/** The modules by their files' names. */
export async function assemble() {
  const text = readFileSync(new URL("simd.wat", import.meta.url), "utf8").replaceAll(/;;.*/g, "");
  const { parseWat } = await wabt();
  const binary = (name, source, features) => {
    const module = parseWat(name, source, { simd: true, ...features });
    module.validate();
    const { buffer } = module.toBinary({});
    module.destroy();
    return buffer;
  };
  return {
    "simd.wasm": binary("simd.wat, strict", strict(text), {}),
    "simd_relaxed.wasm": binary("simd.wat", text, { relaxed_simd: true }),
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const [name, bytes] of Object.entries(await assemble())) writeFileSync(new URL(name, import.meta.url), bytes);
}

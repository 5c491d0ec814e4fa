// Writes zod.json: what Zod makes of the schemas below, for three targets.
//
//   npm install zod@4 && node zod.mjs > zod.json
import { z } from "zod";
const Tree = z.object({ v: z.int(), get kids() { return z.array(Tree); } });
const all = {
  person: z.object({ name: z.string().min(1).max(40), age: z.int().min(0).max(150), email: z.email().optional(), tags: z.array(z.string()).max(5), note: z.string().nullable() }),
  strings: z.object({ a: z.string().startsWith("ab").endsWith("yz"), b: z.string().includes("mid"), c: z.string().regex(/^[A-Z]+$/).length(3), d: z.string().regex(/^a/).regex(/b$/), e: z.string().lowercase(), f: z.string().uppercase(), g: z.string().trim() }),
  formats: z.object({ email: z.email(), url: z.url(), uuid: z.uuid(), uuidv4: z.uuidv4(), guid: z.guid(), nanoid: z.nanoid(), cuid: z.cuid(), cuid2: z.cuid2(), ulid: z.ulid(), xid: z.xid(), ksuid: z.ksuid(), ipv4: z.ipv4(), ipv6: z.ipv6(), cidrv4: z.cidrv4(), base64: z.base64(), base64url: z.base64url(), e164: z.e164(), jwt: z.jwt(), date: z.iso.date(), time: z.iso.time(), datetime: z.iso.datetime(), datetimeOffset: z.iso.datetime({ offset: true }), duration: z.iso.duration(), hostname: z.hostname?.() ?? z.string() }),
  cidrv6: z.cidrv6(), emoji: z.emoji(),
  numbers: z.object({ a: z.number(), b: z.number().positive(), c: z.number().multipleOf(5), d: z.int(), e: z.int32(), f: z.number().gt(1).lt(2.5), g: z.float32(), h: z.number().multipleOf(0.01).nonnegative(), i: z.uint32() }),
  unions: z.union([z.string(), z.number(), z.null()]),
  discriminated: z.discriminatedUnion("kind", [z.object({ kind: z.literal("a"), x: z.number() }), z.object({ kind: z.literal("b"), y: z.string() })]),
  literals: z.object({ a: z.literal("x"), b: z.literal([1, 2, "three", null]), c: z.enum(["p", "q"]), d: z.boolean(), e: z.null() }),
  record: z.record(z.string(), z.int()), recordRegex: z.record(z.string().regex(/^x-/), z.string()), recordEnum: z.record(z.enum(["a", "b"]), z.int()), partialRecord: z.partialRecord(z.enum(["a", "b"]), z.int()),
  tuple: z.tuple([z.string(), z.int()]), tupleRest: z.tuple([z.string()], z.int()),
  strict: z.strictObject({ a: z.int() }), loose: z.looseObject({ a: z.int() }), catchall: z.object({ a: z.int() }).catchall(z.string()),
  intersection: z.intersection(z.object({ a: z.string() }), z.object({ b: z.int().optional() })), and: z.object({ a: z.string().min(2) }).and(z.object({ a: z.string().max(4), c: z.null() })),
  never: z.object({ a: z.never().optional(), b: z.int() }), any: z.any(), unknown: z.object({ a: z.unknown() }),
  defaults: z.object({ a: z.string().default("x"), b: z.int().prefault(3), c: z.string().catch("c") }), described: z.string().describe("d").meta({ id: "thing", title: "T", examples: ["a"] }),
  tree: Tree, lazy: z.lazy(() => z.union([z.string(), z.array(z.string())])),
  template: z.templateLiteral(["v", z.number(), ".", z.enum(["a", "b"])]), readonly: z.object({ a: z.int() }).readonly(), nullish: z.object({ a: z.string().nullish() }), brand: z.string().brand("B"), json: z.json(), set: z.array(z.int()).nonempty(), pipe: z.string().pipe(z.string().min(3)), stringbool: z.union([z.literal("yes"), z.literal("no")]),
};

const out = {};
for (const target of ["draft-2020-12", "draft-7", "openapi-3.0"]) 
  for (const [name, s] of Object.entries(all)) for (const io of ["output", "input"]) {
  try {
    const schema = z.toJSONSchema(s, { target, io });
    const text = JSON.stringify(schema);
    if (!Object.values(out).some((o) => JSON.stringify(o) === text)) out[`zod ${name} ${target} ${io}`] = schema;
  } catch (e) {
    console.error(target, name, String(e));
  }
}
console.log(JSON.stringify(out).replaceAll(/"zod /g, '\n"zod '));

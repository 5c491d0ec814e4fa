// Package grammar keeps a model to JSON that a JSON Schema describes, and to calls
// of tools whose arguments obey theirs: after every token it says which tokens may
// come next.
//
//	answer, its schemas ─▶ expression over bytes ─▶ its derivatives, as they are needed ─┐
//	tokenizer ─▶ trie of the tokens' bytes ──────────────────────────────────────────────┴▶ set of allowed tokens
//
// What may still follow some text is an expression: a regular one over bytes,
// but for references to other definitions, which make recursion. The
// derivative of an expression by a byte is what may follow that byte
// (Brzozowski 1964, "Derivatives of regular expressions"). Expressions are
// unique, so that equal states have one number, and derivatives are kept.
// Every state is live: what was generated can always be completed.
//
// # What of JSON Schema is there
//
// type, enum, const; properties, required, additionalProperties,
// patternProperties, propertyNames; items, prefixItems, minItems, maxItems;
// minLength, maxLength, pattern (ECMAScript's syntax: see ecma.go), format (see
// formats); minimum, maximum and their exclusive twins, multipleOf; anyOf, oneOf
// (of branches that exclude each other), allOf; $ref within the schema,
// recursive ones too; true and false. What stands beside each other holds
// together. Of earlier drafts a list of items, and of OpenAPI nullable,
// discriminator and exclusiveMinimum: true. Annotations are ignored. Any other
// keyword is refused with its path, and so is a format that is not known.
//
// Every text that the grammar lets through is valid; not every valid text is
// let through. Properties come in the schema's order. Those that it does not
// name come last and only if additionalProperties allows them expressly or no
// properties are named at all. White space is a space, or a line break and
// indentation. Numbers have at most 15 digits before and after the point, and
// exponents two. What a pattern governs is escaped only where JSON must.
package grammar

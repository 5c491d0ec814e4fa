package grammar

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// types is a set of JSON's types.
type types uint8

const (
	null types = 1 << iota
	boolean
	object
	array
	text
	integer
	fractional // numbers that are not whole
	anyType    = 1<<iota - 1
)

var typeNames = map[string]types{
	"null": null, "boolean": boolean, "object": object, "array": array, "string": text, "integer": integer, "number": integer | fractional,
}

// keywords says of which types each keyword speaks; 0: of all, or it says nothing.
var keywords = map[string]types{
	"type": 0, "nullable": 0, "enum": 0, "const": 0, "anyOf": 0, "oneOf": 0, "allOf": 0, "$ref": 0, "discriminator": 0,
	"properties": object, "required": object, "additionalProperties": object, "patternProperties": object, "propertyNames": object,
	"items": array, "prefixItems": array, "additionalItems": array, "minItems": array, "maxItems": array,
	"minLength": text, "maxLength": text, "pattern": text, "format": text,
	"minimum": integer | fractional, "maximum": integer | fractional, "exclusiveMinimum": integer | fractional, "exclusiveMaximum": integer | fractional,
	"multipleOf": integer | fractional,
}

// annotations may stand anywhere and constrain nothing.
var annotations = []string{
	"title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly",
	"$schema", "$id", "id", "$comment", "$defs", "definitions",
	"contentEncoding", "contentMediaType", "contentSchema", "externalDocs", "xml",
}

// annotates says whether a keyword constrains nothing: one of those, or an extension, whose names begin with x-.
func annotates(name string) bool {
	return slices.Contains(annotations, name) || strings.HasPrefix(name, "x-")
}

// formats are the patterns of the formats that are enforced; "" stands for any text.
var formats = map[string]string{
	"date":      `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$`,
	"time":      `^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`,
	"date-time": `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`,
	"uuid":      `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`,
	"email":     `^[a-zA-Z0-9_+-]{1,30}(\.[a-zA-Z0-9_+-]{1,15}){0,2}@([a-z0-9]{1,20}\.){1,3}[a-z]{2,10}$`,
	"duration":  `^P([0-9]{1,3}W|[0-9]{1,3}D(T[0-9]{1,2}H)?|T[0-9]{1,3}M)$`,
	"hostname":  `^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?){1,3}$`,
	"uri":       `^https?://[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?){1,3}(/[A-Za-z0-9._~-]{1,40}){0,6}$`,
	"ipv6":      `^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$`,
	"ipv4":      `^` + octet + `(\.` + octet + `){3}$`,
	// What Zod and Pydantic write besides.
	"uuid1": `^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, "uuid3": `^[0-9a-f]{8}-[0-9a-f]{4}-3[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
	"uuid4": `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, "uuid5": `^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
	"guid": `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`,
	"byte": base64, "base64": base64, "base64url": `^[A-Za-z0-9_-]*$`,
	"cidrv4": `^` + octet + `(\.` + octet + `){3}/([12]?[0-9]|3[0-2])$`, "cidrv6": `^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}/([1-9]?[0-9]|1[01][0-9]|12[0-8])$`,
	"ipv4network": `^` + octet + `(\.` + octet + `){3}/32$`, "ipv6network": `^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}/128$`,
	"cuid": `^c[0-9a-z]{24}$`, "cuid2": `^[a-z][0-9a-z]{23}$`, "ulid": `^[0-7][0-9A-HJKMNP-TV-Z]{25}$`, "nanoid": `^[A-Za-z0-9_-]{21}$`,
	"xid": `^[0-9a-v]{20}$`, "ksuid": `^[A-Za-z0-9]{27}$`, "e164": `^\+[1-9][0-9]{6,14}$`,
	"password": "", "binary": "", "path": "", "file-path": "", "directory-path": "",
}

// patternFormats are Zod's names for what the pattern beside them says.
var patternFormats = []string{"regex", "lowercase", "uppercase", "starts_with", "ends_with", "includes", "template_literal", "emoji", "jwt"}

const (
	octet  = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	base64 = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`
)

const maxExclusive = 256 // branches of a oneOf

// compiler turns a schema into an expression.
type compiler struct {
	*pool
	root   *value
	python bool // values are written as Python does: True, False, None
	refs   map[target]expr
	queue  []definition

	defining *value               // the body of a reference, as it is about to be worked out
	inlined  map[target]bool      // within propertyNames: what is being written out in place of references to it
	joined   map[[2]*value]*value // what two schemas say together

	anyValue expr // a reference, once somebody needs it
	space    expr
	comma    expr
	colon    expr
}

// target is what a reference leads to, kept to some types.
type target struct {
	schema *value
	only   types
}

type definition struct {
	target
	ref  expr
	path string
}

// SchemaError says what is wrong with a schema, and where.
type SchemaError struct{ Path, Text string }

func (e *SchemaError) Error() string { return e.Path + " " + e.Text }

func bad(path, format string, args ...any) error {
	return &SchemaError{path, fmt.Sprintf(format, args...)}
}

// compile returns the expression of the values of a schema, whose path errors name.
// As keywords they are written like the arguments of a Python call.
func (p *pool) compile(data []byte, here string, keywords bool) (expr, error) {
	root, err := parse(data)
	if err != nil {
		return none, bad(here, "%v", err)
	}
	c := &compiler{pool: p, root: root, python: keywords, refs: map[target]expr{}, joined: map[[2]*value]*value{}}
	newline := p.join(p.literal("\n"), p.or(p.repeat(p.literal(" "), 0, 32), p.repeat(p.literal("\t"), 0, 16)))
	c.space = p.or(empty, p.literal(" "), newline)
	c.comma = p.join(p.literal(","), c.space)
	c.colon = p.join(p.literal(":"), p.option(p.literal(" ")))
	whole := none
	if keywords {
		whole, err = c.arguments(root, here)
	} else {
		whole, err = c.schema(root, here, anyType)
	}
	for err == nil && len(c.queue) > 0 {
		d := c.queue[0]
		c.queue = c.queue[1:]
		var body expr
		c.defining = d.schema
		if body, err = c.schema(d.schema, d.path, d.only); err == nil {
			p.define(d.ref, body)
		}
	}
	if err != nil {
		return none, err
	}
	if whole, err = p.productive(whole); err != nil {
		return none, bad(here, "%v", err)
	}
	if whole == none {
		return none, bad(here, "has no value that satisfies it")
	}
	return whole, nil
}

// combining are the keywords that hold schemas for the same value.
var combining = []string{"$ref", "allOf", "anyOf", "oneOf"}

// schema returns the expression of the values of the given types.
func (c *compiler) schema(v *value, path string, only types) (expr, error) {
	c.spend(1)
	switch v.kind {
	case 't':
		return c.ofTypes(&value{kind: '{'}, path, only)
	case 'f':
		return none, nil
	case '{':
	default:
		return none, bad(path, "is %s, want an object, true or false", clip(v.String()))
	}
	if v.joint && c.defining != v { // it may lead to itself
		return c.referred(v, path, only)
	}
	c.defining = nil
	if err := c.check(v, path); err != nil {
		return none, err
	}
	v = v.modern()
	if given := v.members["not"]; given != nil { // nothing, as zod's never; all else is refused
		return none, nil
	}
	if v.members["nullable"] != nil {
		some, err := c.schema(v.without("nullable"), path, only)
		if only&null != 0 {
			some = c.or(some, c.literal(c.words()[2]))
		}
		return some, err
	}
	// How many keywords speak of the value as a whole, and how many of its parts.
	combiners, constants, others := 0, 0, 0
	for _, name := range v.names {
		switch of := keywords[name]; {
		case slices.Contains(combining, name):
			combiners++
		case name == "enum" || name == "const":
			constants++
		case of != 0 && !annotates(name) && !harmless(name, v.members[name]):
			others++
		}
	}
	if list := v.members["allOf"]; list != nil && len(list.items) != 1 {
		combiners++
	}
	if combiners > 1 || combiners == 1 && constants+others > 0 || constants > 1 {
		all, err := c.alternatives(v, path, 0)
		if err != nil {
			return none, err
		}
		var parts []expr
		for _, one := range all {
			part, err := c.schema(one, path, only)
			if err != nil {
				return none, err
			}
			parts = append(parts, part)
		}
		return c.or(parts...), nil
	}
	only, err := c.typesOf(v, path, only, combiners+constants > 0)
	switch {
	case err != nil:
		return none, err
	case constants == 1 && others > 0:
		rest, err := c.ofTypes(v, path, only)
		if err != nil {
			return none, err
		}
		return c.both(c.constants(v, only), rest), nil
	case constants == 1:
		return c.constants(v, only), nil
	case combiners == 0:
		return c.ofTypes(v, path, only)
	case v.members["$ref"] != nil:
		return c.reference(v.members["$ref"], path+".$ref", only)
	}
	var parts []expr
	branches, at, err := c.branches(v, path)
	if err != nil {
		return none, err
	}
	for i, branch := range branches {
		part, err := c.schema(branch, fmt.Sprintf("%s[%d]", at, i), only)
		if err != nil {
			return none, err
		}
		parts = append(parts, part)
	}
	return c.or(parts...), nil
}

// check refuses what is not supported, by its path.
func (c *compiler) check(v *value, path string) error {
	for _, name := range v.names {
		_, known := keywords[name]
		given := v.members[name]
		switch {
		case name == "$id" && v != c.root:
			return bad(path+".$id", "is not supported within a schema")
		case annotates(name), harmless(name, given):
		case !known:
			return bad(path+"."+clip(name), "is not supported")
		}
		switch name {
		case "anyOf", "oneOf", "allOf":
			if given.kind != '[' || len(given.items) == 0 {
				return bad(path+"."+name, "is no list of at least one schema")
			}
		case "enum":
			if given.kind != '[' || len(given.items) == 0 {
				return bad(path+".enum", "is no list of at least one value")
			}
		case "additionalItems":
			if items := v.members["items"]; items == nil || items.kind != '[' || v.members["prefixItems"] != nil {
				return bad(path+".additionalItems", "is not supported but beside a list of items")
			}
		case "nullable":
			if given.kind != 't' && given.kind != 'f' {
				return bad(path+".nullable", "is %s, want true or false", clip(given.String()))
			}
		case "discriminator":
			property := given.members["propertyName"]
			if property == nil || property.kind != '"' {
				return bad(path+".discriminator", "has no propertyName")
			}
			if v.members["oneOf"] == nil && v.members["anyOf"] == nil {
				return bad(path+".discriminator", "is not supported but beside oneOf or anyOf")
			}
		}
	}
	return nil
}

// branches are the schemas of anyOf, oneOf or an allOf of one, which stands alone.
func (c *compiler) branches(v *value, path string) (list []*value, at string, err error) {
	for _, name := range combining[1:] {
		given := v.members[name]
		if given == nil {
			continue
		}
		at, list = path+"."+name, given.items
		if d := v.members["discriminator"]; d != nil && name != "allOf" {
			// What tells the branches apart is there.
			list = slices.Clone(list)
			for i, branch := range list {
				list[i] = c.requiring(branch, d.members["propertyName"])
			}
		}
		if name == "oneOf" {
			err = c.exclusive(list, at)
		}
	}
	return list, at, err
}

// typesOf narrows types down to what a schema names or, where nothing says what
// the whole value is, speaks of: nothing else need be generated.
func (c *compiler) typesOf(v *value, path string, only types, whole bool) (types, error) {
	if t := v.members["type"]; t != nil {
		named, err := readTypes(t, path)
		return only & named, err
	}
	var speaks types
	for _, name := range v.names {
		if !annotates(name) && !harmless(name, v.members[name]) {
			speaks |= keywords[name]
		}
	}
	if speaks != 0 && !whole {
		only &= speaks
	}
	return only, nil
}

// constants are the values of an enum or a const.
func (c *compiler) constants(v *value, only types) expr {
	given := v.members["const"]
	if given != nil {
		return c.constant(given, only)
	}
	var parts []expr
	for _, item := range v.members["enum"].items {
		parts = append(parts, c.constant(item, only))
	}
	return c.or(parts...)
}

// harmless says whether a keyword that is not supported asks for nothing here.
func harmless(name string, v *value) bool {
	switch name {
	case "uniqueItems":
		return v.kind == 'f'
	case "minProperties", "minContains":
		n, ok := v.count()
		return ok && n == 0
	case "not": // nothing
		return v.kind == 't' || v.kind == '{' && len(v.names) == 0
	}
	return false
}

func readTypes(v *value, path string) (types, error) {
	list := []*value{v}
	if v.kind == '[' {
		list = v.items
	}
	var named types
	for _, item := range list {
		t := typeNames[item.text]
		if item.kind != '"' || t == 0 {
			return 0, bad(path+".type", "is %s, want string, number, integer, boolean, object, array, null or a list of them", clip(v.String()))
		}
		named |= t
	}
	if named == 0 {
		return 0, bad(path+".type", "is an empty list")
	}
	return named, nil
}

// typeOf is the one type that a value has.
func typeOf(v *value) types {
	switch v.kind {
	case '{':
		return object
	case '[':
		return array
	case '"':
		return text
	case '0':
		if n, ok := v.number(); ok && n != math.Trunc(n) {
			return fractional
		}
		return integer
	case 'n':
		return null
	}
	return boolean
}

func (c *compiler) constant(v *value, only types) expr {
	if typeOf(v)&only == 0 {
		return none
	}
	var b strings.Builder
	v.write(&b, c.words())
	return c.literal(b.String())
}

// words are how true, false and null are written.
func (c *compiler) words() *[3]string {
	if c.python {
		return &[3]string{"True", "False", "None"}
	}
	return &jsonWords
}

// ofTypes matches values of some types by the keywords that speak of each.
func (c *compiler) ofTypes(v *value, path string, only types) (expr, error) {
	var parts []expr
	for _, kind := range []struct {
		of   types
		make func(v *value, path string) (expr, error)
	}{
		{object, c.object},
		{array, c.array},
		{text, c.text},
		{integer | fractional, func(v *value, path string) (expr, error) { return c.numbers(v, path, only&fractional == 0) }},
		{boolean, func(*value, string) (expr, error) { return c.or(c.literal(c.words()[0]), c.literal(c.words()[1])), nil }},
		{null, func(*value, string) (expr, error) { return c.literal(c.words()[2]), nil }},
	} {
		if only&kind.of == 0 {
			continue
		}
		part, err := kind.make(v, path)
		if err != nil {
			return none, err
		}
		parts = append(parts, part)
	}
	return c.or(parts...), nil
}

// any matches every JSON value.
func (c *compiler) any() expr {
	if c.anyValue == none {
		c.anyValue = c.refer(&value{kind: 't'}, "schema", anyType)
	}
	return c.anyValue
}

func (c *compiler) refer(v *value, path string, only types) expr {
	key := target{v, only}
	ref, ok := c.refs[key]
	if !ok {
		ref = c.ref()
		c.refs[key] = ref
		c.queue = append(c.queue, definition{key, ref, path})
	}
	return ref
}

func (c *compiler) reference(v *value, path string, only types) (expr, error) {
	schema, name, err := c.follow(v)
	if err != nil {
		return none, bad(path, "%v", err)
	}
	return c.referred(schema, name, only)
}

// referred is a reference to a schema, or, within names, its expression itself.
func (c *compiler) referred(v *value, path string, only types) (expr, error) {
	key := target{v, only}
	if c.inlined == nil {
		return c.refer(v, path, only), nil
	}
	if c.inlined[key] {
		return none, bad(path, "leads to itself, which is not supported for names")
	}
	c.inlined[key] = true
	defer delete(c.inlined, key)
	c.defining = v
	return c.schema(v, path, only)
}

// follow follows a JSON pointer within the schema (RFC 6901) and returns what
// is there, and its path.
func (c *compiler) follow(v *value) (*value, string, error) {
	pointer, inside := strings.CutPrefix(v.text, "#")
	if v.kind != '"' || !inside || pointer != "" && pointer[0] != '/' {
		return nil, "", fmt.Errorf("is %s, want a pointer within the schema such as \"#/$defs/name\"", clip(v.String()))
	}
	at, name := c.root, "schema"
	if pointer == "" {
		return at, name, nil
	}
	for _, step := range strings.Split(pointer[1:], "/") {
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		next := at.members[step]
		if i, err := strconv.Atoi(step); err == nil && at.kind == '[' && i >= 0 && i < len(at.items) {
			next = at.items[i]
		}
		if next == nil {
			return nil, "", fmt.Errorf("leads nowhere: %s has no %q", clip(name), clip(step))
		}
		at, name = next, name+"."+clip(step)
	}
	return at, name, nil
}

func (c *compiler) count(v *value, path, name string, otherwise int) (int, error) {
	given := v.members[name]
	if given == nil {
		return otherwise, nil
	}
	n, ok := given.count()
	if !ok {
		return 0, bad(path+"."+name, "is %s, want a whole number from 0", clip(given.String()))
	}
	return n, nil
}

func (c *compiler) text(v *value, path string) (expr, error) {
	low, err := c.count(v, path, "minLength", 0)
	if err != nil {
		return none, err
	}
	high, err := c.count(v, path, "maxLength", -1)
	if err != nil {
		return none, err
	}
	var inside []expr
	for _, name := range []string{"pattern", "format"} {
		given := v.members[name]
		if given == nil {
			continue
		}
		all := []*value{given}
		if given.kind == jointKind {
			all = given.items
		}
		for _, given := range all {
			if given.kind != '"' {
				return none, bad(path+"."+name, "is %s, want a string", clip(given.String()))
			}
			source := given.text
			if name == "format" {
				known := v.members["pattern"] != nil && slices.Contains(patternFormats, given.text)
				if known {
					continue
				}
				if source, known = formats[given.text]; !known && !slices.Contains(numberFormats, given.text) {
					return none, bad(path+".format", "is %s, want one of %s", clip(given.String()), strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
				}
				if source == "" {
					continue
				}
			}
			e, err := c.pattern(source)
			if err != nil {
				return none, bad(path+"."+name, "%v", err)
			}
			inside = append(inside, e)
		}
	}
	if len(inside) == 0 || low > 0 || high >= 0 {
		inside = append(inside, c.repeat(c.char(), low, high))
	}
	return c.cat(c.literal(`"`), c.both(inside...), c.literal(`"`)), nil
}

func (c *compiler) numbers(v *value, path string, whole bool) (expr, error) {
	b := bounds{low: math.Inf(-1), high: math.Inf(1)}
	bounded := false
	for _, bound := range []struct {
		name        string
		open, lower bool
	}{{"minimum", false, true}, {"exclusiveMinimum", true, true}, {"maximum", false, false}, {"exclusiveMaximum", true, false}} {
		given := v.members[bound.name]
		if given == nil {
			continue
		}
		n, ok := given.number()
		if !ok {
			return none, bad(path+"."+bound.name, "is %s, want a number", clip(given.String()))
		}
		bounded = true
		switch {
		case bound.lower && n >= b.low:
			b.low, b.openLow = n, bound.open || n == b.low && b.openLow
		case !bound.lower && n <= b.high:
			b.high, b.openHigh = n, bound.open || n == b.high && b.openHigh
		}
	}
	if format := v.members["format"]; format != nil {
		all := []*value{format}
		if format.kind == jointKind {
			all = format.items
		}
		for _, format := range all {
			for _, sized := range []struct {
				name      string
				low, high float64
			}{{"int32", math.MinInt32, math.MaxInt32}, {"uint32", 0, math.MaxUint32}, {"uint64", 0, math.Inf(1)}} {
				if format.text == sized.name {
					b.low, b.high, bounded = max(b.low, sized.low), min(b.high, sized.high), true
				}
			}
		}
	}
	e := c.number(whole)
	if bounded {
		var err error
		if e, err = c.between(b, whole); err != nil {
			return none, bad(path, "has bounds that cannot be met: %v", err)
		}
	}
	if of := v.members["multipleOf"]; of != nil {
		var err error
		if e, err = c.multiples(of, b, whole, e); err != nil {
			return none, bad(path+".multipleOf", "%v", err)
		}
	}
	return e, nil
}

// numberFormats say how a number is stored.
var numberFormats = []string{"int32", "int64", "uint32", "uint64", "float", "double"}

func (c *compiler) array(v *value, path string) (expr, error) {
	low, err := c.count(v, path, "minItems", 0)
	if err != nil {
		return none, err
	}
	high, err := c.count(v, path, "maxItems", -1)
	if err != nil {
		return none, err
	}
	var first []expr
	items, prefix := v.members["items"], v.members["prefixItems"]
	if prefix != nil {
		if prefix.kind != '[' {
			return none, bad(path+".prefixItems", "is %s, want a list of schemas", clip(prefix.String()))
		}
		for i, item := range prefix.items {
			e, err := c.schema(item, fmt.Sprintf("%s.prefixItems[%d]", path, i), anyType)
			if err != nil {
				return none, err
			}
			first = append(first, e)
		}
	}
	rest := none
	if items != nil {
		if items.kind == '[' {
			return none, bad(path+".items", "is a list: want a schema, and a list as prefixItems")
		}
		if rest, err = c.schema(items, path+".items", anyType); err != nil {
			return none, err
		}
	} else {
		rest = c.any()
	}
	// after[i] is what may follow i items.
	more := c.join(c.comma, rest)
	n := len(first)
	left := -1
	if high >= 0 {
		left = max(high-n, 0)
	}
	var after expr
	if high >= 0 && high < n {
		after = empty
		n = high
	} else if after = c.repeat(more, max(low-n, 0), left); n == 0 {
		after = empty
		if high != 0 {
			after = c.join(rest, c.repeat(more, max(low-1, 0), max(left-1, -1)))
		}
		if low == 0 {
			after = c.option(after)
		}
	}
	if high >= 0 && high < low {
		after = none
	}
	for i := n - 1; i >= 0; i-- {
		item := first[i]
		if i > 0 {
			item = c.join(c.comma, item)
		}
		after = c.join(item, after)
		if i >= low {
			after = c.option(after)
		}
	}
	return c.enclosed("[", after, "]"), nil
}

// enclosed puts brackets around what may be empty.
func (c *compiler) enclosed(open string, inside expr, end string) expr {
	if c.nullable(inside) {
		// White space once, whichever way it goes on.
		return c.cat(c.literal(open), c.space, c.or(c.literal(end), c.cat(c.filled(inside), c.space, c.literal(end))))
	}
	return c.cat(c.literal(open), c.space, inside, c.space, c.literal(end))
}

// filled is e without the empty text, for what c.option made.
func (c *compiler) filled(e expr) expr {
	n := c.nodes[e]
	switch {
	case e == empty:
		return none
	case n.kind == kindOr:
		return c.or(slices.DeleteFunc(slices.Clone(n.list), func(e expr) bool { return e == empty })...)
	}
	return e
}

func (c *compiler) object(v *value, path string) (expr, error) {
	inside, err := c.inside(v, path, false)
	if err != nil {
		return none, err
	}
	return c.enclosed("{", inside, "}"), nil
}

// inside matches what stands between an object's braces or, as keywords, between those of a Python call.
func (c *compiler) inside(v *value, path string, keywords bool) (expr, error) {
	properties := v.members["properties"]
	if properties == nil {
		properties = &value{kind: '{'}
	}
	if properties.kind != '{' {
		return none, bad(path+".properties", "is %s, want an object", clip(properties.String()))
	}
	names := slices.Clone(properties.names)
	required := map[string]bool{}
	if list := v.members["required"]; list != nil {
		if list.kind != '[' {
			return none, bad(path+".required", "is %s, want a list of names", clip(list.String()))
		}
		for i, name := range list.items {
			if name.kind != '"' {
				return none, bad(fmt.Sprintf("%s.required[%d]", path, i), "is %s, want a name", clip(name.String()))
			}
			if properties.members[name.text] == nil && !required[name.text] {
				names = append(names, name.text)
			}
			required[name.text] = true
		}
	}
	// What is not named has this schema, and may come by itself if open.
	other, open := c.any(), v.members["properties"] == nil
	if given := v.members["additionalProperties"]; given != nil {
		var err error
		if other, err = c.schema(given, path+".additionalProperties", anyType); err != nil {
			return none, err
		}
		open = given.kind != 'f'
	}
	kinds, err := c.namePatterns(v, path)
	if err != nil {
		return none, err
	}
	if len(kinds) > 0 && v.members["additionalProperties"] == nil {
		open = false
	}
	valid := none // names, quoted
	if given := v.members["propertyNames"]; given != nil {
		c.inlined = map[target]bool{} // it is intersected below, and what is referred to is not defined before the end
		valid, err = c.schema(given, path+".propertyNames", text)
		c.inlined = nil
		if err != nil {
			return none, err
		}
	}
	member := func(name, schema expr) expr { return c.cat(name, c.colon, schema) }
	// tails of what may come from the i-th name on: with nothing before it, or after a comma.
	first, later := empty, empty
	key := none
	if open || len(kinds) > 0 {
		key = c.key(names)
		if given := v.members["propertyNames"]; given != nil {
			key = c.both(key, valid)
		}
	}
	extra := none
	// Names that no pattern fits are others; those that some fit obey the schemas of all of these.
	for fits := range 1 << len(kinds) {
		some, schema := key, (*value)(nil)
		for i, kind := range kinds {
			if fits>>i&1 == 0 {
				some = c.both(some, c.not(kind.names))
				continue
			}
			some = c.both(some, kind.names)
			if schema == nil {
				schema = kind.schema
			} else {
				schema = c.joinLater(schema, kind.schema)
			}
		}
		e := other
		if schema != nil {
			if e, err = c.schema(schema, path+".patternProperties", anyType); err != nil {
				return none, err
			}
		} else if !open {
			continue
		}
		extra = c.or(extra, member(some, e))
	}
	if extra != none {
		later = c.repeat(c.join(c.comma, extra), 0, -1)
		first = c.option(c.join(extra, later))
	}
	for _, name := range slices.Backward(names) {
		given, at := properties.members[name], path+".properties."+clip(name)
		for _, kind := range kinds {
			if !c.matches(kind.names, quoted(name)) {
				continue
			}
			if given == nil {
				given, at = kind.schema, path+".patternProperties"
			} else {
				given = c.joinLater(given, kind.schema)
			}
		}
		schema := other
		if given != nil {
			var err error
			if schema, err = c.schema(given, at, anyType); err != nil {
				return none, err
			}
		}
		if v.members["propertyNames"] != nil && !c.matches(valid, quoted(name)) {
			schema = none
		}
		one := member(c.literal(quoted(name)), schema)
		if keywords {
			one = c.join(c.literal(name+"="), schema)
		}
		if required[name] {
			first, later = c.join(one, later), c.cat(c.comma, one, later)
		} else {
			first, later = c.or(first, c.join(one, later)), c.or(later, c.cat(c.comma, one, later))
		}
	}
	return first, nil
}

// namesOf are the names, quoted, that a pattern fits, and the schema of their values.
type namesOf struct {
	names  expr
	schema *value
}

// maxNamePatterns bounds the patterns of one object: names may fit any of them, or any two.
const maxNamePatterns = 4

func (c *compiler) namePatterns(v *value, path string) (out []namesOf, err error) {
	given := v.members["patternProperties"]
	if given == nil {
		return nil, nil
	}
	path += ".patternProperties"
	if given.kind != '{' {
		return nil, bad(path, "is %s, want an object", clip(given.String()))
	}
	if len(given.names) > maxNamePatterns {
		return nil, bad(path, "has %d patterns, want at most %d", len(given.names), maxNamePatterns)
	}
	for _, pattern := range given.names {
		inside, err := c.pattern(pattern)
		if err != nil {
			return nil, bad(path+"."+clip(pattern), "%v", err)
		}
		out = append(out, namesOf{c.cat(c.literal(`"`), c.both(inside), c.literal(`"`)), given.members[pattern]})
	}
	return out, nil
}

// matches says whether an expression matches a text.
func (p *pool) matches(e expr, text string) bool {
	for i := range len(text) {
		if e = p.row(e).at(text[i]); e == none {
			return false
		}
	}
	return p.nullable(e)
}

// exclusive makes sure that no value satisfies two branches of a oneOf.
func (c *compiler) exclusive(branches []*value, path string) error {
	if len(branches) > maxExclusive {
		return bad(path, "has %d branches, want at most %d", len(branches), maxExclusive)
	}
	for i, a := range branches {
		for j, b := range branches[:i] {
			if !c.disjoint(a, b, 4) {
				return bad(path, "has branches %d and %d that may both hold: use anyOf, or require a property whose const tells them apart", j, i)
			}
		}
	}
	return nil
}

// resolved follows references, and joins what allOf says together.
func (c *compiler) resolved(v *value) *value {
	for range 16 {
		if list := v.members["allOf"]; list != nil && list.kind == '[' && len(list.items) == 1 {
			v = list.items[0]
		} else if list != nil {
			all, err := c.alternatives(v, "", 0)
			if err != nil || len(all) != 1 {
				return v
			}
			v = all[0]
		} else if ref := v.members["$ref"]; ref != nil {
			next, _, err := c.follow(ref)
			if err != nil {
				return v // compiling it says what is wrong
			}
			v = next
		} else {
			break
		}
	}
	return v
}

// disjoint says whether no value can satisfy both schemas; false where that
// does not show.
func (c *compiler) disjoint(a, b *value, depth int) bool {
	c.spend(1)
	a, b = c.resolved(a), c.resolved(b)
	if a.kind == 'f' || b.kind == 'f' {
		return true
	}
	if a.kind != '{' || b.kind != '{' || depth == 0 {
		return false
	}
	valuesA, typesA := values(a)
	valuesB, typesB := values(b)
	if typesA&typesB == 0 {
		return true
	}
	if valuesA != nil && valuesB != nil {
		c.spend(len(valuesA))
		return !slices.ContainsFunc(valuesA, c.lookup(valuesB).may)
	}
	if typesA != object || typesB != object {
		return false
	}
	return c.apart(a, b, depth) || c.apart(b, a, depth)
}

// apart says whether what a requires b forbids.
func (c *compiler) apart(a, b *value, depth int) bool {
	list := a.members["required"]
	if list == nil {
		return false
	}
	property := func(v *value, name string) *value {
		if all := v.members["properties"]; all != nil {
			return all.members[name]
		}
		return nil
	}
	for _, name := range list.items {
		mine, other := property(a, name.text), property(b, name.text)
		if other == nil {
			other = b.members["additionalProperties"]
		}
		if other == nil {
			continue
		}
		if other.kind == 'f' || mine != nil && c.disjoint(mine, other, depth-1) {
			return true
		}
	}
	return false
}

// values lists what a schema's enum or const allows, nil without one, and the
// types that its values may have.
func values(v *value) (list []*value, of types) {
	of = anyType
	if t := v.members["type"]; t != nil {
		if named, err := readTypes(t, ""); err == nil {
			of = named
		}
	}
	if one := v.members["const"]; one != nil {
		list = []*value{one}
	} else if many := v.members["enum"]; many != nil && many.kind == '[' {
		list = many.items
	}
	if list != nil {
		var found types
		for _, item := range list {
			found |= typeOf(item)
		}
		of &= found
	}
	return list, of
}

// same says whether two values may be equal; numbers are compared as such.
func same(a, b *value) bool {
	if a.kind == '0' && b.kind == '0' {
		m, okM := a.number()
		n, okN := b.number()
		return !okM || !okN || m == n
	}
	if a.kind != b.kind {
		return false
	}
	return a.kind == '{' || a.kind == '[' || a.String() == b.String()
}

// productive checks what references lead to and leaves out those that never
// come to an end.
func (p *pool) productive(whole expr) (expr, error) {
	if err := p.circles(); err != nil {
		return none, err
	}
	finite := make([]bool, len(p.defs))
	for changed := true; changed; {
		changed = false
		known := map[expr]bool{}
		for i, body := range slices.Backward(p.defs) {
			if !finite[i] && p.ends(body, finite, known) {
				finite[i], changed = true, true
				clear(known)
			}
		}
	}
	if !slices.Contains(finite, false) {
		return whole, nil
	}
	rebuilt := map[expr]expr{}
	for i, body := range p.defs {
		p.defs[i] = p.without(body, finite, rebuilt)
	}
	return p.without(whole, finite, rebuilt), nil
}

// ends says whether some text matches e, going by what is known of references.
func (p *pool) ends(e expr, finite []bool, known map[expr]bool) bool {
	n := p.nodes[e]
	switch n.kind {
	case kindNone:
		return false
	case kindRef:
		return finite[n.min]
	case kindCat, kindOr, kindRepeat:
	default:
		return true
	}
	if is, ok := known[e]; ok {
		return is
	}
	p.spend(1)
	is := false
	switch n.kind {
	case kindCat:
		is = p.ends(n.a, finite, known) && p.ends(n.b, finite, known)
	case kindOr:
		for _, part := range n.list {
			is = is || p.ends(part, finite, known)
		}
	case kindRepeat:
		is = n.min == 0 || p.ends(n.a, finite, known)
	}
	known[e] = is
	return is
}

// without rebuilds e with nothing in the place of references that do not end.
func (p *pool) without(e expr, finite []bool, rebuilt map[expr]expr) expr {
	n := p.nodes[e]
	switch n.kind {
	case kindRef:
		if !finite[n.min] {
			return none
		}
		return e
	case kindCat, kindOr, kindRepeat:
	default:
		return e
	}
	if out, ok := rebuilt[e]; ok {
		return out
	}
	p.spend(1)
	var out expr
	switch n.kind {
	case kindCat:
		out = p.join(p.without(n.a, finite, rebuilt), p.without(n.b, finite, rebuilt))
	case kindOr:
		list := make([]expr, len(n.list))
		for i, part := range n.list {
			list[i] = p.without(part, finite, rebuilt)
		}
		out = p.or(list...)
	case kindRepeat:
		out = p.repeat(p.without(n.a, finite, rebuilt), int(n.min), int(n.max))
	}
	rebuilt[e] = out
	return out
}

// circles refuses references that lead to themselves before any text does.
func (p *pool) circles() error {
	const under, done = 1, 2
	marks := make([]uint8, len(p.defs))
	var visit func(e expr) bool
	visit = func(e expr) bool {
		n := p.nodes[e]
		p.spend(1)
		switch n.kind {
		case kindRef:
			if marks[n.min] == 0 {
				marks[n.min] = under
				if !visit(p.defs[n.min]) {
					return false
				}
				marks[n.min] = done
			}
			return marks[n.min] == done
		case kindCat: // its head is never empty here but for white space and signs
			return visit(n.a) && (!p.nullable(n.a) || visit(n.b))
		case kindOr:
			return !slices.ContainsFunc(n.list, func(part expr) bool { return !visit(part) })
		case kindRepeat:
			return visit(n.a)
		}
		return true
	}
	for i, body := range p.defs {
		if marks[i] == 0 {
			marks[i] = under
			if !visit(body) {
				return errors.New("has a $ref that leads to itself and to nothing else")
			}
			marks[i] = done
		}
	}
	return nil
}

package grammar

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
)

// Schemas that hold together, under allOf, beside a $ref or around an anyOf,
// are joined keyword by keyword before anything is made of them: the
// expressions of two objects have their properties in different orders.

// maxJoined bounds how deep references and combinations nest in what is joined.
const maxJoined = 32

// alternatives are schemas without $ref, allOf, anyOf and oneOf; a value
// satisfies v if it satisfies one of them.
func (c *compiler) alternatives(v *value, path string, depth int) ([]*value, error) {
	c.spend(1)
	switch v.kind {
	case 't':
		return []*value{{kind: '{'}}, nil
	case 'f':
		return nil, nil
	case '{':
	default:
		return nil, bad(path, "is %s, want an object, true or false", clip(v.String()))
	}
	if depth > maxJoined {
		return nil, bad(path, "has a $ref that leads to itself, or nests deeper than %d", maxJoined)
	}
	if err := c.check(v, path); err != nil {
		return nil, err
	}
	v = v.modern()
	if v.members["not"] != nil {
		return nil, nil
	}
	own := v
	for _, name := range append([]string{"nullable", "discriminator"}, combining...) {
		own = own.without(name)
	}
	if list := c.joinConstants(own, &value{}); list != nil {
		own = own.without("const").with("enum", list)
	}
	out := []*value{own}
	with := func(at string, branches []*value) error {
		var alternatives []*value
		for i, branch := range branches {
			name := at
			if len(branches) > 1 {
				name = fmt.Sprintf("%s[%d]", at, i)
			}
			all, err := c.alternatives(branch, name, depth+1)
			if err != nil {
				return err
			}
			alternatives = append(alternatives, all...)
		}
		var joined []*value
		for _, a := range out {
			for _, b := range alternatives {
				one, err := c.together(a, b, path)
				if err != nil {
					return err
				}
				if one == nil {
					continue
				}
				if joined = append(joined, one); len(joined) > maxExclusive {
					return bad(path, "allows more than %d combinations of its alternatives", maxExclusive)
				}
			}
		}
		out = joined
		return nil
	}
	if ref := v.members["$ref"]; ref != nil {
		schema, name, err := c.follow(ref)
		if err != nil {
			return nil, bad(path+".$ref", "%v", err)
		}
		if err := with(name, []*value{schema}); err != nil {
			return nil, err
		}
	}
	if all := v.members["allOf"]; all != nil {
		for i, part := range all.items {
			if err := with(fmt.Sprintf("%s.allOf[%d]", path, i), []*value{part}); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		if v.members[name] == nil {
			continue
		}
		one := &value{kind: '{', names: []string{name}, members: map[string]*value{name: v.members[name]}}
		if d := v.members["discriminator"]; d != nil {
			one = one.with("discriminator", d)
		}
		branches, at, err := c.branches(one, path)
		if err == nil {
			err = with(at, branches)
		}
		if err != nil {
			return nil, err
		}
	}
	if v.members["nullable"] != nil {
		out = append(out, keyword("type", &value{kind: '"', text: "null"}))
	}
	return out, nil
}

// keyword is a schema of one keyword.
func keyword(name string, member *value) *value {
	return &value{kind: '{', names: []string{name}, members: map[string]*value{name: member}}
}

// requiring is a schema that requires a property besides.
func (c *compiler) requiring(v *value, property *value) *value {
	key := [2]*value{v, property}
	if c.joined[key] == nil {
		c.joined[key] = c.joinLater(v, keyword("required", &value{kind: '[', items: []*value{property}}))
	}
	return c.joined[key]
}

// joinLater is what two schemas say together; it is worked out where it is needed.
func (c *compiler) joinLater(a, b *value) *value {
	switch {
	case a == b, b.kind == 't', a.kind == 'f':
		return a
	case a.kind == 't', b.kind == 'f':
		return b
	}
	key := [2]*value{a, b}
	out := c.joined[key]
	if out == nil {
		out = keyword("allOf", &value{kind: '[', items: []*value{a, b}})
		out.joint = true
		c.joined[key] = out
	}
	return out
}

// joint are the keywords that are joined together with others.
var joint = []string{"enum", "const", "properties", "additionalProperties", "patternProperties", "items", "prefixItems"}

// together is what two schemas without $ref, allOf, anyOf and oneOf say
// together, nil where they contradict each other by type or value.
func (c *compiler) together(a, b *value, path string) (*value, error) {
	c.spend(1 + len(a.names) + len(b.names))
	if len(b.names) == 0 {
		return a, nil
	}
	out := &value{kind: '{', members: map[string]*value{}}
	set := func(name string, v *value) {
		if v != nil {
			out.names = append(out.names, name)
			out.members[name] = v
		}
	}
	for _, name := range a.names {
		if !slices.Contains(joint, name) && !annotates(name) {
			set(name, a.members[name])
		}
	}
	for _, name := range b.names {
		mine, theirs := out.members[name], b.members[name]
		switch {
		case annotates(name), slices.Contains(joint, name):
		case mine == nil:
			set(name, theirs)
		default:
			both, err := c.underOne(name, mine, theirs, path)
			if err != nil || name == "type" && len(both.items) == 0 && both.kind == '[' {
				return nil, err
			}
			out.members[name] = both
		}
	}
	list := c.joinConstants(a, b)
	if list != nil && len(list.items) == 0 {
		return nil, nil
	}
	set("enum", list)
	if err := c.joinArrays(a, b, set, path); err != nil {
		return nil, err
	}
	return out, c.joinObjects(a, b, set, path)
}

// underOne is what two schemas say under one keyword, where that is a matter of the keyword alone.
func (c *compiler) underOne(name string, a, b *value, path string) (*value, error) {
	// Lists of patterns have no text of their own.
	if a == b || a.kind != jointKind && b.kind != jointKind && same(a, b) && a.String() == b.String() {
		return a, nil
	}
	switch name {
	case "type":
		m, err := readTypes(a, path)
		if err != nil {
			return nil, err
		}
		n, err := readTypes(b, path)
		if err != nil {
			return nil, err
		}
		list := &value{kind: '['}
		for name, of := range typeNames {
			if m&n&of == of && (name != "integer" || m&n&fractional == 0) {
				list.items = append(list.items, &value{kind: '"', text: name})
			}
		}
		slices.SortFunc(list.items, func(a, b *value) int { return int(typeNames[a.text]) - int(typeNames[b.text]) })
		return list, nil
	case "required":
		return &value{kind: '[', items: append(slices.Clone(a.items), b.items...)}, nil
	case "minLength", "minItems", "minimum", "exclusiveMinimum":
		return larger(a, b, 1), nil
	case "maxLength", "maxItems", "maximum", "exclusiveMaximum":
		return larger(a, b, -1), nil
	case "pattern", "format":
		list := &value{kind: jointKind}
		for _, v := range []*value{a, b} {
			if v.kind == jointKind {
				list.items = append(list.items, v.items...)
			} else {
				list.items = append(list.items, v)
			}
		}
		return list, nil
	case "propertyNames":
		return c.joinLater(a, b), nil
	case "multipleOf":
		if lcm := leastMultiple(a, b); lcm != nil {
			return lcm, nil
		}
	}
	return nil, bad(path+"."+name, "stands in several schemas for one value, which is not supported")
}

// larger is the larger of two numbers, or the smaller one; what is no number is left for others to refuse.
func larger(a, b *value, sign float64) *value {
	m, ok1 := a.number()
	n, ok2 := b.number()
	if !ok1 || ok2 && sign*n > sign*m {
		if !ok1 {
			return a
		}
		return b
	}
	if !ok2 {
		return b
	}
	return a
}

// leastMultiple is the least common multiple of two whole numbers, nil where they are not.
// Of a number beyond 63 bits, which is refused as a multiple anyway, it is that number.
func leastMultiple(a, b *value) *value {
	m, errM := strconv.ParseUint(a.text, 10, 63)
	n, errN := strconv.ParseUint(b.text, 10, 63)
	if errors.Is(errM, strconv.ErrSyntax) || errors.Is(errN, strconv.ErrSyntax) || m == 0 || n == 0 {
		return nil
	}
	if errM != nil {
		return a
	}
	if errN != nil {
		return b
	}
	high, low := bits.Mul64(m, n/gcd(m, n))
	if high == 0 {
		return &value{kind: '0', text: strconv.FormatUint(low, 10)}
	}
	first, rest := bits.Div64(high, low, 1e19)
	return &value{kind: '0', text: fmt.Sprintf("%d%019d", first, rest)}
}

// gcd is the greatest common divisor of two numbers above 0.
func gcd(m, n uint64) uint64 {
	for n != 0 {
		m, n = n, m%n
	}
	return m
}

// joinConstants are the values that both schemas list; nil where neither lists any.
func (c *compiler) joinConstants(a, b *value) *value {
	var out *value
	for _, v := range []*value{a.members["enum"], a.members["const"], b.members["enum"], b.members["const"]} {
		if v == nil {
			continue
		}
		list := []*value{v}
		if v == a.members["enum"] || v == b.members["enum"] {
			list = v.items
		}
		if out == nil {
			out = &value{kind: '[', items: list}
			continue
		}
		listed := c.lookup(list)
		out = &value{kind: '[', items: slices.DeleteFunc(slices.Clone(out.items), func(one *value) bool { return !listed.has(one) })}
	}
	return out
}

// lookup is a list of values to be found in.
type lookup struct {
	texts   map[string]bool
	numbers map[float64]bool // 1 is 1.0
	beyond  bool             // there is a number that has no float64: it may be any
	inside  map[byte]bool    // whether there are objects, and arrays
}

func (c *compiler) lookup(list []*value) lookup {
	found := lookup{texts: map[string]bool{}, numbers: map[float64]bool{}, inside: map[byte]bool{}}
	c.spend(len(list))
	for _, v := range list {
		found.texts[v.String()] = true
		found.inside[v.kind] = v.kind == '{' || v.kind == '['
		if v.kind == '0' {
			n, ok := v.number()
			found.numbers[n] = ok
			found.beyond = found.beyond || !ok
		}
	}
	return found
}

// has tells whether a value is among them.
func (l lookup) has(v *value) bool {
	if v.kind != '0' || l.texts[v.String()] {
		return l.texts[v.String()]
	}
	n, ok := v.number()
	return l.numbers[n] || l.beyond || !ok && len(l.numbers) > 0
}

// may tells whether a value may be among them: objects and arrays are not looked into.
func (l lookup) may(v *value) bool { return l.inside[v.kind] || l.has(v) }

// joinArrays joins what two schemas say of items, place by place.
func (c *compiler) joinArrays(a, b *value, set func(string, *value), path string) error {
	type shape struct {
		first []*value
		rest  *value // nil: not said
		any   bool
	}
	read := func(v *value) (s shape, err error) {
		items, prefix := v.members["items"], v.members["prefixItems"]
		if prefix != nil {
			if prefix.kind != '[' {
				return s, bad(path+".prefixItems", "is %s, want a list of schemas", clip(prefix.String()))
			}
			s.first = prefix.items
		}
		s.rest, s.any = items, items != nil || prefix != nil
		return s, nil
	}
	x, err := read(a)
	if err != nil {
		return err
	}
	y, err := read(b)
	if err != nil {
		return err
	}
	if !x.any && !y.any {
		return nil
	}
	at := func(s shape, i int) *value {
		if i < len(s.first) {
			return s.first[i]
		}
		if s.rest == nil {
			return &value{kind: 't'}
		}
		return s.rest
	}
	first := &value{kind: '['}
	for i := range max(len(x.first), len(y.first)) {
		first.items = append(first.items, c.joinLater(at(x, i), at(y, i)))
	}
	if len(first.items) > 0 {
		set("prefixItems", first)
	}
	if x.rest != nil || y.rest != nil {
		set("items", c.joinLater(at(x, len(x.first)), at(y, len(y.first))))
	}
	return nil
}

// joinObjects joins what two schemas say of properties, name by name.
func (c *compiler) joinObjects(a, b *value, set func(string, *value), path string) error {
	for _, v := range []*value{a, b} {
		for _, name := range []string{"properties", "patternProperties"} {
			if given := v.members[name]; given != nil && given.kind != '{' {
				return bad(path+"."+name, "is %s, want an object", clip(given.String()))
			}
		}
	}
	patterns := &value{kind: '{', members: map[string]*value{}}
	for _, v := range []*value{a, b} {
		given := v.members["patternProperties"]
		if given == nil {
			continue
		}
		other := a
		if v == a {
			other = b
		}
		if other.members["additionalProperties"] != nil && other.members["additionalProperties"].kind != 't' {
			return bad(path+".patternProperties", "beside additionalProperties of another schema for the same value is not supported")
		}
		for _, pattern := range given.names {
			if mine := patterns.members[pattern]; mine != nil {
				patterns.members[pattern] = c.joinLater(mine, given.members[pattern])
				continue
			}
			patterns.names = append(patterns.names, pattern)
			patterns.members[pattern] = given.members[pattern]
		}
	}
	properties := &value{kind: '{', members: map[string]*value{}}
	// of is what a schema says of a property, nil where it says nothing.
	of := func(v *value, name string) *value {
		if given := v.members["properties"]; given != nil && given.members[name] != nil {
			return given.members[name]
		}
		return v.members["additionalProperties"]
	}
	for _, v := range []*value{a, b} {
		given := v.members["properties"]
		if given == nil {
			continue
		}
		for _, name := range given.names {
			if properties.members[name] != nil {
				continue
			}
			mine, theirs := of(a, name), of(b, name)
			if mine == nil {
				mine, theirs = theirs, nil
			}
			if theirs != nil {
				mine = c.joinLater(mine, theirs)
			}
			properties.names = append(properties.names, name)
			properties.members[name] = mine
		}
	}
	if a.members["properties"] != nil || b.members["properties"] != nil {
		set("properties", properties)
	}
	if len(patterns.names) > 0 {
		set("patternProperties", patterns)
	}
	mine, theirs := a.members["additionalProperties"], b.members["additionalProperties"]
	switch {
	case mine == nil:
		set("additionalProperties", theirs)
	case theirs == nil:
		set("additionalProperties", mine)
	default:
		set("additionalProperties", c.joinLater(mine, theirs))
	}
	return nil
}

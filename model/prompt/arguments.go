package prompt

import (
	"fmt"
	"slices"
)

// function is what a template can call.
type function func(a *arguments) (any, error)

// arguments are what a function, filter or test is called with.
type arguments struct {
	all   []any // by their places
	named []named
}

type named struct {
	name  string
	value any
}

// absent is the value of an argument that was not given.
type absent struct{}

func (a *arguments) byName(name string) (any, bool) {
	for _, n := range a.named {
		if n.name == name {
			return n.value, true
		}
	}
	return nil, false
}

// bind puts the arguments in the order of the parameters, the first `required`
// of which must be given; the others are absent if not. None is left over.
func (a *arguments) bind(of string, required int, params ...string) ([]any, error) {
	if len(a.all) > len(params) {
		return nil, fmt.Errorf("%s takes at most %d arguments, got %d", of, len(params), len(a.all))
	}
	out := make([]any, len(params))
	for i := range out {
		out[i] = absent{}
	}
	copy(out, a.all)
	for _, n := range a.named {
		i := slices.Index(params, n.name)
		if i < 0 {
			return nil, fmt.Errorf("%s has no argument %.40s", of, n.name)
		}
		if i < len(a.all) {
			return nil, fmt.Errorf("%s got %s twice", of, n.name)
		}
		out[i] = n.value
	}
	for i := range required {
		if out[i] == any(absent{}) {
			return nil, fmt.Errorf("%s wants %s", of, params[i])
		}
	}
	return out, nil
}

// unnamed refuses named arguments.
func (a *arguments) unnamed(of string) error {
	if len(a.named) > 0 {
		return fmt.Errorf("%s has no argument %.40s", of, a.named[0].name)
	}
	return nil
}

// The values of arguments that may be absent.

func given(v any) bool {
	_, is := v.(absent)
	return !is
}

func orElse(v, otherwise any) any {
	if given(v) {
		return v
	}
	return otherwise
}

func flag(v any) bool { return given(v) && truth(v) }

func wantInt(of string, v any, otherwise int) (int, error) {
	if !given(v) {
		return otherwise, nil
	}
	_, isFloat := v.(float64)
	n, ok := integer(v)
	if !ok || isFloat {
		return 0, fmt.Errorf("%s wants a whole number, got a %s", of, typeName(v))
	}
	return n, nil
}

func wantStr(of string, v any, otherwise string) (str, error) {
	if !given(v) {
		return plain(otherwise), nil
	}
	s, ok := v.(str)
	if !ok {
		return str{}, fmt.Errorf("%s wants a string, got a %s", of, typeName(v))
	}
	return s, nil
}

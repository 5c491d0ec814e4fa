package prompt

import (
	"errors"
	"fmt"
	"strings"
)

// builtins are the functions that every template may call.
func builtins(e *evaluator) map[string]any {
	return map[string]any{
		"raise_exception": function(func(a *arguments) (any, error) {
			p, err := a.bind("raise_exception", 0, "message")
			if err != nil {
				return nil, err
			}
			message := "the template refuses this conversation"
			if given(p[0]) {
				message = fmt.Sprintf("%.200s", strings.Join(strings.Fields(text(p[0]).s), " "))
			}
			return nil, errors.New(message)
		}),
		"namespace": function(func(a *arguments) (any, error) {
			d, err := a.dict(e, "namespace")
			if err != nil {
				return nil, err
			}
			return &namespace{*d}, nil
		}),
		"dict": function(func(a *arguments) (any, error) { return a.dict(e, "dict") }),
		"strftime_now": function(func(a *arguments) (any, error) {
			p, err := a.bind("strftime_now", 1, "format")
			if err != nil {
				return nil, err
			}
			format, err := wantStr("strftime_now", p[0], "")
			if err != nil {
				return nil, err
			}
			if err := e.afford(itemCost * len(format.s)); err != nil {
				return nil, err
			}
			return e.grow(strftime(e.now(), format))
		}),
		"range": function(func(a *arguments) (any, error) {
			bad := errors.New("range wants one to three whole numbers, the last not 0")
			if a.unnamed("range") != nil || len(a.all) == 0 || len(a.all) > 3 {
				return nil, bad
			}
			bounds := [3]int{0, 0, 1}
			for i, arg := range a.all {
				n, err := wantInt("range", arg, 0)
				if err != nil {
					return nil, bad
				}
				bounds[i] = n
			}
			if len(a.all) == 1 {
				bounds = [3]int{0, bounds[0], 1}
			}
			if bounds[2] == 0 {
				return nil, bad
			}
			out := list{}
			for i := bounds[0]; bounds[2] > 0 && i < bounds[1] || bounds[2] < 0 && i > bounds[1]; i += bounds[2] {
				if err := e.take(1); err != nil {
					return nil, err
				}
				out = append(out, i)
			}
			return out, nil
		}),
		"cycler": function(func(a *arguments) (any, error) {
			if a.unnamed("cycler") != nil || len(a.all) == 0 {
				return nil, errors.New("cycler wants values to take in turn")
			}
			at := 0
			self := &namespace{*newDict()}
			self.put("current", a.all[0])
			turn := func(name string, next func() (any, int)) {
				self.put(name, function(func(none *arguments) (any, error) {
					if _, err := none.bind(name, 0); err != nil {
						return nil, err
					}
					v, to := next()
					at = to
					self.put("current", a.all[at])
					return v, nil
				}))
			}
			turn("next", func() (any, int) { return a.all[at], (at + 1) % len(a.all) })
			turn("reset", func() (any, int) { return nil, 0 })
			return self, nil
		}),
		"joiner": function(func(a *arguments) (any, error) {
			p, err := a.bind("joiner", 0, "sep")
			if err != nil {
				return nil, err
			}
			used := false
			return function(func(none *arguments) (any, error) {
				if _, err := none.bind("joiner", 0); err != nil {
					return nil, err
				}
				if used {
					return orElse(p[0], plain(", ")), nil
				}
				used = true
				return str{}, nil
			}), nil
		}),
	}
}

// dict is what Python's dict makes of the arguments: a mapping or pairs, then names.
func (a *arguments) dict(e *evaluator, of string) (*dict, error) {
	d := newDict()
	if len(a.all) > 1 {
		return nil, fmt.Errorf("%s takes at most 1 argument without a name, got %d", of, len(a.all))
	}
	if len(a.all) == 1 {
		var pairs []any
		if given, ok := a.all[0].(*dict); ok {
			if err := e.take(len(given.keys)); err != nil {
				return nil, err
			}
			pairs = given.pairs()
		} else {
			var err error
			if pairs, err = e.walk(a.all[0]); err != nil {
				return nil, fmt.Errorf("%s: %w", of, err)
			}
		}
		for _, pair := range pairs {
			two, err := items(pair)
			if err != nil || len(two) != 2 {
				return nil, fmt.Errorf("%s wants a mapping, or pairs of a key and a value", of)
			}
			if err := d.set(two[0], two[1]); err != nil {
				return nil, err
			}
		}
	}
	for _, n := range a.named {
		d.put(n.name, n.value)
	}
	return d, nil
}

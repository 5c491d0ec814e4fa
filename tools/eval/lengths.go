// Package eval measures what a model makes of long texts: perplexity by length
// of context, and recall of a pass key hidden in it. It has the questions, the
// arithmetic and the reports; asking an engine is the samba command's part.
package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	shortest = 2
	longest  = 1 << 22 // tokens of a sequence that an engine takes at once
)

// ParseLengths reads numbers of tokens: "4096,16384", "4K,16K", or with dots
// for what continues the factor before them, "1K,4K,...,1M". They come back
// sorted. Errors name the flag.
func ParseLengths(flag, text string) ([]int, error) {
	var lengths []int
	dots := false
	for _, field := range strings.Split(text, ",") {
		field = strings.TrimSpace(field)
		if field == "..." {
			if len(lengths) < 2 || dots {
				return nil, fmt.Errorf("--%s %s: want two numbers before the dots and one after, such as 1K,4K,...,1M", flag, text)
			}
			dots = true
			continue
		}
		n, err := parseLength(field)
		if err != nil {
			return nil, fmt.Errorf("--%s %s: %w", flag, text, err)
		}
		if dots {
			before, last := lengths[len(lengths)-2], lengths[len(lengths)-1]
			if last <= before || last%before != 0 {
				return nil, fmt.Errorf("--%s %s: %d is no multiple of %d, so the dots say nothing", flag, text, last, before)
			}
			for next := last * (last / before); next < n; next *= last / before {
				lengths = append(lengths, next)
			}
			dots = false
		}
		lengths = append(lengths, n)
	}
	if dots {
		return nil, fmt.Errorf("--%s %s: nothing follows the dots", flag, text)
	}
	slices.Sort(lengths)
	return slices.Compact(lengths), nil
}

// ParseLength reads one number of tokens, such as 4096 or 4K. Errors name the flag.
func ParseLength(flag, text string) (int, error) {
	n, err := parseLength(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("--%s: %w", flag, err)
	}
	return n, nil
}

func parseLength(field string) (int, error) {
	digits, unit := field, 1
	switch {
	case strings.HasSuffix(field, "K"), strings.HasSuffix(field, "k"):
		digits, unit = field[:len(field)-1], 1<<10
	case strings.HasSuffix(field, "M"):
		digits, unit = field[:len(field)-1], 1<<20
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > longest/unit || n*unit < shortest {
		return 0, fmt.Errorf("%q is no length, want %d to %d tokens, also as 4K or 1M", field, shortest, longest)
	}
	return n * unit, nil
}

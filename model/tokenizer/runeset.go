package tokenizer

import (
	"slices"
	"sort"
	"sync"
	"unicode"
)

// runeSet is a set of characters: a bitmap for ASCII and sorted ranges for all.
type runeSet struct {
	ascii  [2]uint64
	ranges []rune // lo, hi, lo, hi, ...: sorted, apart by at least one character
}

func (s *runeSet) has(r rune) bool {
	if r < 128 {
		return s.ascii[r>>6]>>(r&63)&1 != 0
	}
	lo, hi := 0, len(s.ranges)/2
	for lo < hi {
		mid := (lo + hi) / 2
		switch {
		case r < s.ranges[2*mid]:
			hi = mid
		case r > s.ranges[2*mid+1]:
			lo = mid + 1
		default:
			return true
		}
	}
	return false
}

// newRuneSet makes a set of ranges lo, hi, lo, hi, ... in any order.
func newRuneSet(ranges []rune) *runeSet {
	s := &runeSet{ranges: union(ranges)}
	for r := range rune(128) {
		i := sort.Search(len(s.ranges)/2, func(i int) bool { return s.ranges[2*i+1] >= r })
		if 2*i < len(s.ranges) && s.ranges[2*i] <= r {
			s.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	return s
}

// union sorts ranges and joins those that touch.
func union(ranges []rune) []rune {
	pairs := make([][2]rune, len(ranges)/2)
	for i := range pairs {
		pairs[i] = [2]rune{ranges[2*i], ranges[2*i+1]}
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0]) - int(b[0]) })
	var out []rune
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p[1])
		} else {
			out = append(out, p[0], p[1])
		}
	}
	return out
}

func negate(ranges []rune) []rune {
	var out []rune
	next := rune(0)
	for ranges = union(ranges); len(ranges) > 0; ranges = ranges[2:] {
		if ranges[0] > next {
			out = append(out, next, ranges[0]-1)
		}
		next = ranges[1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

func intersect(a, b []rune) []rune {
	return negate(append(negate(a), negate(b)...))
}

// tables lists the characters of Unicode tables as ranges.
func tables(list ...*unicode.RangeTable) []rune {
	var out []rune
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, r, r)
		}
	}
	for _, table := range list {
		for _, r := range table.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range table.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return out
}

// property returns the characters of \p{name}, nil for a name that is not
// known. The tables are named one by one, so that the browser downloads these
// and not all of Unicode's.
func property(name string) []rune {
	switch name {
	case "L", "Letter":
		return tables(unicode.L)
	case "Lu", "Uppercase_Letter":
		return tables(unicode.Lu)
	case "Ll", "Lowercase_Letter":
		return tables(unicode.Ll)
	case "Lt", "Titlecase_Letter":
		return tables(unicode.Lt)
	case "Lm", "Modifier_Letter":
		return tables(unicode.Lm)
	case "Lo", "Other_Letter":
		return tables(unicode.Lo)
	case "M", "Mark":
		return tables(unicode.M)
	case "Mn":
		return tables(unicode.Mn)
	case "Mc":
		return tables(unicode.Mc)
	case "Me":
		return tables(unicode.Me)
	case "N", "Number":
		return tables(unicode.N)
	case "Nd", "Decimal_Number":
		return tables(unicode.Nd)
	case "Nl":
		return tables(unicode.Nl)
	case "No":
		return tables(unicode.No)
	case "P", "Punctuation":
		return tables(unicode.P)
	case "S", "Symbol":
		return tables(unicode.S)
	case "Sm":
		return tables(unicode.Sm)
	case "Sc":
		return tables(unicode.Sc)
	case "Sk":
		return tables(unicode.Sk)
	case "So":
		return tables(unicode.So)
	case "Z", "Separator":
		return tables(unicode.Z)
	case "Zs":
		return tables(unicode.Zs)
	case "Han":
		return tables(unicode.Han)
	case "Hiragana":
		return tables(unicode.Hiragana)
	case "Katakana":
		return tables(unicode.Katakana)
	case "Hangul":
		return tables(unicode.Hangul)
	case "Latin":
		return tables(unicode.Latin)
	case "Thai":
		return tables(unicode.Thai)
	}
	return nil
}

// The sets behind \s, \d and \w, as Oniguruma has them.
func spaceRanges() []rune { return tables(unicode.White_Space) }
func digitRanges() []rune { return tables(unicode.Nd) }
func wordRanges() []rune {
	return tables(unicode.L, unicode.M, unicode.Nl, unicode.Nd, unicode.Pc, unicode.Other_Alphabetic)
}

var wordSet = sync.OnceValue(func() *runeSet { return newRuneSet(wordRanges()) })

// Where the Rust tokenizers take Rust's own regex engine, the two joiners
// belong to words as well.
const joiners = "\u200c\u200d"

func inWord(r rune) bool { return r == 0x200C || r == 0x200D || wordSet().has(r) }

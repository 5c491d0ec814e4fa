package prompt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// manyUpper has the characters that become several in upper case, each before
// what it becomes (Unicode's SpecialCasing).
const manyUpper = "ßSS ŉʼN ǰJ̌ ΐΪ́ ΰΫ́ ևԵՒ ẖH̱ ẗT̈ ẘW̊ ẙY̊ ẚAʾ ὐΥ̓ ὒΥ̓̀ ὔΥ̓́ ὖΥ̓͂ ᾀἈΙ ᾁἉΙ ᾂἊΙ ᾃἋΙ ᾄἌΙ ᾅἍΙ ᾆἎΙ ᾇἏΙ ᾈἈΙ ᾉἉΙ ᾊἊΙ ᾋἋΙ ᾌἌΙ ᾍἍΙ ᾎἎΙ ᾏἏΙ ᾐἨΙ ᾑἩΙ ᾒἪΙ " +
	"ᾓἫΙ ᾔἬΙ ᾕἭΙ ᾖἮΙ ᾗἯΙ ᾘἨΙ ᾙἩΙ ᾚἪΙ ᾛἫΙ ᾜἬΙ ᾝἭΙ ᾞἮΙ ᾟἯΙ ᾠὨΙ ᾡὩΙ ᾢὪΙ ᾣὫΙ ᾤὬΙ ᾥὭΙ ᾦὮΙ ᾧὯΙ ᾨὨΙ ᾩὩΙ ᾪὪΙ ᾫὫΙ ᾬὬΙ ᾭὭΙ ᾮὮΙ ᾯὯΙ ᾲᾺΙ ᾳΑΙ ᾴΆΙ ᾶΑ͂ ᾷΑ͂Ι " +
	"ᾼΑΙ ῂῊΙ ῃΗΙ ῄΉΙ ῆΗ͂ ῇΗ͂Ι ῌΗΙ ῒΪ̀ ΐΪ́ ῖΙ͂ ῗΪ͂ ῢΫ̀ ΰΫ́ ῤΡ̓ ῦΥ͂ ῧΫ͂ ῲῺΙ ῳΩΙ ῴΏΙ ῶΩ͂ ῷΩ͂Ι ῼΩΙ ﬀFF ﬁFI ﬂFL ﬃFFI ﬄFFL ﬅST ﬆST ﬓՄՆ ﬔՄԵ ﬕՄԻ ﬖՎՆ ﬗՄԽ"

var specialUpper = func() map[rune]string {
	special := map[rune]string{}
	for pair := range strings.FieldsSeq(manyUpper) {
		r, size := utf8.DecodeRuneInString(pair)
		special[r] = pair[size:]
	}
	return special
}()

// asciiUpper and asciiLower are the characters that need no look at a table.
var asciiUpper, asciiLower = func() (upper, lower [utf8.RuneSelf]string) {
	for c := range rune(utf8.RuneSelf) {
		upper[c], lower[c] = string(unicode.ToUpper(c)), string(unicode.ToLower(c))
	}
	return upper, lower
}()

func upperRune(r rune) string {
	if r < utf8.RuneSelf {
		return asciiUpper[r]
	}
	if s, ok := specialUpper[r]; ok {
		return s
	}
	return string(unicode.ToUpper(r))
}

// titleRune is a character at the beginning of a word.
func titleRune(r rune) string {
	if r < utf8.RuneSelf {
		return asciiUpper[r]
	}
	s, special := specialUpper[r]
	switch {
	case !special || r >= 0x1f80 && r <= 0x1ffc && unicode.ToTitle(r) != r || unicode.IsTitle(r):
		return string(unicode.ToTitle(r))
	case r == 'և' || r >= 'ﬀ':
		first, size := utf8.DecodeRuneInString(s)
		return string(first) + strings.ToLower(s[size:])
	case r == 'ß':
		return "Ss"
	}
	// Iota below becomes a letter in upper case, and a mark in title case.
	if mark, cut := strings.CutSuffix(s, "Ι"); cut && r >= 0x1f80 {
		return mark + "\u0345"
	}
	return s
}

// lowerRune is the character of a place in lower case, which for Σ depends on its neighbours.
func lowerRune(runes []rune, i int) string {
	if runes[i] < utf8.RuneSelf {
		return asciiLower[runes[i]]
	}
	switch r := runes[i]; r {
	case 'İ':
		return "i̇"
	case 'Σ':
		if neighbourCased(runes, i, -1) && !neighbourCased(runes, i, 1) {
			return "ς"
		}
		return "σ"
	default:
		return string(unicode.ToLower(r))
	}
}

// neighbourCased tells whether the next character in a direction, marks and the like left out, has a case.
func neighbourCased(runes []rune, i, step int) bool {
	for i += step; i >= 0 && i < len(runes); i += step {
		switch r := runes[i]; {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk), strings.ContainsRune("'.:·’", r):
		default:
			return cased(r)
		}
	}
	return false
}

func upper(s str) str { return s.rewrite(func(r []rune, i int) string { return upperRune(r[i]) }) }
func lower(s str) str { return s.rewrite(lowerRune) }

func capitalize(s str) str {
	return s.rewrite(func(r []rune, i int) string {
		if i == 0 {
			return titleRune(r[0])
		}
		return lowerRune(r, i)
	})
}

// title raises the first letter of each word, as Python's method does.
func title(s str) str {
	return s.rewrite(func(r []rune, i int) string {
		if i > 0 && cased(r[i-1]) {
			return lowerRune(r, i)
		}
		return titleRune(r[i])
	})
}

func beginsWord(before rune) bool { return isSpace(before) || strings.ContainsRune("-({[<", before) }

// headline raises the first letter of each word, as Jinja's filter does.
func headline(s str) str {
	return s.rewrite(func(r []rune, i int) string {
		if i == 0 || beginsWord(r[i-1]) {
			return upperRune(r[i])
		}
		return lowerRune(r, i)
	})
}

// isDigit is Python's str.isdigit: decimal digits, and those that are raised, lowered or encircled.
func isDigit(r rune) bool {
	switch {
	case unicode.IsDigit(r):
		return true
	case r == '²', r == '³', r == '¹', r == '⁰', r >= '⁴' && r <= '⁹', r >= '₀' && r <= '₉', r >= '①' && r <= '⑨':
		return true
	}
	return false
}

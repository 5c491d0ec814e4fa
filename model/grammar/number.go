package grammar

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// digits is how many digits a number has at most, before the point and after
// it: what every JSON parser reads exactly.
const digits = 15

var most = math.Pow10(digits) - 1

// number matches any number, or any whole one.
func (p *pool) number(whole bool) expr {
	sign, digit := p.option(p.literal("-")), p.bytes('0', '9')
	integer := p.or(p.literal("0"), p.join(p.bytes('1', '9'), p.repeat(digit, 0, digits-1)))
	if whole {
		return p.or(p.literal("0"), p.cat(sign, p.bytes('1', '9'), p.repeat(digit, 0, digits-1)))
	}
	var e, signs byteSet
	e.add('e', 'e')
	e.add('E', 'E')
	signs.add('+', '+')
	signs.add('-', '-')
	exponent := p.cat(p.class(e), p.option(p.class(signs)), p.repeat(digit, 1, 2))
	return p.cat(sign, integer, p.option(p.fraction()), p.option(exponent))
}

func (p *pool) fraction() expr {
	return p.join(p.literal("."), p.repeat(p.bytes('0', '9'), 1, digits))
}

// bounds are those of numbers; an open end is not itself within.
type bounds struct {
	low, high         float64
	openLow, openHigh bool
}

// between matches numbers within bounds, or whole ones: no exponents, and of
// fractions those between two whole numbers that are within.
func (p *pool) between(b bounds, whole bool) (expr, error) {
	low, high := max(math.Ceil(b.low), -most), min(math.Floor(b.high), most)
	// An end that is open is no value, but what lies between it and the next whole number is.
	lowEdge, highEdge := low, high
	if b.openLow && low == b.low {
		low++
	}
	if b.openHigh && high == b.high {
		high--
	}
	var parts []expr
	if low <= high {
		parts = append(parts, p.integers(int64(low), int64(high)))
	}
	if !whole {
		// n.ddd lies in [n, n+1), -n.ddd in (-n-1, -n].
		if from, to := max(low, 0), highEdge-1; from <= to {
			parts = append(parts, p.join(p.natural(uint64(from), uint64(to)), p.fraction()))
		}
		if from, to := max(-high, 0), -lowEdge-1; from <= to {
			parts = append(parts, p.cat(p.literal("-"), p.natural(uint64(from), uint64(to)), p.fraction()))
		}
	}
	if len(parts) == 0 {
		return none, fmt.Errorf("no whole number of at most %d digits lies within the bounds: widen them", digits)
	}
	return p.or(parts...), nil
}

// integers matches the whole numbers from low to high.
func (p *pool) integers(low, high int64) expr {
	var parts []expr
	if low < 0 {
		parts = append(parts, p.join(p.literal("-"), p.natural(uint64(max(-high, 1)), uint64(-low))))
	}
	if high >= 0 {
		parts = append(parts, p.natural(uint64(max(low, 0)), uint64(high)))
	}
	return p.or(parts...)
}

func (p *pool) natural(low, high uint64) expr {
	var parts []expr
	for from, end := low, uint64(10); from <= high; end *= 10 {
		if from < end {
			to := min(high, end-1)
			parts = append(parts, p.sameLength(strconv.FormatUint(from, 10), strconv.FormatUint(to, 10)))
			from = to + 1
		}
	}
	return p.or(parts...)
}

func (p *pool) sameLength(low, high string) expr {
	if low == "" {
		return empty
	}
	rest := len(low) - 1
	zeros, nines := strings.Repeat("0", rest), strings.Repeat("9", rest)
	if low[1:] == zeros && high[1:] == nines {
		return p.join(p.bytes(low[0], high[0]), p.repeat(p.bytes('0', '9'), rest, rest))
	}
	if low[0] == high[0] {
		return p.join(p.bytes(low[0], low[0]), p.sameLength(low[1:], high[1:]))
	}
	parts := []expr{
		p.join(p.bytes(low[0], low[0]), p.sameLength(low[1:], nines)),
		p.join(p.bytes(high[0], high[0]), p.sameLength(zeros, high[1:])),
	}
	if low[0]+1 <= high[0]-1 {
		parts = append(parts, p.join(p.bytes(low[0]+1, high[0]-1), p.repeat(p.bytes('0', '9'), rest, rest)))
	}
	return p.or(parts...)
}

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

// maxResidues bounds the states that tell multiples from other numbers.
const maxResidues = 4096

// multiples matches those of the numbers that e matches which are multiples.
func (p *pool) multiples(of *value, b bounds, whole bool, e expr) (expr, error) {
	if n, ok := of.number(); !ok || n <= 0 {
		return none, fmt.Errorf("is %s, want a number above 0", clip(of.String()))
	}
	if len(of.text) > 40 {
		return none, fmt.Errorf("is %s, want a number of at most %d digits", clip(of.String()), digits)
	}
	// As m of 10^places: a number is a multiple if, times 10^places, m divides it.
	figures, exponent := decimal(of.text)
	places := max(0, -exponent)
	if places > digits {
		return none, fmt.Errorf("is %s, which has too many digits after the point", clip(of.String()))
	}
	// 20 zeros make any number too large.
	m, err := strconv.ParseUint(figures+strings.Repeat("0", min(max(0, exponent), 20)), 10, 64)
	if places > 0 && whole && err == nil { // whole multiples of 0.5 are those of 1
		scale := uint64(1)
		for range places {
			scale *= 10
		}
		m, places = m/gcd(m, scale), 0
	}
	if err != nil || m > 1<<50 {
		return none, fmt.Errorf("is %s, want less", clip(of.String()))
	}
	n := int64(m)
	// Few multiples are listed.
	if low, high := math.Ceil(max(b.low, -most)/float64(n)), math.Floor(min(b.high, most)/float64(n)); places == 0 && high-low < maxResidues {
		var parts []expr
		for k := low; k <= high; k++ {
			parts = append(parts, p.literal(strconv.FormatInt(int64(k)*n, 10)))
		}
		return p.both(e, p.or(parts...)), nil
	}
	if n*int64(places+1) > maxResidues {
		return none, fmt.Errorf("is %s, want one of fewer digits, or bounds beside it", clip(of.String()))
	}
	return p.both(e, p.residues(int(n), places)), nil
}

// decimal takes a number of JSON that is above 0 apart: its figures without the
// zeros at either end, and how often 10 multiplies them.
func decimal(text string) (figures string, exponent int) {
	text, power, _ := strings.Cut(strings.ToLower(text), "e")
	before, behind, _ := strings.Cut(text, ".")
	exponent, _ = strconv.Atoi(power) // 0 where there is none
	figures = before + behind
	exponent -= len(behind)
	short := strings.TrimRight(figures, "0")
	return strings.TrimLeft(short, "0"), exponent + len(figures) - len(short)
}

// residues matches the numbers without exponents that m divides when they are
// multiplied by 10^places. A state is what is left over of the digits so far,
// and how many may still come behind the point.
func (p *pool) residues(m, places int) expr {
	digit := func(r int, next func(r int) expr) expr {
		var parts []expr
		for d := range 10 {
			parts = append(parts, p.join(p.literal(strconv.Itoa(d)), next((10*r+d)%m)))
		}
		return p.or(parts...)
	}
	// ends lets a number end where the zeros that are not written leave nothing over.
	ends := func(r, left int) expr {
		for range left {
			r = 10 * r % m
		}
		if r == 0 {
			return empty
		}
		return none
	}
	fraction := make([]expr, m) // by what is left over, of digits behind the point
	for i := range fraction {
		fraction[i] = none
	}
	for left := range places {
		longer := make([]expr, m)
		for r := range m {
			longer[r] = digit(r, func(r int) expr { return p.or(ends(r, left), fraction[r]) })
		}
		fraction = longer
	}
	whole := make([]expr, m)
	for r := range whole {
		whole[r] = p.ref()
	}
	for r := range whole {
		p.define(whole[r], digit(r, func(r int) expr { return p.or(ends(r, places), p.join(p.literal("."), fraction[r]), whole[r]) }))
	}
	return p.join(p.option(p.literal("-")), whole[0])
}

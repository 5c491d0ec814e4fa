package grammar

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDecimalAgainstBig(t *testing.T) {
	for range 20_000 {
		text := fmt.Sprint(rand.Uint64() >> rand.IntN(64) / 10 * 10)
		if rand.IntN(2) == 0 {
			text += fmt.Sprintf(".%0*d", 1+rand.IntN(9), rand.IntN(1000))
		}
		if rand.IntN(2) == 0 {
			text += []string{"e", "E", "e+", "e-"}[rand.IntN(4)] + fmt.Sprint(rand.IntN(30))
		}
		want, _ := new(big.Rat).SetString(text)
		if want.Sign() == 0 {
			continue
		}
		figures, exponent := decimal(text)
		got, ok := new(big.Rat).SetString(fmt.Sprintf("%se%d", figures, exponent))
		if !ok || got.Cmp(want) != 0 || strings.HasSuffix(figures, "0") || strings.HasPrefix(figures, "0") {
			t.Fatalf("%s is taken apart as %s and %d", text, figures, exponent)
		}
	}
}

func TestLeastMultipleAgainstBig(t *testing.T) {
	for range 20_000 {
		m, n := rand.Int64()>>rand.IntN(63), rand.Int64()>>rand.IntN(63)
		got := leastMultiple(&value{kind: '0', text: fmt.Sprint(m)}, &value{kind: '0', text: fmt.Sprint(n)})
		if m == 0 || n == 0 {
			if got != nil {
				t.Fatalf("%d and %d have the least multiple %s, want none", m, n, got.text)
			}
			continue
		}
		x, y := big.NewInt(m), big.NewInt(n)
		want := new(big.Int).Mul(x, new(big.Int).Div(y, new(big.Int).GCD(nil, nil, x, y)))
		if got == nil || got.text != want.String() {
			t.Fatalf("%d and %d have the least multiple %v, want %s", m, n, got, want)
		}
	}
	for _, c := range [][2]string{{"1.5", "3"}, {"3", "-3"}, {"-30000000000000000000", "3"}, {"1e3", "3"}} {
		if got := leastMultiple(&value{kind: '0', text: c[0]}, &value{kind: '0', text: c[1]}); got != nil {
			t.Errorf("%s and %s have the least multiple %s, want none", c[0], c[1], got.text)
		}
	}
}

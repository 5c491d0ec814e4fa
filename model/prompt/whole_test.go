package prompt

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// Arithmetic of 64 bits is compared with that of numbers without bounds.
func TestWholeNumbersAgainstBig(t *testing.T) {
	edges := []int{0, 1, -1, 2, -2, 3, 8, -8, 21, 62, 63, 64, 65, 66, math.MaxInt, math.MinInt, math.MaxInt - 1, math.MinInt + 1, 1 << 31, 1 << 32, 3037000500}
	pick := func() int {
		if rand.IntN(2) == 0 {
			return edges[rand.IntN(len(edges))]
		}
		return int(rand.Int64()>>rand.IntN(63)) * (1 - 2*rand.IntN(2))
	}
	for range 100_000 {
		m, n := pick(), pick()
		op := []string{"+", "-", "*", "//", "%", "**"}[rand.IntN(6)]
		if (op == "//" || op == "%") && n == 0 || op == "**" && n < 0 {
			continue
		}
		x, y, want := big.NewInt(int64(m)), big.NewInt(int64(n)), new(big.Int)
		switch op {
		case "+":
			want.Add(x, y)
		case "-":
			want.Sub(x, y)
		case "*":
			want.Mul(x, y)
		case "//", "%":
			rest := new(big.Int).Mod(x, y) // never negative
			if rest.Sign() != 0 && n < 0 {
				rest.Add(rest, y)
			}
			if want = rest; op == "//" {
				want = new(big.Int).Quo(new(big.Int).Sub(x, rest), y)
			}
		case "**":
			if n > 1000 { // beyond 64 bits either way, or as with fewer
				y.SetInt64(int64(100 + n%2))
			}
			want.Exp(x, y, nil)
		}
		got, err := whole(op, m, n)
		if (err == nil) != want.IsInt64() || err == nil && got != int(want.Int64()) {
			t.Fatalf("%d %s %d is %v, %v, want %v", m, op, n, got, err, want)
		}
	}
}

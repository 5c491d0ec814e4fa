package machine

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestGrowth(t *testing.T) {
	var asked, held int64
	roomy := Spare(func(_ context.Context, bytes, of int64) (bool, error) {
		asked, held = bytes, of
		return bytes <= 8000, nil
	})
	for _, test := range []struct{ room, positions, most, want int }{
		{64, 65, 10_000, 128}, {64, 500, 10_000, 512}, {64, 129, 200, 200}, {64, 200, 200, 200}, {64, 201, 200, 0}, {64, 700, 10_000, 787}, {64, 801, 10_000, 0},
	} {
		got, err := roomy.Growth(context.Background(), test.room, test.positions, test.most, 10, 2)
		if want := test.want; (err == nil) != (want > 0) || err == nil && got != want || err != nil && !errors.Is(err, ErrNoRoom) {
			t.Errorf("%+v: %d, %v", test, got, err)
		} else if want > 0 && (asked != int64(10*want+2*test.room) || held != int64(10*test.room)) {
			t.Errorf("%+v: asked for %d bytes with %d held, want all the new ones and a layer's old ones", test, asked, held)
		}
	}
	_, err := roomy.Growth(context.Background(), 64, 300, 256, 1e6, 1e6)
	if want := "the context cannot grow: the keys and values of full attention over 300 tokens need 0.30 GB, and a layer's are bound in one piece, which ends at 256 tokens here"; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

package guess

import (
	"slices"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	x := NewText()
	x.Read(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
	if got := x.Next(4); got != nil {
		t.Errorf("a text without repeats goes on with %v", got)
	}
	x.Read(20, 1, 2)
	if got := x.Next(4); got != nil {
		t.Errorf("after two tokens %v, want three", got)
	}
	x.Said(3)
	if got, want := x.Next(4), []uint32{4, 5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, id := range []uint32{4, 5, 6, 7, 8} {
		x.Said(id)
	}
	// One that is another in a long match: the place stays, once.
	x.Said(99)
	if got, want := x.Next(2), []uint32{10, 11}; !slices.Equal(got, want) {
		t.Errorf("after one that was another %v, want %v", got, want)
	}
	x.Said(98)
	if got := x.Next(2); got != nil {
		t.Errorf("after two that were others %v, want nothing", got)
	}
	// A text that repeats itself goes on so.
	x.Said(70)
	for range 2 {
		x.Said(71)
		x.Said(72)
	}
	x.Said(71)
	if got, want := x.Next(5), []uint32{72, 71, 72, 71, 72}; !slices.Equal(got, want) {
		t.Errorf("in a loop %v, want %v", got, want)
	}
}

// What has left the window is forgotten, and a long text takes no more memory than a short one.
func TestWindow(t *testing.T) {
	x := NewText()
	x.Read(1, 2, 3, 4)
	for i := range uint32(window) {
		x.Read(100 + i)
	}
	x.Read(1, 2, 3)
	if got := x.Next(1); got != nil {
		t.Errorf("%v, which has left the window", got)
	}
	if len(x.ids) != window || len(x.last) != window {
		t.Errorf("%d tokens and %d places kept, want %d", len(x.ids), len(x.last), window)
	}
}

func TestRight(t *testing.T) {
	x := NewText()
	for i := range uint32(50) {
		x.Read(1, 2, 3, 4)
		x.Said(1000 + i) // never what is guessed
	}
	if x.right[0] > 0.2 {
		t.Errorf("of guesses that are always wrong %v come true", x.right)
	}
	for range 200 {
		x.Said(5)
	}
	if x.Right() < 0.99 {
		t.Errorf("of guesses that are always right %v come true", x.Right())
	}
}

// machine has how long its steps take, by rows.
type machine map[int]time.Duration

// answer is how long tokens take as Pay has them come: of guesses this share is right, in turns.
func (m machine) answer(p *Pay, tokens int, right float64) (took time.Duration) {
	chance := 0.0
	for done := 0; done < tokens; {
		rows, steps := p.Choose(right, 7, 1)
		if rows == 1 {
			took += m[1]
			p.Single(m[1], 1)
			done++
			continue
		}
		brought := 1
		for brought < rows {
			if chance += right; chance < 1 {
				break
			}
			chance--
			brought++
		}
		took += m[rows] * time.Duration(steps)
		p.Guessed(m[rows]*time.Duration(steps), rows, steps, brought)
		done += brought
	}
	return took
}

func TestPay(t *testing.T) {
	const ms = time.Millisecond
	gpu := machine{1: 10 * ms, 2: 11 * ms, 4: 12 * ms, 8: 15 * ms}
	processor := machine{1: 10 * ms, 2: 20 * ms, 4: 40 * ms, 8: 80 * ms}
	for name, c := range map[string]struct {
		machine
		right       float64
		least, most float64 // times single steps' rate
	}{
		"a GPU, all right":          {gpu, 1, 4, 8},
		"a GPU, nearly all":         {gpu, 0.9, 2, 8},
		"a GPU, hardly any":         {gpu, 0.05, 0.97, 1.1},
		"a processor, all right":    {processor, 1, 0.97, 1.01},
		"a processor, hardly any":   {processor, 0.05, 0.97, 1.01},
		"a processor, half of them": {processor, 0.5, 0.97, 1.01},
	} {
		p := &Pay{}
		const tokens = 400
		took := c.answer(p, tokens, c.right)
		if times := float64(tokens*c.machine[1]) / float64(took); times < c.least || times > c.most {
			t.Errorf("%s: %.3f times as fast, want %v to %v", name, times, c.least, c.most)
		}
	}
	// What promises much and brings nothing is given up before much is lost.
	p, took := &Pay{}, time.Duration(0)
	for range 400 {
		rows, _ := p.Choose(0.9, 7, 1)
		took += gpu[rows]
		if rows == 1 {
			p.Single(gpu[1], 1)
		} else {
			p.Guessed(gpu[rows], rows, 1, 1)
		}
	}
	if share := float64(400*gpu[1]) / float64(took); share < 0.97 {
		t.Errorf("guesses that are never right leave %.3f of the rate, want 0.97", share)
	}
}

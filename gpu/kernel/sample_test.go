package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// Of every size that its workgroup may have on some GPU the sampler draws what the reference draws, for one text and for a batch.
func TestSampleSizes(t *testing.T) {
	d := open(t)
	vocabs := []int{3, 260, 5000, 50_304}
	if testing.Short() {
		vocabs = vocabs[1:3]
	}
	for _, size := range []int{256, 512, 1024} {
		if limit := (&Recorder{Device: d, Tokens: 1}).planner().size; size > limit {
			t.Logf("needs workgroups of %d threads: this adapter has %d at most", size, limit)
			continue
		}
		for _, vocab := range vocabs {
			for _, slots := range []int{0, 5} {
				drawSized(t, d, size, vocab, slots)
			}
		}
	}
}

// drawSized draws a few times, the likeliest or at random, with workgroups of a size; slots is 0 for one text.
func drawSized(t *testing.T, d *gpu.Device, size, vocab, slots int) {
	t.Helper()
	const position, tail = 5, 24
	rows := max(slots, 1)
	out, parts := zeros(t, d, rows), zeros(t, d, rows*SampleParts(vocab))
	history, ids := zeros(t, d, 64*rows), zeros(t, d, rows)
	for round := range 4 {
		s := reference.Sampling{Temperature: float32(round % 2), TopP: 1, Repetition: 1, Seed: rand.Uint64()}
		if round == 3 {
			s.TopK = 40
		}
		var settings []byte
		for range rows {
			settings = append(settings, SamplingBytes(s)...)
		}
		logits := make([]float32, rows*vocab)
		words := make([]uint32, len(logits))
		for i := range logits {
			logits[i] = float32(3 * rand.NormFloat64())
			words[i] = math.Float32bits(logits[i])
		}
		sampling := zeros(t, d, 8*rows)
		if err := d.Write(sampling, 0, settings); err != nil {
			t.Fatal(err)
		}
		r := Recorder{Device: d, Program: d.NewProgram(), Slots: slots, Tokens: rows, tuned: tuning{sampler: size}, Cursor: upload(t, d, []uint32{position, 1, 0, 0})}
		if slots > 0 {
			r.Cursor = batchCursor(t, d, slots, slots, position)
		}
		r.Sample(upload(t, d, words), sampling, history, ids, out, parts, vocab, tail)
		run(t, d, r.Program)
		r.Program.Free()
		drawn := download(t, d, out, out.Size())
		for i := range rows {
			own := slices.Clone(logits[i*vocab:][:vocab])
			token, want := Drawn(binary.LittleEndian.Uint32(drawn[4*i:]), vocab), reference.Sample(s, own, nil, position+1)
			if token != want {
				t.Errorf("%d threads, %d tokens, row %d of %d, %+v: token %d, want %d", size, vocab, i, slots, s, token, want)
			}
		}
	}
}

package graph

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/machine"
)

// Rings are what a machine makes of keys and values.
type Rings struct {
	Positions func(window int) int // that a layer has room for, at first if the window is 0
	Halves    bool                 // fp16, as reference.PackHeads has them; else fp32
}

// RingsFor are those of a machine whose runs absorb at most chunk tokens at once.
func RingsFor(chunk int, halves bool) Rings {
	return Rings{Positions: func(window int) int { return machine.Ring(window, chunk) }, Halves: halves}
}

// section is what a saved state holds of one array.
type section struct {
	Carried
	at, n int64 // bytes
	width int64 // bytes of a value
}

// sections lists them at a position; halves: keys and values are fp16. size is all of them together.
func (g *Graph[V, W]) sections(position int, halves bool) (sections []section, size int64) {
	for _, c := range g.Carried {
		s := section{Carried: c, at: size, n: 4 * int64(c.Values), width: 4}
		if !c.Recurrent() {
			positions, values := int64(c.Window), int64(c.Row)
			if c.Grows() {
				positions = int64(position)
			}
			if g.halves { // two values to a word
				values *= 2
			}
			if halves {
				s.width = 2
			}
			s.n = positions * values * s.width
		}
		sections, size = append(sections, s), size+s.n
	}
	return sections, size
}

// convertStep bounds the bytes that are converted at once: a browser's blobs are outside Go's heap.
const convertStep = 1 << 20

// Saved is the size in bytes of a saved state's payload as this graph's machine has it.
func (g *Graph[V, W]) Saved(position int) int64 {
	_, size := g.sections(position, g.halves)
	return size
}

// Own gives a payload whose keys and values may be of either form, which its size tells, in
// that of this graph's machine. What was fp16 is exact in fp32, what was fp32 is rounded.
func (g *Graph[V, W]) Own(payload gpu.Blob, position int) gpu.Blob {
	size := g.Saved(position)
	if payload.Len() == size {
		return payload
	}
	own := gpu.NewBlob(size)
	g.convert(payload, own, position, !g.halves)
	return own
}

// Fill is Own the other way around: write gets a payload of this graph's machine to fill, and
// into, whose size tells its form, has it then.
func (g *Graph[V, W]) Fill(into gpu.Blob, position int, write func(own gpu.Blob) error) error {
	size := g.Saved(position)
	if into.Len() == size {
		return write(into)
	}
	own := gpu.NewBlob(size)
	if err := write(own); err != nil {
		return err
	}
	g.convert(own, into, position, g.halves)
	return nil
}

func (g *Graph[V, W]) convert(from, to gpu.Blob, position int, packed bool) {
	before, _ := g.sections(position, packed)
	after, _ := g.sections(position, !packed)
	for i, b := range before {
		a := after[i]
		step := int64(convertStep)
		if !b.Recurrent() {
			step = max(step/(4*int64(b.head)), 1) * b.width * int64(b.head) // whole heads
		}
		for done := int64(0); done < b.n; done += step {
			data := from.Bytes(b.at+done, min(step, b.n-done))
			switch {
			case b.width == a.width:
			case packed:
				data = machine.FloatBytes(reference.UnpackHeads(b.head, machine.ReadWords(data)))
			default:
				data = machine.Words(reference.PackHeads(b.head, machine.Floats(data))...)
			}
			to.Put(a.at+done/b.width*a.width, data)
		}
	}
}

// Finite tells whether a payload holds numbers alone: no NaN, no infinity. halves: its keys and values are fp16.
func (g *Graph[V, W]) Finite(payload gpu.Blob, position int, halves bool) bool {
	sections, _ := g.sections(position, halves)
	for _, s := range sections {
		for done := int64(0); done < s.n; done += convertStep {
			data := payload.Bytes(s.at+done, min(convertStep, s.n-done))
			if s.width == 4 && !machine.Finite(data) || s.width == 2 && !machine.FiniteHalves(data) {
				return false
			}
		}
	}
	return true
}

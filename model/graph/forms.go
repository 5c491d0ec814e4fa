package graph

import (
	"encoding/binary"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/machine"
)

// Rings are what a machine makes of keys and values.
type Rings struct {
	Positions func(window int) int // that a layer has room for, at first if the window is 0
	Halves    bool                 // fp16, as reference.PackHeads has them; else fp32
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
			positions := int64(c.Window)
			if c.Grows() {
				positions = int64(position)
			}
			if halves {
				s.width = 2
			}
			s.n = positions * int64(c.row) * s.width
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

// Others is Own the other way around: into takes a payload that is not of its form.
func (g *Graph[V, W]) Others(own, into gpu.Blob, position int) {
	g.convert(own, into, position, g.halves)
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
				data = machine.FloatBytes(reference.UnpackHeads(b.head, words(data)))
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
			if s.width == 4 && !machine.Finite(data) || s.width == 2 && !finiteHalves(data) {
				return false
			}
		}
	}
	return true
}

func finiteHalves(data []byte) bool {
	const exponent = 0x7c00
	for ; len(data) >= 2; data = data[2:] {
		if binary.LittleEndian.Uint16(data)&exponent == exponent {
			return false
		}
	}
	return true
}

func words(data []byte) []uint32 {
	out := make([]uint32, len(data)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return out
}

package cpu

import (
	"context"
	"slices"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// bookmark is a copy of all that a run's steps change.
type bookmark struct {
	run    *Run
	arrays [][]float32
	tail   []uint32
	pos    int
}

func (r *Run) Mark() (machine.Bookmark, error) {
	b := bookmark{run: r, tail: slices.Clone(r.tail), pos: r.pos}
	for _, v := range r.engine.graph.Overwritten(r.state) {
		b.arrays = append(b.arrays, slices.Clone(v))
	}
	return b, nil
}

func (b bookmark) Recall() error {
	for i, v := range b.run.engine.graph.Overwritten(b.run.state) {
		copy(v, b.arrays[i])
	}
	b.run.tail, b.run.pos = append(b.run.tail[:0], b.tail...), b.pos
	return nil
}

func (b bookmark) Free() {}

// copyStep bounds the bytes of a state that are in two places of Go's heap.
const copyStep = 1 << 20

func (r *Run) Save(ctx context.Context, into gpu.Blob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g := r.engine.graph
	return g.Fill(into, r.pos, func(own gpu.Blob) error {
		for _, s := range g.Spans(r.state, r.pos, copyStep/4, valuesOf) {
			own.Put(4*int64(s.At), machine.FloatBytes(s.Array[s.From:][:s.N]))
		}
		return nil
	})
}

func (r *Run) Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	if err := r.makeRoom(ctx, position); err != nil {
		return err
	}
	state = r.engine.graph.Own(state, position)
	for _, s := range r.engine.graph.Spans(r.state, position, copyStep/4, valuesOf) {
		copy(s.Array[s.From:], machine.Floats(state.Bytes(4*int64(s.At), 4*int64(s.N))))
	}
	r.pos, r.tail = position, slices.Clone(tail)
	return nil
}

func (r *Run) Fork() (machine.Run, error) {
	copied, err := r.engine.newRun()
	if err != nil {
		return nil, err
	}
	if err := copied.makeRoom(context.Background(), r.room); err != nil {
		return nil, err
	}
	r.engine.copyRecurrent(copied.state, r.state)
	for _, c := range r.engine.graph.Carried {
		if !c.Recurrent() {
			copyHalves(*copied.state.Of(c), *r.state.Of(c))
		}
	}
	copied.pos, copied.tail = r.pos, slices.Clone(r.tail)
	return copied, nil
}

func valuesOf(v array) int { return len(v) }

// copyHalves copies keys and values to an array of as many positions, or more.
func copyHalves(to, from array) {
	copy(to[:len(to)/2], from[:len(from)/2])
	copy(to[len(to)/2:], from[len(from)/2:])
}

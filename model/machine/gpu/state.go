package gpu

import (
	"context"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// bookmark is a copy of all that a run's steps change.
type bookmark struct {
	run        *Run
	store      Store
	save, back *gpu.Program
	pos        int
}

func (r *Run) Mark() (machine.Bookmark, error) {
	device := r.engine.device
	b := &bookmark{run: r, store: Store{device: device}, save: device.NewProgram(), back: device.NewProgram(), pos: r.pos}
	for _, from := range append(r.engine.graph.Overwritten(r.state), r.scratch.history) {
		to, err := b.store.Array("bookmark", int(from.Size()/4))
		if err != nil {
			b.Free()
			return nil, err
		}
		b.save.Copy(from, 0, to, 0, from.Size())
		b.back.Copy(to, 0, from, 0, from.Size())
	}
	if err := device.Run(b.save); err != nil {
		b.Free()
		return nil, err
	}
	return b, nil
}

func (b *bookmark) Recall() error {
	b.run.pos, b.run.at = b.pos, b.pos
	return b.run.engine.device.Run(b.back)
}

func (b *bookmark) Free() { b.store.Free() }

// gatherStep bounds the memory that a readback takes on the device.
const gatherStep = 64 << 20

func (r *Run) Save(ctx context.Context, into gpu.Blob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.engine.graph.Fill(into, r.pos, func(own gpu.Blob) error { return r.gather(ctx, own) })
}

// gather reads the state back, in the device's own form.
func (r *Run) gather(ctx context.Context, own gpu.Blob) error {
	device := r.engine.device
	var spans []gpu.Span
	size := uint64(0)
	flush := func() error {
		readback, err := device.Gather(spans...)
		if err == nil {
			err = readback.WaitInto(context.WithoutCancel(ctx), own)
		}
		spans, size = nil, 0
		return err
	}
	for _, s := range r.engine.graph.Spans(r.state, r.pos, gatherStep/4, valuesOf) {
		span := gpu.Span{Buffer: s.Array, Offset: 4 * uint64(s.From), Size: 4 * uint64(s.N), At: 4 * int64(s.At)}
		if size+span.Size > gatherStep && size > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		spans = append(spans, span)
		size += span.Size
	}
	return flush()
}

func valuesOf(b buffer) int { return int(b.Size() / 4) }

func (r *Run) Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	if err := r.makeRoom(ctx, position); err != nil {
		return err
	}
	device := r.engine.device
	state = r.engine.graph.Own(state, position)
	for _, s := range r.engine.graph.Spans(r.state, position, gatherStep/4, valuesOf) {
		if err := device.WriteBlob(s.Array, 4*uint64(s.From), state, 4*int64(s.At), 4*int64(s.N)); err != nil {
			return err
		}
	}
	history := make([]uint32, historySize)
	for i, id := range tail {
		history[(position-len(tail)+i)%historySize] = id
	}
	r.pos, r.at = position, position
	return device.Write(r.scratch.history, 0, machine.Words(history...))
}

func (r *Run) Fork() (machine.Run, error) {
	copied, err := r.engine.newRun()
	if err != nil {
		return nil, err
	}
	if err := copied.makeRoom(context.Background(), r.room); err != nil {
		copied.Close()
		return nil, err
	}
	p := r.engine.device.NewProgram()
	defer p.Free()
	p.Copy(r.scratch.history, 0, copied.scratch.history, 0, r.scratch.history.Size())
	for _, c := range r.engine.graph.Carried {
		from, to := *r.state.Of(c), *copied.state.Of(c)
		if c.Recurrent() {
			p.Copy(from, 0, to, 0, from.Size())
			continue
		}
		half := min(from.Size(), to.Size()) / 2 // a layer may have grown where the next one found no room
		p.Copy(from, 0, to, 0, half)
		p.Copy(from, from.Size()/2, to, to.Size()/2, half)
	}
	copied.pos, copied.at = r.pos, r.pos
	if err := r.engine.device.Run(p); err != nil {
		copied.Close()
		return nil, err
	}
	return copied, nil
}

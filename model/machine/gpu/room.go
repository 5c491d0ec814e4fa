package gpu

import (
	"context"
	"errors"
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// makeRoom lets full attention keep this many positions.
func (r *Run) makeRoom(ctx context.Context, positions int) error {
	features, forgotten := featuresOf(r.drawn.Drawing), false
	room, err := r.engine.grow(ctx, &r.store, r.state, 1, r.room, positions, func() {
		for _, cache := range []map[int]*gpu.Program{r.absorbs, r.wholes} {
			for tokens, p := range cache {
				p.Free()
				delete(cache, tokens)
			}
		}
		r.drawn.free()
		r.forgetGuessed()
		forgotten = true
	})
	r.room = room
	if forgotten {
		err = errors.Join(err, r.recordDrawing(features))
	}
	return machine.Stands(err)
}

// grow gives full attention's keys and values of this many conversations, which
// lie one after another, room for this many positions, and returns how many there
// is room for. forget drops what was recorded, which reads and writes the old
// buffers; what is under way on the device does so before they are copied.
//
// Layers grow one after another, so that no more than two have their old keys
// and values beside the new ones. Where one fails, the others keep what they
// have: a kernel takes a layer's room from its buffer.
func (e *Engine) grow(ctx context.Context, s *Store, state graph.State[buffer], places, room, positions int, forget func()) (int, error) {
	g := e.graph
	values, largest, _ := g.Growing()
	if values == 0 || positions <= room {
		return room, nil
	}
	limits := e.device.Info().Limits
	most := min(1<<31-1, int(min(limits.MaxBindingSize, limits.MaxBufferSize)/uint64(4*places*largest)))
	larger, err := e.spare.Growth(ctx, room, positions, most, 4*places*values, 4*places*largest)
	if err != nil {
		return room, err
	}
	forget()
	for _, c := range g.Carried {
		size := uint64(4 * places * larger * c.Row)
		if !c.Grows() || (*state.Of(c)).Size() >= size {
			continue
		}
		if err := e.growLayer(s, state.Of(c), c.Label(), size, 2*uint64(places)); err != nil {
			return room, err
		}
		if err := e.device.Settle(ctx); err != nil { // until the layer before has been copied
			return room, err
		}
	}
	return larger, nil
}

// growLayer moves a layer's keys and values, which lie in this many parts, to a
// buffer of a larger size.
func (e *Engine) growLayer(s *Store, kv *buffer, label string, size, parts uint64) error {
	old := *kv
	grown, err := e.device.NewBuffer(label, size)
	if err != nil {
		return fmt.Errorf("%w: %w", machine.ErrNoRoom, err)
	}
	moves := e.device.NewProgram()
	defer moves.Free()
	for part := range parts {
		moves.Copy(old, part*old.Size()/parts, grown, part*size/parts, old.Size()/parts)
	}
	if err := e.device.Run(moves); err != nil {
		grown.Free()
		return err
	}
	s.replace(old, grown)
	*kv = grown
	return nil
}

package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Full attention (the reference's Transformer baselines) looks back on every
// position, so its keys and values have no fixed size: they have room for
// firstRoom chunks at first, and for twice as many positions each time when that
// is not enough. A position never wraps and is written once, so that neither
// rewinding nor going back to a bookmark needs a copy of them.
const firstRoom = 4

// ErrNoRoom is what goes on in a conversation whose full attention has outgrown
// the machine's memory, wrapped: the state is as it was before.
var ErrNoRoom = errors.New("the context cannot grow")

// spare tells whether so many bytes can be taken beside a model's weights and
// the first state of a conversation; some of them are held already.
type spare func(ctx context.Context, bytes, held int64) (bool, error)

// growth is the room, in positions, that comes from room by doubling until there
// is enough, or where that is too much, an eighth more than enough; most is what a
// layer's keys and values may have at all. A position takes so many bytes in all
// layers, and in the largest; layers grow one after another.
func (s spare) growth(ctx context.Context, room, positions, most, bytesPerPosition, largest int) (int, error) {
	refuse := func(why string) error {
		return fmt.Errorf("%w: the keys and values of full attention over %d tokens need %s, %s",
			ErrNoRoom, positions, gigabytes(int64(positions)*int64(bytesPerPosition)), why)
	}
	if positions > most {
		return 0, refuse(fmt.Sprintf("and a layer's are bound in one piece, which ends at %d tokens here", most))
	}
	held, larger := int64(room)*int64(bytesPerPosition), room
	for larger < positions {
		larger = min(2*larger, most)
	}
	little := min(positions+positions/8, larger)
	for _, try := range []int{larger, little} {
		// A layer's old ones are there until they have been copied.
		bytes := int64(try)*int64(bytesPerPosition) + int64(room)*int64(largest)
		if ok, err := s(ctx, bytes, held); ok || err != nil {
			return try, err
		}
	}
	return 0, refuse(fmt.Sprintf("%s with room to grow, which is more than is free", gigabytes(int64(little)*int64(bytesPerPosition))))
}

// stands says of a run that found no room that nothing was lost.
func stands(err error) error {
	if errors.Is(err, ErrNoRoom) {
		return fmt.Errorf("%w; the conversation stands where it was", err)
	}
	return err
}

// row is how many values a position takes in the layer's keys and values.
func (l *layer[V, W]) row() int { return 2 * l.attention.shape.KVHeads * l.attention.shape.HeadDim }

// fullRows counts the values that a position takes in all layers of full
// attention together, and in the largest; 0 without such layers.
func (g *graph[V, W]) fullRows() (values, largest int) {
	for _, l := range g.layers {
		if l.full() {
			values, largest = values+l.row(), max(largest, l.row())
		}
	}
	return values, largest
}

// firstRoom is how many positions a new state's full attention holds.
func (g *graph[V, W]) firstRoom() (positions int) {
	for _, l := range g.layers {
		if l.full() {
			positions = l.attention.shape.Ring
		}
	}
	return positions
}

// makeRoom lets full attention keep so many positions.
func (r *cpuRun) makeRoom(ctx context.Context, positions int) error {
	g := r.engine.graph
	values, largest := g.fullRows()
	if values == 0 || positions <= r.room {
		return nil
	}
	room, err := r.engine.spare.growth(ctx, r.room, positions, 1<<31-1, 4*values, 4*largest)
	if err != nil {
		return stands(err)
	}
	for i, l := range g.layers {
		if l.full() {
			old, half := r.state[i].kv, room*l.row()/2
			grown := make([]float32, 2*half)
			copy(grown, old[:len(old)/2])
			copy(grown[half:], old[len(old)/2:])
			r.state[i].kv = grown
		}
	}
	r.room = room
	return nil
}

// makeRoom lets full attention keep so many positions.
func (r *gpuRun) makeRoom(ctx context.Context, positions int) error {
	features, forgotten := r.drawn.features(), false
	room, err := r.engine.grow(ctx, &r.store, r.state, 1, r.room, positions, func() {
		for tokens, p := range r.absorbs {
			p.Free()
			delete(r.absorbs, tokens)
		}
		r.drawn.free()
		forgotten = true
	})
	r.room = room
	if forgotten {
		err = errors.Join(err, r.recordDrawing(features))
	}
	return stands(err)
}

// grow gives full attention's keys and values of so many conversations, which
// lie one after another, room for so many positions, and returns how many there
// is room for. forget drops what was recorded, which reads and writes the old
// buffers; what is under way on the device does so before they are copied.
//
// Layers grow one after another, so that no more than two have their old keys
// and values beside the new ones. Where one fails, the others keep what they
// have: a kernel takes a layer's room from its buffer.
func (e *gpuEngine) grow(ctx context.Context, s *gpuStore, state []layerState[gpuArray], places, room, positions int, forget func()) (int, error) {
	g := e.graph
	values, largest := g.fullRows()
	if values == 0 || positions <= room {
		return room, nil
	}
	limits := e.device.Info().Limits
	most := min(1<<31-1, int(min(limits.MaxBindingSize, limits.MaxBufferSize)/uint64(4*places*largest)))
	larger, err := e.spare.growth(ctx, room, positions, most, 4*places*values, 4*places*largest)
	if err != nil {
		return room, err
	}
	forget()
	for i, l := range g.layers {
		if !l.full() {
			continue
		}
		size := uint64(4 * places * larger * l.row())
		if state[i].kv.Size() >= size {
			continue
		}
		if err := e.growLayer(s, &state[i].kv, fmt.Sprintf("layers.%d kv_ring", i), size, 2*uint64(places)); err != nil {
			return room, err
		}
		if err := e.device.Settle(ctx); err != nil { // until the layer before has been copied
			return room, err
		}
	}
	return larger, nil
}

// growLayer moves a layer's keys and values, which lie in so many parts, to a
// buffer of a larger size.
func (e *gpuEngine) growLayer(s *gpuStore, kv *gpuArray, label string, size, parts uint64) error {
	old := *kv
	grown, err := e.device.NewBuffer(label, size)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
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

// replace frees one of the store's arrays and keeps another in its place.
func (s *gpuStore) replace(old, by gpuArray) {
	s.buffers[slices.Index(s.buffers, old)] = by
	old.Free()
}

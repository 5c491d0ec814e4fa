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
// the state of a conversation.
type spare func(ctx context.Context, bytes int64) (bool, error)

// growth is the room, in positions, that comes from room by doubling until there
// is enough, or where that is too much, an eighth more than enough; most is what a
// layer's keys and values may have at all.
func (s spare) growth(ctx context.Context, room, positions, most, bytesPerPosition int) (int, error) {
	refuse := func(why string) error {
		return fmt.Errorf("%w: the keys and values of full attention over %d tokens need %s, %s",
			ErrNoRoom, positions, gigabytes(int64(positions)*int64(bytesPerPosition)), why)
	}
	if positions > most {
		return 0, refuse(fmt.Sprintf("and a layer's are bound in one piece, which ends at %d tokens here", most))
	}
	for room < positions {
		room = min(2*room, most)
	}
	little := min(positions+positions/8, room)
	for _, try := range []int{room, little} {
		// The old ones are there until they have been copied.
		if ok, err := s(ctx, int64(try)*int64(bytesPerPosition)); ok || err != nil {
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
// attention together; 0 without such layers.
func (g *graph[V, W]) fullRows() (values int) {
	for _, l := range g.layers {
		if l.full() {
			values += l.row()
		}
	}
	return values
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
	if g.fullRows() == 0 || positions <= r.room {
		return nil
	}
	room, err := r.engine.spare.growth(ctx, r.room, positions, 1<<31-1, 4*g.fullRows())
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
	room, err := r.engine.grow(ctx, &r.store, r.state, 1, r.room, positions)
	if err != nil || room == r.room {
		return stands(err)
	}
	r.room = room
	// What was recorded reads and writes the old buffers.
	for tokens, p := range r.absorbs {
		p.Free()
		delete(r.absorbs, tokens)
	}
	r.drawn.free()
	return r.recordDrawing(r.drawn.features())
}

// grow gives full attention's keys and values of so many conversations, which
// lie one after another, room for so many positions, and returns how many there
// is room for. What is under way on the device still writes to the old buffers,
// before they are copied.
func (e *gpuEngine) grow(ctx context.Context, s *gpuStore, state []layerState[gpuArray], places, room, positions int) (int, error) {
	g := e.graph
	if g.fullRows() == 0 || positions <= room {
		return room, nil
	}
	limits, most := e.device.Info().Limits, 1<<31-1
	for _, l := range g.layers {
		if l.full() {
			most = min(most, int(min(limits.MaxBindingSize, limits.MaxBufferSize)/uint64(4*places*l.row())))
		}
	}
	larger, err := e.spare.growth(ctx, room, positions, most, 4*places*g.fullRows())
	if err != nil {
		return room, err
	}
	grown, moves := make([]gpuArray, len(g.layers)), e.device.NewProgram()
	defer moves.Free()
	for i, l := range g.layers {
		if !l.full() {
			continue
		}
		old := state[i].kv
		if grown[i], err = e.device.NewBuffer(fmt.Sprintf("layers.%d kv_ring", i), uint64(4*places*larger*l.row())); err != nil {
			err = fmt.Errorf("%w: %w", ErrNoRoom, err)
			break
		}
		halves := 2 * uint64(places)
		for half := range halves {
			moves.Copy(old, half*old.Size()/halves, grown[i], half*grown[i].Size()/halves, old.Size()/halves)
		}
	}
	if err == nil {
		err = e.device.Run(moves)
	}
	if err != nil {
		for _, b := range grown {
			b.Free()
		}
		return room, err
	}
	for i, b := range grown {
		if b != nil {
			s.replace(state[i].kv, b)
			state[i].kv = b
		}
	}
	return larger, nil
}

// replace frees one of the store's arrays and keeps another in its place.
func (s *gpuStore) replace(old, by gpuArray) {
	s.buffers[slices.Index(s.buffers, old)] = by
	old.Free()
}

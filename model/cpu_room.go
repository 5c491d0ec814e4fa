package model

import "context"

// makeRoom lets full attention keep so many positions.
func (r *cpuRun) makeRoom(ctx context.Context, positions int) error {
	g := r.engine.graph
	values, largest, _ := g.growing()
	if values == 0 || positions <= r.room {
		return nil
	}
	room, err := r.engine.spare.Growth(ctx, r.room, positions, 1<<31-1, 4*values, 4*largest)
	if err != nil {
		return Stands(err)
	}
	for _, c := range g.carried {
		if c.grows() {
			grown := make([]float32, room*c.row)
			copyHalves(grown, *r.state.of(c))
			*r.state.of(c) = grown
		}
	}
	r.room = room
	return nil
}

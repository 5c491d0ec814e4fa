package cpu

import (
	"context"

	"github.com/samba-web/samba/model/machine"
)

// makeRoom lets full attention keep this many positions.
func (r *Run) makeRoom(ctx context.Context, positions int) error {
	g := r.engine.graph
	values, largest, _ := g.Growing()
	if values == 0 || positions <= r.room {
		return nil
	}
	room, err := r.engine.spare.Growth(ctx, r.room, positions, 1<<31-1, 4*values, 4*largest)
	if err != nil {
		return machine.Stands(err)
	}
	for _, c := range g.Carried {
		if c.Grows() {
			grown := make([]float32, room*c.Row)
			copyHalves(grown, *r.state.Of(c))
			*r.state.Of(c) = grown
		}
	}
	r.room = room
	return nil
}

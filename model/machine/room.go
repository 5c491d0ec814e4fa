package machine

import (
	"context"
	"errors"
	"fmt"
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

// Spare tells whether this many bytes can be taken beside a model's weights and
// the first state of a conversation; some of them are held already.
type Spare func(ctx context.Context, bytes, held int64) (bool, error)

// Growth is the room, in positions, that comes from room by doubling until there
// is enough, or where that is too much, an eighth more than enough; most is what a
// layer's keys and values may have at all. A position takes this many bytes in all
// layers, and in the largest; layers grow one after another.
func (s Spare) Growth(ctx context.Context, room, positions, most, bytesPerPosition, largest int) (int, error) {
	refuse := func(why string) error {
		return fmt.Errorf("%w: the keys and values of full attention over %d tokens need %s, %s",
			ErrNoRoom, positions, Gigabytes(int64(positions)*int64(bytesPerPosition)), why)
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
	return 0, refuse(fmt.Sprintf("%s with room to grow, which is more than is free", Gigabytes(int64(little)*int64(bytesPerPosition))))
}

// Stands says of a run that found no room that nothing was lost.
func Stands(err error) error {
	if errors.Is(err, ErrNoRoom) {
		return fmt.Errorf("%w; the conversation stands where it was", err)
	}
	return err
}

// Gigabytes writes a number of bytes for people.
func Gigabytes(n int64) string {
	if n < 1e8 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

package model

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
	"github.com/samba-web/samba/model/safetensors"
)

// maxWASM is what the processor in a browser may fill with weights: WebAssembly
// addresses 4 GiB, and the rest of the engine lives there, too.
const maxWASM = 3 << 30

// maxState is the most that a conversation's state may take beside as much as the weights do.
const maxState = 1 << 30

// leastWeights are the fewest bytes that the weights take: in the config's bits, else in 16.
func (m *Model) leastWeights() int64 {
	bits := 16
	if q := m.config.Quantization; q != nil {
		bits = q.Bits
	}
	return WeightBytes(m.config, bits)
}

// weightBytes is what the weights take: where an index from elsewhere does not tell, or there
// is none, as few bytes as the config allows.
func (m *Model) weightBytes() int64 {
	if m.weights > 0 {
		return m.weights
	}
	return m.leastWeights()
}

// ErrTooLarge is what Load reports, wrapped, of a model that the machine has no room for.
var ErrTooLarge = errors.New("the model does not fit")

// fits refuses a model that the machine has no room for, before any of its
// weights is fetched: config and index tell enough.
func (m *Model) fits(ctx context.Context, index *safetensors.Index, o Options) error {
	m.weights = 0
	for _, n := range index.Metadata.Size {
		m.weights += n
	}
	if m.weights == 0 {
		m.weights = index.Metadata.TotalSize
	}
	weights := m.weightBytes()
	state := m.stateSize(o.Device)
	if state > maxState+weights {
		return fmt.Errorf("%w: config.json asks for %s for the state of one conversation (sliding_window %d, hidden_size %d), beside weights of %s: that is no model's, so nothing was taken",
			ErrTooLarge, machine.Gigabytes(state), m.config.SlidingWindow, m.config.HiddenSize, machine.Gigabytes(weights))
	}
	ok, err := o.room(ctx, weights+state, weights+state)
	if ok || err != nil {
		return err
	}
	where := "the 4 GB that WebAssembly has"
	if o.Device != nil {
		where = "the GPU's memory"
		if name := o.Device.Info().Name; name != "" {
			where += " (" + name + ")"
		}
	}
	advice, fitting := "choose a smaller model", 0
	for _, bits := range []int{8, 4} {
		if q := m.config.Quantization; q != nil && q.Bits <= bits {
			continue
		}
		smaller := WeightBytes(m.config, bits)
		needs := smaller + m.packed(bits, o).stateSize(o.Device)
		if ok, err := o.room(ctx, needs, needs); err != nil {
			return err
		} else if ok && smaller < weights {
			advice = fmt.Sprintf("at %d bits it would need %s and fit: take the model in %d bits, or have it packed", bits, machine.Gigabytes(needs), bits)
			if m.config.Quantization == nil {
				fitting = bits
				advice += fmt.Sprintf(" while it loads (bits: %d, --bits %d) or by samba convert --bits %d", bits, bits, bits)
			} else {
				advice += fmt.Sprintf(" from the unpacked one by samba convert --bits %d", bits)
			}
			break
		}
	}
	err = fmt.Errorf("%w: it needs %s of %s (weights %s, a conversation and its computation %s), which is more than is free; %s; nothing was downloaded",
		ErrTooLarge, machine.Gigabytes(weights+state), where, machine.Gigabytes(weights), machine.Gigabytes(state), advice)
	return tooLarge{err, fitting}
}

// packed is the model in fewer bits, as far as sizes go: keys and values may be kept in fp16, then.
func (m *Model) packed(bits int, o Options) *Model {
	c := *m.config
	c.Quantization = &config.Quantization{Bits: bits, GroupSize: 64}
	packed := &Model{config: &c, chunk: m.chunk}
	packed.halves.Store(o.halves(&c))
	return packed
}

// tooLarge is an error of a model, and the bits in which it would fit; 0: in none.
type tooLarge struct {
	error
	bits int
}

func (t tooLarge) Unwrap() error { return t.error }

// FittingBits tells, of an error that is ErrTooLarge, in which Options.Bits the model
// would have fitted; 0: in none.
func FittingBits(err error) int {
	var t tooLarge
	errors.As(err, &t)
	return t.bits
}

// room tells whether this many bytes may be taken in all, some of them from now on.
func (o *Options) room(ctx context.Context, all, more int64) (bool, error) {
	switch {
	case o.Memory > 0 && all > o.Memory:
		return false, nil
	case o.Device != nil:
		return o.Device.HasRoom(ctx, more)
	}
	return runtime.GOOS != "js" || all <= maxWASM, nil
}

// spare is the room beside the weights and a conversation's first state.
func (m *Model) spare(o Options) machine.Spare {
	return func(ctx context.Context, bytes, held int64) (bool, error) {
		return o.room(ctx, m.weights+m.stateSize(o.Device)+bytes, bytes-held)
	}
}

// rings are the keys and values of a conversation, on the machine where the model is.
func (m *Model) rings() graph.Rings {
	return graph.RingsFor(m.chunk, m.halves.Load())
}

// stateSize is what a conversation takes at first: its state, the copies of the part
// that steps overwrite, and the activations of a chunk, on a device also as its matrix
// units take them.
func (m *Model) stateSize(device *gpu.Device) int64 {
	c := m.config
	var values int
	for _, carried := range graph.Sketch(c, m.rings()).Carried {
		values += carried.Values
		if carried.Recurrent() {
			values += machine.FlightsAhead * carried.Values
		}
	}
	values += m.chunk * (3*c.HiddenSize + 3*c.IntermediateSize + 4*c.DInner() + c.QKVRows())
	if device == nil {
		return 4 * int64(values)
	}
	return 4*int64(values) + gpumachine.HalvesBytes(c, device, m.chunk)
}

// maxCompany is the most that answers beside the first may take beside as much as the weights do.
const maxCompany = 256 << 20

// roomFor is how many answers at once there is room for: each has a state, and a place
// among those that are decoded together.
func (m *Model) roomFor(o Options) int {
	c := m.config
	var state, place int64
	for _, carried := range graph.Sketch(c, m.rings()).Carried {
		values := int64(4 * carried.Values)
		state, place = state+values, place+values
		if carried.Recurrent() {
			state += machine.FlightsAhead * values
			place += (machine.StateDepth - 1) * values
		}
	}
	if o.Device == nil { // each run computes a chunk in memory of its own
		state += 4 * int64(m.chunk*(3*c.HiddenSize+3*c.IntermediateSize+4*c.DInner()+c.QKVRows()))
	}
	for n := min(o.AtOnce, MaxSlots); n > 1; n /= 2 {
		bytes := int64(n-1)*state + int64(n)*place
		if bytes > maxCompany+m.weights {
			continue
		}
		if ok, err := m.spare(o)(context.Background(), bytes, 0); ok && err == nil {
			return n
		}
	}
	return 1
}

// WeightBytes is how many bytes the model's weights take as samba convert stores them.
func WeightBytes(c *config.Config, bits int) (total int64) {
	const group = 64
	for _, spec := range c.TensorSpecs() {
		n := int64(1)
		for _, d := range spec.Shape {
			n *= int64(d)
		}
		if !spec.IsLinear() {
			total += 4 * n
			continue
		}
		stored, width := folder.Storage(spec.Name, spec.Shape[1], bits, group)
		total += n * int64(width) / 8
		if stored.Quantized() {
			total += 4 * n / group
		}
	}
	return total
}

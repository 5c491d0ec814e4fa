package model

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/safetensors"
)

// maxWASM is what the processor in a browser may fill with weights: WebAssembly
// addresses 4 GiB, and the rest of the engine lives there, too.
const maxWASM = 3 << 30

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
	weights := m.weights
	if weights == 0 {
		return nil // an index from elsewhere, or none
	}
	state := m.stateSize(o.Device)
	room := func(weights int64) (bool, error) { return o.room(ctx, weights+state, weights+state) }
	ok, err := room(weights)
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
	advice := "choose a smaller model"
	for _, bits := range []int{8, 4} {
		if q := m.config.Quantization; q != nil && q.Bits <= bits {
			continue
		}
		smaller := weightBytes(m.config, bits)
		if ok, err := room(smaller); err != nil {
			return err
		} else if ok && smaller < weights {
			advice = fmt.Sprintf("at %d bits it would need %s and fit: take the model in %d bits, or make it by samba convert --bits %d",
				bits, gigabytes(smaller+state), bits, bits)
			break
		}
	}
	return fmt.Errorf("%w: it needs %s of %s (weights %s, a conversation and its computation %s), which is more than is free; %s; nothing was downloaded",
		ErrTooLarge, gigabytes(weights+state), where, gigabytes(weights), gigabytes(state), advice)
}

// room tells whether so many bytes may be taken in all, some of them from now on.
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
func (m *Model) spare(o Options) spare {
	return func(ctx context.Context, bytes, held int64) (bool, error) {
		return o.room(ctx, m.weights+m.stateSize(o.Device)+bytes, bytes-held)
	}
}

func gigabytes(n int64) string {
	if n < 1e8 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// stateSize is what a conversation takes at first: its state, the copies of the part
// that steps overwrite, and the activations of a chunk, on a device also as its matrix
// units take them.
func (m *Model) stateSize(device *gpu.Device) int64 {
	c := m.config
	var values int
	for _, kind := range c.LayerTypes {
		if kind == config.Mamba {
			values += (1 + flightsAhead) * c.DInner() * (c.DConv - 1 + c.DState)
			continue
		}
		values += 2 * m.ring(c.Window(kind)) * c.NumKVHeads * c.HeadDim
	}
	values += m.chunk * (3*c.HiddenSize + 3*c.IntermediateSize + 4*c.DInner() + c.QKVRows())
	if device == nil {
		return 4 * int64(values)
	}
	// Weights of more than 16 bits would take none.
	x, w := halvesSize(c, device, m.chunk, func(spec config.TensorSpec) gpuWeight {
		w := &kernel.Weight{DType: reference.F16, Out: spec.Shape[0], In: spec.Shape[1]}
		if q := c.Quantization; q != nil {
			w.DType, _ = storage(spec.Name, w.In, q.Bits, q.GroupSize)
		}
		return w
	})
	return 4*int64(values) + int64(x+w)
}

// halvesSize is how many bytes of kernel.Halves a model's weights and a chunk take. A layer's weight has room for all
// of its rows; the head's, which multiplies a chunk only where somebody asks for all logits, comes in slices.
func halvesSize(c *config.Config, device *gpu.Device, chunk int, weight func(spec config.TensorSpec) gpuWeight) (x, w uint64) {
	recorder := kernel.Recorder{Device: device, Tokens: chunk}
	for _, spec := range c.TensorSpecs() {
		if !spec.IsLinear() {
			continue
		}
		rows := spec.Shape[0]
		if spec.Name == config.EmbedTokens || spec.Name == config.LMHead {
			rows = 1
		}
		ofX, ofW := recorder.HalvesSize(weight(spec), rows)
		x, w = max(x, ofX), max(w, ofW)
	}
	return x, w
}

// weightBytes is what the model's weights take as samba convert stores them.
func weightBytes(c *config.Config, bits int) (total int64) {
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
		stored, width := storage(spec.Name, spec.Shape[1], bits, group)
		total += n * int64(width) / 8
		if stored.Quantized() {
			total += 4 * n / group
		}
	}
	return total
}

// parts deals the rows of a linear weight [out, in] of so many bits out to
// buffers that a device binds.
func parts(limits gpu.Limits, name string, out, in, bits int) (parts []kernel.Part, err error) {
	n, err := rows(limits, name, out, in, bits)
	for row := 0; err == nil && row < out; row += n {
		parts = append(parts, kernel.Part{Row0: row, Rows: min(n, out-row)})
	}
	return parts, err
}

// rows is how many of out rows of in weights a device binds at once. An even
// number, where it is not all: 16-bit rows of odd length then start on a word.
func rows(limits gpu.Limits, name string, out, in, bits int) (int, error) {
	n := int(min(limits.MaxBindingSize, limits.MaxBufferSize) * 8 / uint64(in*bits))
	if n >= out {
		return out, nil
	}
	if n &^= 1; n == 0 {
		return 0, fmt.Errorf("%s: two rows of %d weights are more than this GPU binds (%d bytes)", strings.TrimSuffix(name, ".weight"), in, limits.MaxBindingSize)
	}
	return n, nil
}

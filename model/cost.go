package model

import (
	"fmt"
	"strings"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Cost is the least that a pass of the graph has to do, however well it is
// written: what it must move to and from memory once, and what it must compute.
type Cost struct {
	Bytes int64 `json:"bytes"` // weights and state; what lies between the steps of a pass can stay on chip
	State int64 `json:"state"` // of them, the state's
	Ops   int64 `json:"ops"`   // of arithmetic, a multiply-add counting as two; dequantization, norms and gates are left out
}

// Cost counts a pass over tokens tokens that follow pos others, with the
// logits of the last one.
func (m *Model) Cost(pos, tokens int) Cost {
	return cost(m.config, pos, tokens, m.stored)
}

// stored tells how a linear weight is kept: bits of a weight, and how many
// share a scale and a bias of 16 bits each, 0 without such groups.
func (m *Model) stored(name string) (bits, group int) {
	var dtype reference.DType
	switch e := m.engine.(type) {
	case *gpuEngine:
		dtype, group = e.store.weights[name].DType, e.store.weights[name].Group
	case *cpuEngine:
		dtype, group = e.store.weights[name].DType, e.store.weights[name].Group
	default:
		panic(fmt.Sprintf("no way to tell how a %T keeps its weights", e))
	}
	if !dtype.Quantized() {
		group = 0
	}
	return dtype.Bits(), group
}

func cost(c *config.Config, pos, tokens int, stored func(name string) (bits, group int)) Cost {
	var sum Cost
	n := int64(tokens)
	matrix := func(name string, rows, width int) int64 {
		bits, group := stored(name)
		bytes := int64(rows) * int64(width) * int64(bits) / 8
		if group > 0 {
			bytes += int64(rows) * int64(width/group) * 4
		}
		return bytes
	}
	for _, spec := range c.TensorSpecs() {
		size := int64(1)
		for _, d := range spec.Shape {
			size *= int64(d)
		}
		switch {
		case spec.Name == config.EmbedTokens: // a row for each token
			sum.Bytes += n * matrix(spec.Name, 1, spec.Shape[1])
		case spec.Name == config.LMHead: // below
		case strings.HasSuffix(spec.Name, "_proj.weight"):
			sum.Bytes += matrix(spec.Name, spec.Shape[0], spec.Shape[1])
			sum.Ops += 2 * size * n
		default:
			sum.Bytes += 4 * size
		}
	}
	head := config.LMHead
	if c.TieEmbeddings {
		head = config.EmbedTokens
	}
	sum.Bytes += matrix(head, c.VocabSize, c.HiddenSize)
	sum.Ops += 2 * int64(c.VocabSize) * int64(c.HiddenSize)

	for _, kind := range c.LayerTypes {
		if kind == config.Mamba {
			inner, state := int64(c.DInner()), int64(c.DState)
			sum.State += 2 * 4 * inner * (state + int64(c.DConv-1)) // both states, read and written
			// The convolution; and h = exp(dt A) h + dt B x, y = C h: seven for each state.
			sum.Ops += n * inner * (2*int64(c.DConv) + 7*state)
			continue
		}
		window := int64(c.Window(kind))
		if window == 0 {
			window = int64(pos) + n
		}
		keys, before := int64(0), int64(pos)
		for t := range n {
			keys += min(before+t+1, window)
		}
		row := 2 * int64(c.NumKVHeads) * int64(c.HeadDim) * 4 // a key and a value, fp32
		sum.State += (min(before, window-1) + n) * row        // the keys that the window holds are read, the new ones written
		sum.Ops += 4 * keys * int64(c.NumHeads) * int64(c.HeadDim)
	}
	sum.Bytes += sum.State
	return sum
}

package model

import (
	"fmt"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// store keeps a model's tensors where a machine wants them.
type store[V, W any] interface {
	// array allocates n values, zeroed.
	array(name string, n int) (V, error)
	// vector keeps the values of a small tensor.
	vector(name string, values []float32) (V, error)
	// linear gives back the weight whose tensors have been put.
	linear(name string) (W, error)
}

// assemble builds the graph from loaded tensors. ring is the number of
// positions of the KV rings for a layer's window.
func assemble[V, W any](c *config.Config, s store[V, W], vectors map[string][]float32, ring func(window int) int) (*graph[V, W], error) {
	var failure error
	vector := func(names ...string) V {
		var all []float32
		for _, name := range names {
			all = append(all, vectors[name]...)
			delete(vectors, name)
		}
		v, err := s.vector(names[0], all)
		if err != nil && failure == nil {
			failure = err
		}
		return v
	}
	linear := func(name string) W {
		w, err := s.linear(name)
		if err != nil && failure == nil {
			failure = err
		}
		return w
	}
	g := &graph[V, W]{embedTokens: linear(config.EmbedTokens)}
	for i, kind := range c.LayerTypes {
		at := func(name string) string { return config.LayerTensor(i, name) }
		l := layer[V, W]{norm: vector(at("mixer_norm.weight"))}
		if kind == config.Mamba {
			l.mamba = &mambaWeights[V, W]{
				shape:   scanShape(c),
				inProj:  linear(at("mixer.in_proj.weight")),
				conv:    vector(at("mixer.conv1d.weight"), at("mixer.conv1d.bias")),
				xProj:   linear(at("mixer.x_proj.weight")),
				dtProj:  linear(at("mixer.dt_proj.weight")),
				params:  vector(at("mixer.A_log"), at("mixer.D"), at("mixer.dt_proj.bias")),
				outProj: linear(at("mixer.out_proj.weight")),
			}
		} else {
			window := c.Window(kind)
			l.attention = &attentionWeights[V, W]{
				shape: reference.AttentionShape{Heads: c.NumHeads, KVHeads: c.NumKVHeads, HeadDim: c.HeadDim, Window: window, Ring: ring(window)},
				qkv:   linear(at("mixer.qkv_proj.weight")),
				oProj: linear(at("mixer.o_proj.weight")),
			}
			if c.RopeTheta != nil {
				l.attention.shape.Theta = *c.RopeTheta
			}
		}
		if c.HasMLP(i) {
			l.mlp = &mlpWeights[V, W]{
				norm:   vector(at("mlp_norm.weight")),
				gateUp: linear(at("mlp.gate_up_proj.weight")),
				down:   linear(at("mlp.down_proj.weight")),
			}
		}
		g.layers = append(g.layers, l)
	}
	g.norm = vector(config.FinalNorm)
	g.head = g.embedTokens
	if !c.TieEmbeddings {
		g.head = linear(config.LMHead)
	}
	return g, failure
}

func scanShape(c *config.Config) reference.ScanShape {
	return reference.ScanShape{DInner: c.DInner(), DState: c.DState, DConv: c.DConv, DTRank: c.DTRank}
}

// newActivations allocates what lies between the steps of a run of at most
// tokens tokens.
func newActivations[V, W any](c *config.Config, s store[V, W], tokens int) (*activations[V], error) {
	var failure error
	array := func(name string, width int) V {
		v, err := s.array(name, tokens*width)
		if err != nil && failure == nil {
			failure = err
		}
		return v
	}
	a := &activations[V]{x: array("residual stream", c.HiddenSize), mlp: array("MLP", c.IntermediateSize)}
	mixed := 0
	if c.Has(config.Mamba) {
		mixed = c.DInner()
		a.xz = array("xz", 2*c.DInner())
		a.conv = array("convolution", c.DInner())
		a.dbc = array("dt, B, C", c.DTRank+2*c.DState)
	}
	if c.Has(config.SlidingAttention) || c.Has(config.FullAttention) {
		a.qkv = array("qkv", c.QKVRows())
		mixed = max(mixed, c.NumHeads*c.HeadDim)
	}
	a.mixed = array("mixer", mixed)
	var err error
	if a.logits, err = s.array("logits", c.VocabSize); err != nil && failure == nil {
		failure = err
	}
	return a, failure
}

// newState allocates the state of one conversation, zeroed.
func newState[V, W any](g *graph[V, W], s store[V, W]) ([]layerState[V], error) {
	state := make([]layerState[V], len(g.layers))
	for i, l := range g.layers {
		var err error
		array := func(name string, n int) V {
			v, failed := s.array(fmt.Sprintf("layers.%d %s", i, name), n)
			if err == nil {
				err = failed
			}
			return v
		}
		if w := l.mamba; w != nil {
			state[i].conv = array("conv_state", w.shape.DInner*(w.shape.DConv-1))
			state[i].ssm = array("ssm_state", w.shape.DInner*w.shape.DState)
		} else {
			row := l.attention.shape.KVHeads * l.attention.shape.HeadDim
			state[i].kv = array("kv_ring", 2*l.attention.shape.Ring*row)
		}
		if err != nil {
			return state, err
		}
	}
	return state, nil
}

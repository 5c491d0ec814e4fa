package gpu

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
)

// A trial beside a load ends while the weights still come, and what it says ends the load, or lets it go on.
func TestTryBeside(t *testing.T) {
	device, err := gpu.Open(t.Context())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	theta := 10000.0
	c := &config.Config{
		ModelType: "samba", HiddenSize: 64, NumHiddenLayers: 4, LayerTypes: []string{config.Mamba, config.SlidingAttention, config.Mamba, config.SlidingAttention},
		NumHeads: 4, NumKVHeads: 2, HeadDim: 16, SlidingWindow: 24, IntermediateSize: 96,
		DState: 16, DConv: 4, Expand: 2, DTRank: 4, RMSNormEps: 1e-5, RopeTheta: &theta, TieEmbeddings: true, VocabSize: 100,
	}
	place := func(to Loading, spec config.TensorSpec, dtype reference.DType) error {
		f := folder.LinearFormat{DType: dtype, Out: spec.Shape[0], In: spec.Shape[1]}
		return to.Place(spec.Name, folder.PieceData, f, folder.Rows{Count: f.Out}, int64(f.Out*f.In*dtype.Bits()/8))
	}
	announce := func(ctx context.Context, to Loading) error {
		for _, spec := range c.TensorSpecs() {
			if !spec.IsLinear() {
				continue
			}
			if err := to.Settle(ctx); err != nil { // as after a shard that has not all that the trial needs to know
				return err
			}
			if err := place(to, spec, reference.F16); err != nil {
				return err
			}
		}
		return to.Settle(ctx)
	}
	over := func(to Loading) *beside { b := to.(*beside); b.over.Wait(); return b }
	broken, failed := errors.New("broken"), errors.New("failed")
	// Each begins once all weights are announced, and the trial with it.
	for _, test := range []struct {
		name  string
		harm  func(b *beside) // before the trial begins
		rest  func(ctx context.Context, cancel func(), to Loading) error
		tried bool
		err   error
	}{
		{name: "it passes", rest: func(ctx context.Context, _ func(), to Loading) error {
			if b := over(to); b.err != nil || ctx.Err() != nil {
				t.Errorf("the trial says %v, the load's context %v", b.err, ctx.Err())
			}
			return nil
		}, tried: true},
		{name: "the load is there first", tried: true},
		{name: "the kernels are wrong", harm: func(b *beside) {
			b.trial.leave = func(f func() error) error {
				for i := range b.trial.cpu[config.EmbedTokens].Data {
					b.trial.cpu[config.EmbedTokens].Data[i] ^= 1 << 15
				}
				return b.leave(f)
			}
		}, rest: func(ctx context.Context, _ func(), to Loading) error {
			<-ctx.Done()
			return ctx.Err()
		}, err: ErrWrong},
		{name: "the device fails", harm: func(b *beside) { b.trial.leave = func(func() error) error { return broken } },
			rest: func(ctx context.Context, _ func(), to Loading) error { <-ctx.Done(); return ctx.Err() }, err: broken},
		{name: "it fails, and the load is there first", harm: func(b *beside) { b.trial.leave = func(func() error) error { return broken } }, err: broken},
		{name: "there is no room", harm: func(b *beside) { b.trial.leave = func(func() error) error { return ErrUntried } },
			rest: func(ctx context.Context, _ func(), to Loading) error { over(to); return ctx.Err() }},
		{name: "the load fails", rest: func(context.Context, func(), Loading) error { return failed }, err: failed},
		{name: "it is cancelled", rest: func(ctx context.Context, cancel func(), to Loading) error { cancel(); <-ctx.Done(); return ctx.Err() }, err: context.Canceled},
		{name: "a shard comes again, and otherwise", rest: func(ctx context.Context, _ func(), to Loading) error {
			return place(to, c.TensorSpecs()[0], reference.BF16)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := NewStore(device)
			defer s.Free()
			before := device.Allocated()
			tried, err := TryBeside(ctx, c, s, 16, false, 1<<20, func(ctx context.Context, to Loading) error {
				if test.harm != nil {
					test.harm(to.(*beside))
				}
				if err := announce(ctx, to); err != nil {
					return err
				}
				if !to.(*beside).begun {
					t.Error("no trial has begun")
				}
				if test.rest == nil {
					return nil
				}
				return test.rest(ctx, cancel, to)
			})
			if tried != test.tried || !errors.Is(err, test.err) {
				t.Errorf("tried: %v, %v; want %v, %v", tried, err, test.tried, test.err)
			}
			s.Free()
			if after := device.Allocated(); after > before+64<<10 { // words that the device keeps
				t.Errorf("%d bytes are left", after-before)
			}
		})
	}
	t.Run("nothing tells how weights are stored", func(t *testing.T) {
		s := NewStore(device)
		defer s.Free()
		if tried, err := TryBeside(t.Context(), c, s, 16, false, 0, func(ctx context.Context, to Loading) error { return to.Settle(ctx) }); tried || err != nil {
			t.Errorf("tried: %v, %v", tried, err)
		}
	})
	// What the config says is tried before anything has come.
	q := *c
	q.Quantization = &config.Quantization{Bits: 4, GroupSize: 32}
	for _, stored := range []struct {
		by          string
		bf16, tried bool
	}{{config.ModelType, false, true}, {config.ModelType, true, false}, {"jamba", false, false}} {
		t.Run(fmt.Sprintf("a quantized model, by %s, bf16 %v", stored.by, stored.bf16), func(t *testing.T) {
			s := NewStore(device)
			defer s.Free()
			q := q
			q.ModelType = stored.by // others' configs do not say how each tensor is stored
			tried, err := TryBeside(t.Context(), &q, s, 16, false, 0, func(ctx context.Context, to Loading) error {
				over(to)
				for _, spec := range q.TensorSpecs() {
					if !spec.IsLinear() {
						continue
					}
					f := foreseen(q.Quantization, spec)
					f.ScalesBF16 = stored.bf16 && f.DType.Quantized()
					for _, p := range []folder.Piece{folder.PieceData, folder.PieceScales, folder.PieceBiases} {
						if p > folder.PieceData && !f.DType.Quantized() {
							continue
						}
						if err := to.Place(spec.Name, p, f, folder.Rows{Count: f.Out}, int64(f.Out*f.In)); err != nil {
							return err
						}
					}
				}
				return ctx.Err()
			})
			if tried != stored.tried || err != nil {
				t.Errorf("tried: %v, %v", tried, err)
			}
		})
	}
	for name, fault := range map[string]func(to Loading){
		"the trial panics": func(to Loading) { to.(*beside).trial.leave = func(func() error) error { panic(broken) } },
		"the load panics":  func(Loading) { panic(broken) },
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStore(device)
			defer s.Free()
			defer func() {
				if r := recover(); r != broken {
					t.Errorf("panicked with %v", r)
				}
			}()
			TryBeside(t.Context(), c, s, 16, false, 0, func(ctx context.Context, to Loading) error {
				if name == "the load panics" {
					if err := announce(ctx, to); err != nil {
						return err
					}
				}
				fault(to)
				return announce(ctx, to)
			})
		})
	}
}

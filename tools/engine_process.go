package main

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/randomweights"
	"github.com/samba-web/samba/wasm/measuring"
	"github.com/samba-web/samba/wasm/protocol"
)

// process is the engine's home outside browsers: models are folders on disk or random weights, the GPU is wgpu-native's.
type process struct{ measuring.Lab }

func (process) Source(path string) (folder.Source, error) {
	if randomweights.Is(path) {
		return randomweights.Open(path)
	}
	return folder.Dir(path), nil
}

func (process) Device(ctx context.Context) (*gpu.Device, error) { return gpu.Open(ctx) }

// pipe connects an engine to a client in the same process.
type pipe struct {
	ctx               context.Context
	requests, replies chan protocol.Frame
}

func (p pipe) Receive(ctx context.Context) (protocol.Frame, error) {
	select {
	case frame := <-p.requests:
		return frame, nil
	case <-ctx.Done():
		return protocol.Frame{}, ctx.Err()
	}
}

func (p pipe) Send(frame protocol.Frame) error {
	frame.Data = bytes.Clone(frame.Data) // the engine may use its own again
	select {
	case p.replies <- frame:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// engineInProcess starts an engine in this process.
func engineInProcess() *engine {
	ctx, stop := context.WithCancel(context.Background())
	p := pipe{ctx: ctx, requests: make(chan protocol.Frame), replies: make(chan protocol.Frame)}
	var ended error
	go func() {
		ended = (&protocol.Engine{Home: process{}}).Serve(ctx, p)
		close(p.replies)
	}()
	return &engine{
		send: func(frame protocol.Frame) error {
			select {
			case p.requests <- frame:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		frames: p.replies,
		gone:   func() error { return errors.Join(errors.New("the engine stopped"), ended) },
		close: func() {
			stop()
			enough := time.After(cancelPatience)
			for {
				select {
				case _, open := <-p.replies:
					if !open {
						return
					}
				case <-enough: // in the middle of a long step; the process is about to end anyway
					return
				}
			}
		},
	}
}

package model

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

type (
	cpuArray  = []float32
	cpuWeight = *reference.Weight
)

// cpuStore keeps tensors in Go's heap.
type cpuStore struct{ weights map[string]*reference.Weight }

func newCPUStore() *cpuStore { return &cpuStore{weights: map[string]*reference.Weight{}} }

func (s *cpuStore) array(_ string, n int) (cpuArray, error) { return make([]float32, n), nil }

func (s *cpuStore) vector(_ string, values []float32) (cpuArray, error) { return values, nil }

func (s *cpuStore) linear(name string) (cpuWeight, error) {
	if w := s.weights[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("%s: not loaded", name)
}

func (s *cpuStore) place(name string, piece piece, f linearFormat, n int64) error {
	w := s.weights[name]
	if w == nil {
		w = &reference.Weight{Out: f.out, In: f.in}
		s.weights[name] = w
	}
	w.DType, w.Group, w.ScalesBF16 = f.dtype, f.group, f.scalesBF16
	switch piece {
	case pieceData:
		w.Data = make([]uint32, (n+3)/4)
	case pieceScales:
		w.Scales = make([]uint16, n/2)
	case pieceBiases:
		w.Biases = make([]uint16, n/2)
	}
	return nil
}

// put copies bytes to where they stay: machines that run this hold numbers as
// model files do, lowest byte first.
func (s *cpuStore) put(name string, piece piece, at int64, blob gpu.Blob, from, n int64) error {
	w := s.weights[name]
	var to []byte
	switch piece {
	case pieceData:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Data))), 4*len(w.Data))
	case pieceScales:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Scales))), 2*len(w.Scales))
	case pieceBiases:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Biases))), 2*len(w.Biases))
	}
	blob.CopyTo(to[at:at+n], from)
	return nil
}

func (s *cpuStore) settle(context.Context) error { return nil }

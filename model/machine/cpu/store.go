package cpu

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/folder"
)

type (
	array  = []float32
	weight = *reference.Weight
)

// Store keeps tensors in Go's heap.
type Store struct{ weights map[string]*reference.Weight }

func NewStore() *Store { return &Store{weights: map[string]*reference.Weight{}} }

func (s *Store) Array(_ string, n int) (array, error) { return make([]float32, n), nil }

func (s *Store) Vector(_ string, values []float32) (array, error) { return values, nil }

func (s *Store) Linear(name string) (weight, error) {
	if w := s.weights[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("%s: not loaded", name)
}

func (s *Store) Place(name string, piece folder.Piece, f folder.LinearFormat, n int64) error {
	w := s.weights[name]
	if w == nil {
		w = &reference.Weight{Out: f.Out, In: f.In}
		s.weights[name] = w
	}
	w.DType, w.Group, w.ScalesBF16 = f.DType, f.Group, f.ScalesBF16
	switch piece {
	case folder.PieceData:
		w.Data = make([]uint32, (n+3)/4)
	case folder.PieceScales:
		w.Scales = make([]uint16, n/2)
	case folder.PieceBiases:
		w.Biases = make([]uint16, n/2)
	}
	return nil
}

// Put copies bytes to where they stay: machines that run this hold numbers as
// model files do, lowest byte first.
func (s *Store) Put(name string, piece folder.Piece, at int64, blob gpu.Blob, from, n int64) error {
	w := s.weights[name]
	var to []byte
	switch piece {
	case folder.PieceData:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Data))), 4*len(w.Data))
	case folder.PieceScales:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Scales))), 2*len(w.Scales))
	case folder.PieceBiases:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Biases))), 2*len(w.Biases))
	}
	blob.CopyTo(to[at:at+n], from)
	return nil
}

func (s *Store) Settle(context.Context) error { return nil }

package cpu

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/folder"
)

type (
	array  = []float32
	weight = *reference.Weight
)

// Store keeps tensors in Go's heap.
type Store struct {
	weights map[string]*reference.Weight
	help    *cpu.Help
}

// NewStore starts the threads, too, that will compute with the weights: as many as suit where
// threads is 0. They are there until Free.
func NewStore(threads int) *Store {
	return &Store{weights: map[string]*reference.Weight{}, help: cpu.Hire(threads)}
}

// Free ends the threads, once.
func (s *Store) Free() {
	if s.help != nil {
		s.help.Dismiss()
		s.help = nil
	}
}

func (s *Store) Array(_ string, n int) (array, error) { return make([]float32, n), nil }

func (s *Store) Vector(_ string, values []float32) (array, error) { return values, nil }

func (s *Store) Linear(name string, bias []float32, factor float64) (weight, error) {
	w := s.weights[name]
	if w == nil {
		return nil, fmt.Errorf("%s: not loaded", name)
	}
	finished := *w // a table of embeddings may serve as the head, with another factor
	finished.Bias, finished.Factor = bias, float32(factor)
	return &finished, nil
}

func (s *Store) Place(name string, piece folder.Piece, f folder.LinearFormat, rows folder.Rows, n int64) error {
	w := s.weights[name]
	if w == nil {
		w = &reference.Weight{Out: f.Out, In: f.In}
		s.weights[name] = w
	}
	if piece == folder.PieceData || f.DType.Quantized() { // scales that come first do not know
		w.DType = f.DType
	}
	w.Group, w.ScalesBF16 = f.Group, f.ScalesBF16
	all := n / int64(rows.Count) * int64(f.Out)
	switch {
	case piece == folder.PieceData && int64(len(w.Data)) != (all+3)/4:
		w.Data = make([]uint32, (all+3)/4)
	case piece == folder.PieceScales && int64(len(w.Scales)) != all/2:
		w.Scales = make([]uint16, all/2)
	case piece == folder.PieceBiases && int64(len(w.Biases)) != all/2:
		w.Biases = make([]uint16, all/2)
	}
	return nil
}

// Put copies bytes to where they stay: machines that run this hold numbers as
// model files do, lowest byte first.
func (s *Store) Put(name string, piece folder.Piece, rows folder.Rows, at int64, blob gpu.Blob, from, n int64) error {
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
	at += rowBytes(w, piece) * int64(rows.First)
	blob.CopyTo(to[at:at+n], from)
	return nil
}

// rowBytes is what a row takes of a piece.
func rowBytes(w *reference.Weight, piece folder.Piece) int64 {
	if piece == folder.PieceData {
		return int64(w.In) * int64(w.DType.Bits()) / 8
	}
	return 2 * int64(w.In/w.Group)
}

func (s *Store) Settle(context.Context) error { return nil }

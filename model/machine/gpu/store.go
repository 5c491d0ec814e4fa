package gpu

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/machine"
)

type (
	buffer = *gpu.Buffer
	weight = *kernel.Weight
)

// Store keeps tensors on the device.
type Store struct {
	device  *gpu.Device
	weights map[string]*kernel.Weight
	halves  map[groupPiece]*groups // scales or biases that are not whole, or whose twins are not
	buffers []*gpu.Buffer          // arrays and vectors
}

// groupPiece is one of the two tensors that a quantized weight's groups are stored in.
type groupPiece struct {
	name  string
	piece folder.Piece
}

// groups are the scales or the biases of a weight, part by part.
type groups struct {
	buffers []*gpu.Buffer
	left    int64 // bytes to come
}

func (g *groups) free() {
	if g == nil {
		return
	}
	for _, b := range g.buffers {
		b.Free()
	}
}

func NewStore(device *gpu.Device) *Store {
	return &Store{device: device, weights: map[string]*kernel.Weight{}}
}

func (s *Store) Array(name string, n int) (buffer, error) {
	b, err := s.device.NewBuffer(name, 4*uint64(n))
	if err != nil {
		return nil, err
	}
	s.buffers = append(s.buffers, b)
	return b, nil
}

func (s *Store) Vector(name string, values []float32) (buffer, error) {
	b, err := s.Array(name, len(values))
	if err != nil {
		return nil, err
	}
	return b, s.device.Write(b, 0, machine.FloatBytes(values))
}

func (s *Store) Linear(name string) (weight, error) {
	if w := s.weights[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("%s: not loaded", name)
}

// Place makes room for one tensor of a linear weight, in parts of rows where
// the device binds less than the whole.
func (s *Store) Place(name string, piece folder.Piece, f folder.LinearFormat, n int64) error {
	w := s.weights[name]
	if w == nil {
		w = &kernel.Weight{Out: f.Out, In: f.In}
		// Scales may come before the data that says how many bits there are: quantized rows are counted as of 8.
		bits := reference.Q8.Bits()
		if piece == folder.PieceData && !f.DType.Quantized() {
			bits = f.DType.Bits()
		}
		var err error
		if w.Parts, err = parts(s.device.Info().Limits, name, f.Out, f.In, bits); err != nil {
			return err
		}
		s.weights[name] = w
	}
	w.DType, w.Group, w.ScalesBF16 = f.DType, f.Group, f.ScalesBF16
	var buffers []*gpu.Buffer
	for _, p := range w.Parts {
		b, err := s.device.NewBuffer(name, uint64(n*int64(p.Rows)/int64(f.Out)))
		if err != nil {
			return err
		}
		buffers = append(buffers, b)
	}
	if piece == folder.PieceData {
		for i, b := range buffers {
			w.Parts[i].Data.Free() // there is one if the file comes again
			w.Parts[i].Data = b
		}
		return nil
	}
	if s.halves == nil {
		s.halves = map[groupPiece]*groups{}
	}
	s.halves[groupPiece{name, piece}].free()
	s.halves[groupPiece{name, piece}] = &groups{buffers: buffers, left: n}
	return nil
}

// Put uploads a stretch of a tensor straight from the file's bytes.
func (s *Store) Put(name string, piece folder.Piece, at int64, blob gpu.Blob, from, n int64) error {
	w, half := s.weights[name], s.halves[groupPiece{name, piece}]
	begin := int64(0) // of the part
	for i := range w.Parts {
		b := w.Parts[i].Data
		if piece != folder.PieceData {
			b = half.buffers[i]
		}
		end := begin + int64(b.Size())
		if first, last := max(at, begin), min(at+n, end); first < last {
			if err := s.device.WriteBlob(b, uint64(first-begin), blob, from+first-at, last-first); err != nil {
				return err
			}
		}
		begin = end
	}
	if piece == folder.PieceData {
		return nil
	}
	half.left -= n
	return s.pack(name)
}

// pack joins a weight's scales and biases once both are whole.
func (s *Store) pack(name string) error {
	w, scales, biases := s.weights[name], s.halves[groupPiece{name, folder.PieceScales}], s.halves[groupPiece{name, folder.PieceBiases}]
	if scales == nil || biases == nil || scales.left > 0 || biases.left > 0 {
		return nil
	}
	for i := range w.Parts {
		p := &w.Parts[i]
		affine, err := kernel.PackAffine(s.device, scales.buffers[i], biases.buffers[i], p.Rows*w.In/w.Group)
		if err != nil {
			return err
		}
		p.Affine.Free() // there is one if the file comes again
		p.Affine = affine
	}
	delete(s.halves, groupPiece{name, folder.PieceScales})
	delete(s.halves, groupPiece{name, folder.PieceBiases})
	return nil
}

func (s *Store) Settle(ctx context.Context) error { return s.device.Settle(ctx) }

// Free gives back all that the store holds.
func (s *Store) Free() {
	for _, w := range s.weights {
		w.Free()
	}
	for _, h := range s.halves {
		h.free()
	}
	for _, b := range s.buffers {
		b.Free()
	}
	s.weights, s.halves, s.buffers = nil, nil, nil
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

// replace frees one of the store's arrays and keeps another in its place.
func (s *Store) replace(old, by buffer) {
	s.buffers[slices.Index(s.buffers, old)] = by
	old.Free()
}

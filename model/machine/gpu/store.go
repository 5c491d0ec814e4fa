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
	halves  map[groupPiece]*groups // scales or biases of some rows that are not whole, or whose twins are not
	buffers []*gpu.Buffer          // arrays and vectors
}

// groupPiece is one of the two tensors that a quantized weight's groups are stored in, as far as one
// tensor of the folder brings it.
type groupPiece struct {
	name  string
	piece folder.Piece
	rows  folder.Rows
}

// groups are the scales or the biases of some rows.
type groups struct {
	buffer *gpu.Buffer
	left   int64 // bytes to come
}

func (g *groups) free() {
	if g != nil {
		g.buffer.Free()
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

func (s *Store) Linear(name string, bias []float32, factor float64) (weight, error) {
	w := s.weights[name]
	if w == nil {
		return nil, fmt.Errorf("%s: not loaded", name)
	}
	finished := *w // a table of embeddings may serve as the head, with another factor
	finished.Factor = factor
	if bias == nil {
		return &finished, nil
	}
	var err error
	finished.Bias, err = s.Vector(strings.TrimSuffix(name, ".weight")+".bias", bias)
	return &finished, err
}

// Place makes room for one tensor of a linear weight, in parts of rows where
// the device binds less than the whole.
func (s *Store) Place(name string, piece folder.Piece, f folder.LinearFormat, rows folder.Rows, n int64) error {
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
	if piece == folder.PieceData || f.DType.Quantized() { // scales that come first do not know
		w.DType = f.DType
	}
	w.Group, w.ScalesBF16 = f.Group, f.ScalesBF16
	if piece != folder.PieceData {
		return s.placeGroups(groupPiece{name, piece, rows}, n)
	}
	perRow := n / int64(rows.Count)
	if rows.First > 0 && perRow*int64(rows.First)%4 != 0 {
		return fmt.Errorf("%s: rows of %d bytes cannot be joined", name, perRow)
	}
	for i := range w.Parts {
		p := &w.Parts[i]
		if size := uint64(perRow * int64(p.Rows)); p.Data == nil || p.Data.Size() != (size+3)&^3 {
			p.Data.Free()
			var err error
			if p.Data, err = s.device.NewBuffer(name, size); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) placeGroups(key groupPiece, n int64) error {
	b, err := s.device.NewBuffer(key.name, uint64(n))
	if err != nil {
		return err
	}
	if s.halves == nil {
		s.halves = map[groupPiece]*groups{}
	}
	s.halves[key].free() // there are some if the file comes again
	s.halves[key] = &groups{buffer: b, left: n}
	return nil
}

// Put uploads a stretch of a tensor straight from the file's bytes.
func (s *Store) Put(name string, piece folder.Piece, rows folder.Rows, at int64, blob gpu.Blob, from, n int64) error {
	w := s.weights[name]
	if piece != folder.PieceData {
		half := s.halves[groupPiece{name, piece, rows}]
		if err := s.device.WriteBlob(half.buffer, uint64(at), blob, from, n); err != nil {
			return err
		}
		half.left -= n
		return s.pack(name, rows)
	}
	perRow := int64(w.In) * int64(w.DType.Bits()) / 8
	at += perRow * int64(rows.First)
	for _, p := range w.Parts {
		begin := perRow * int64(p.Row0)
		end := begin + perRow*int64(p.Rows)
		if first, last := max(at, begin), min(at+n, end); first < last {
			if err := s.device.WriteBlob(p.Data, uint64(first-begin), blob, from+first-at, last-first); err != nil {
				return err
			}
		}
	}
	return nil
}

// pack joins some rows' scales and biases once both are whole.
func (s *Store) pack(name string, rows folder.Rows) error {
	w := s.weights[name]
	ofScales, ofBiases := groupPiece{name, folder.PieceScales, rows}, groupPiece{name, folder.PieceBiases, rows}
	scales, biases := s.halves[ofScales], s.halves[ofBiases]
	if scales == nil || biases == nil || scales.left > 0 || biases.left > 0 {
		return nil
	}
	perRow := w.In / w.Group
	affine, err := kernel.PackAffine(s.device, scales.buffer, biases.buffer, rows.Count*perRow)
	if err != nil {
		return err
	}
	delete(s.halves, ofScales)
	delete(s.halves, ofBiases)
	if rows.Count == w.Out && len(w.Parts) == 1 {
		w.Parts[0].Affine.Free() // there is one if the file comes again
		w.Parts[0].Affine = affine
		return nil
	}
	defer affine.Free()
	moves := s.device.NewProgram()
	defer moves.Free()
	for i := range w.Parts {
		p := &w.Parts[i]
		if p.Affine == nil {
			if p.Affine, err = s.device.NewBuffer(name+" scales and biases", 4*uint64(p.Rows*perRow)); err != nil {
				return err
			}
		}
		if first, last := max(rows.First, p.Row0), min(rows.First+rows.Count, p.Row0+p.Rows); first < last {
			moves.Copy(affine, 4*uint64((first-rows.First)*perRow), p.Affine, 4*uint64((first-p.Row0)*perRow), 4*uint64((last-first)*perRow))
		}
	}
	return s.device.Run(moves)
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

// parts deals the rows of a linear weight [out, in] of this many bits out to
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

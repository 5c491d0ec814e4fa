package folder

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
)

// regrouping is a module whose rows are joined with others that are packed
// otherwise. It waits until it is whole, and is then packed as the widest of
// them, which loses nothing.
type regrouping struct {
	pieces [3][]byte
}

// regroup takes a whole tensor of such a module.
func (l *loader) regroup(r role, data []byte) error {
	w := l.regrouped[r.name]
	if w == nil {
		w = &regrouping{}
		l.regrouped[r.name] = w
	}
	w.pieces[r.part] = data
	p := l.parts[r.name]
	if w.pieces[PieceData] == nil || p.bits != 0 && (w.pieces[PieceScales] == nil || w.pieces[PieceBiases] == nil) {
		return nil
	}
	delete(l.regrouped, r.name)
	in, target := r.spec.Shape[1], r.place
	f := LinearFormat{Out: r.spec.Shape[0], In: in, DType: reference.F32}
	if target.Bits == 0 {
		one := reference.Weight{DType: p.dtype, Out: r.place.Rows, In: in, Group: p.group, Data: words(w.pieces[PieceData]), Scales: halves(w.pieces[PieceScales]),
			Biases: halves(w.pieces[PieceBiases]), ScalesBF16: p.scales == safetensors.BF16}
		row, plain := make([]float32, in), make([]byte, 0, 4*in*r.place.Rows)
		for i := range r.place.Rows {
			one.Row(i, row)
			for _, v := range row {
				plain = binary.LittleEndian.AppendUint32(plain, math.Float32bits(v))
			}
		}
		return l.putWhole(r, PieceData, f, plain)
	}
	q, scales, biases, err := quant.Regroup(words(w.pieces[PieceData]), halves(w.pieces[PieceScales]), halves(w.pieces[PieceBiases]), p.bits, p.group, in, target.Bits, target.Group)
	if err != nil {
		return err
	}
	all := strings.TrimSuffix(r.spec.Name, ".weight")
	if was, ok := l.scales[all]; ok && was != p.scales {
		return fmt.Errorf("its scales are %s, but %s beside it: want one type", p.scales, was)
	}
	l.scales[all] = p.scales
	f.DType, f.Group, f.ScalesBF16 = map[int]reference.DType{4: reference.Q4, 8: reference.Q8}[target.Bits], target.Group, p.scales == safetensors.BF16
	var packed []byte
	for _, word := range q {
		packed = binary.LittleEndian.AppendUint32(packed, word)
	}
	if err := l.putWhole(r, PieceData, f, packed); err != nil {
		return err
	}
	for part, values := range map[Piece][]uint16{PieceScales: scales, PieceBiases: biases} {
		var bytes []byte
		for _, v := range values {
			bytes = binary.LittleEndian.AppendUint16(bytes, v)
		}
		if err := l.putWhole(r, part, f, bytes); err != nil {
			return err
		}
	}
	return nil
}

// putWhole puts a piece that is whole.
func (l *loader) putWhole(r role, part Piece, f LinearFormat, data []byte) error {
	if err := l.to.Place(r.spec.Name, part, f, r.rows(), int64(len(data))); err != nil {
		return err
	}
	return l.to.Put(r.spec.Name, part, r.rows(), 0, gpu.BlobOf(data), 0, int64(len(data)))
}

func words(data []byte) []uint32 {
	out := make([]uint32, (len(data)+3)/4)
	for i := range len(data) / 4 {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	if rest := data[len(data)&^3:]; len(rest) == 2 {
		out[len(out)-1] = uint32(binary.LittleEndian.Uint16(rest))
	}
	return out
}

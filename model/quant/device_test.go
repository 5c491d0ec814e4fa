package quant

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/x448/float16"
)

// The device's kernel packs what Quantize does, to the bit: weights as models have them, constant groups, zeros of both
// signs, subnormals, F16's largest, outliers; blocks that begin anywhere in the matrix.
func TestQuantizeOnDevice(t *testing.T) {
	d, err := gpu.Open(context.Background())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, c := range []struct {
		from  reference.DType
		bits  int
		group int
	}{{reference.BF16, 4, 64}, {reference.F32, 4, 32}, {reference.F16, 8, 128}} {
		const in, rows = 384, 13
		w, raw := make([]float32, rows*in), []byte{}
		for g := 0; g < len(w); g += c.group {
			size := math.Pow(2, float64(r.IntN(20)-14))
			for i := g; i < g+c.group; i++ {
				v := r.NormFloat64() * size
				switch g / c.group % 10 {
				case 1: // constant, or zeros of both signs
					v = size
					if g%3 == 0 {
						v = math.Copysign(0, r.NormFloat64())
					}
				case 2: // very small ones, below fp32's normal range, too
					v *= math.Pow(2, float64(-20-r.IntN(120)))
				case 3:
					v = float64(r.IntN(3)-1) * 65504
				case 4:
					if i == g {
						v *= 40
					}
				case 5: // as rounded ones have it: many equal, ties at codes' middles
					v = math.Round(v/size*4) * size / 8
				case 6:
					v += 100 * size
				}
				v = min(max(v, -65504), 65504)
				switch f := float32(v); c.from {
				case reference.F32:
					w[i] = f
					raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
				case reference.BF16:
					half := uint16(math.Float32bits(f) >> 16)
					if half&0x7fff > 0x477f { // beyond 65504
						half = half&0x8000 | 0x477f
					}
					w[i] = reference.FromBF16(half)
					raw = binary.LittleEndian.AppendUint16(raw, half)
				default:
					half := float16.Fromfloat32(f)
					w[i] = half.Float32()
					raw = binary.LittleEndian.AppendUint16(raw, half.Bits())
				}
			}
		}
		q, scales, biases, err := Quantize("w", w, in, c.group, c.bits)
		if err != nil {
			t.Fatal(err)
		}
		const first = 3
		to := reference.Q4
		if c.bits == 8 {
			to = reference.Q8
		}
		o := kernel.Quantizing{From: c.from, To: to, Group: c.group, First: first, Groups: len(scales)}
		gotQ, gotAffine, bad := quantizeOnDevice(t, d, o, raw)
		if bad != math.MaxUint32 {
			t.Errorf("%+v: weight %d was refused", c, bad)
		}
		per, wrong := c.group*c.bits/32, 0
		for g := range scales {
			same := gotAffine[first+g] == uint32(scales[g])|uint32(biases[g])<<16
			for i := range per {
				same = same && gotQ[(first+g)*per+i] == q[g*per+i]
			}
			if !same {
				if wrong++; wrong < 4 {
					t.Errorf("%+v: group %d, of kind %d: scale and bias %08x, want %04x%04x; codes %08x, want %08x", c, g, g%10, gotAffine[first+g], biases[g], scales[g], gotQ[(first+g)*per:][:per], q[g*per:][:per])
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%+v: %d groups of %d differ", c, wrong, len(scales))
		}
	}

	// What cannot be stored is named: the first of them.
	raw := make([]byte, 4*4*32)
	binary.LittleEndian.PutUint32(raw[4*70:], math.Float32bits(65505))
	binary.LittleEndian.PutUint32(raw[4*100:], 0x7fc00000)
	if _, _, bad := quantizeOnDevice(t, d, kernel.Quantizing{From: reference.F32, To: reference.Q8, Group: 32, Groups: 4}, raw); bad != 70 {
		t.Errorf("the first bad weight is %d, want 70", bad)
	}
}

func quantizeOnDevice(t *testing.T, d *gpu.Device, o kernel.Quantizing, raw []byte) (q, affine []uint32, bad uint32) {
	t.Helper()
	buffer := func(label string, data []byte) *gpu.Buffer {
		b, err := d.NewBuffer(label, uint64(len(data)))
		if err == nil {
			err = d.Write(b, 0, data)
		}
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	groups := o.First + o.Groups
	words := groups * o.Group * o.To.Bits() / 32
	gpuQ, gpuAffine := buffer("codes", make([]byte, 4*words)), buffer("scales and biases", make([]byte, 4*groups))
	gpuBad := buffer("bad", []byte{255, 255, 255, 255})
	recorder := kernel.Recorder{Device: d, Program: d.NewProgram()}
	recorder.Quantize(o, buffer("weights", raw), gpuQ, gpuAffine, gpuBad)
	err := recorder.Program.Err()
	if err == nil {
		err = d.Run(recorder.Program)
	}
	if err != nil {
		t.Fatal(err)
	}
	read := func(b *gpu.Buffer) []uint32 {
		readback, err := d.Read(b, 0, b.Size())
		if err != nil {
			t.Fatal(err)
		}
		data, err := readback.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		out := make([]uint32, len(data)/4)
		for i := range out {
			out[i] = binary.LittleEndian.Uint32(data[4*i:])
		}
		return out
	}
	return read(gpuQ), read(gpuAffine), read(gpuBad)[0]
}

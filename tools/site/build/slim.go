package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Sections of a WebAssembly module, and the opcodes of a segment's address.
const (
	dataSection = 11
	i32Const    = 0x41
	end         = 0x0b
)

// What Go keeps of a function is known by numbers: see internal/abi's symtab.go and runtime's symtab.go.
const (
	functionBytes = 44 // of runtime._func, before its offsets into the two tables
	stackMapIndex = 1  // of pctab: what garbage collection asks
	unsafePoint   = 0
	panicBounds   = 4
	inlineTree    = 3 // of funcdata: names and lines for a traceback
	argumentInfo  = 5
	argumentLive  = 6
)

// slim leaves out of a Go program what only tracebacks show, files, lines, calls that were inlined and arguments, which
// is a fifth of what goes over the wire. Functions keep their names. It also puts the program's data, which Go writes
// in 100,000 pieces, into few. What the program does stays the same; a traceback says "?" for a file.
func slim(module []byte) ([]byte, error) {
	m, err := readModule(module)
	if err != nil {
		return nil, err
	}
	if err := m.forget(); err != nil {
		return nil, fmt.Errorf("the tables of this release of Go are not as slim.go knows them: %w", err)
	}
	return m.bytes(), nil
}

// module is a WebAssembly module taken apart.
type module struct {
	before, after []byte // of the data section
	memory        []byte // as it is before the program starts, up to the last byte that is set
}

func readModule(code []byte) (*module, error) {
	r := readerOf(code)
	if !bytes.Equal(r.take(8), []byte("\x00asm\x01\x00\x00\x00")) {
		return nil, errors.New("no WebAssembly module of version 1")
	}
	for len(r.rest) > 0 && r.err == nil {
		at := r.at()
		id, section := r.take(1), readerOf(r.take(r.number()))
		if r.err != nil || id[0] != dataSection {
			continue
		}
		m := &module{before: code[:at], after: r.rest}
		for range section.number() {
			kind, op := section.number(), section.take(1)
			address := section.signed()
			stop := section.take(1)
			data := section.take(section.number())
			if section.err != nil {
				return nil, section.err
			}
			if kind != 0 || op[0] != i32Const || stop[0] != end || address < 0 {
				return nil, errors.New("a data segment has no constant address")
			}
			if more := address + len(data) - len(m.memory); more > 0 {
				m.memory = append(m.memory, make([]byte, more)...)
			}
			copy(m.memory[address:], data)
		}
		return m, section.err
	}
	if r.err != nil {
		return nil, r.err
	}
	return nil, errors.New("a module without data")
}

// table is a slice of Go's in the program's memory.
type table struct{ at, length int }

// forget blanks what only tracebacks show.
func (m *module) forget() error {
	// runtime.pcHeader, then moduledata, which begins with its address.
	head := m.find([]byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8})
	if head < 0 {
		return errors.New("no pcHeader")
	}
	header := m.words(head+8, 8, 8)
	facts := m.words(m.find(binary.LittleEndian.AppendUint64(nil, uint64(head))), 41, 8)
	if header == nil || facts == nil {
		return errors.New("no moduledata")
	}
	var tables [5]table // names, compilation units, files, pctab, functions
	for i := range tables {
		tables[i] = table{facts[1+3*i], facts[2+3*i]}
		if size := []int{1, 4, 1, 1, 1}[i]; tables[i].at != head+header[3+i] || tables[i].at+tables[i].length*size > len(m.memory) {
			return fmt.Errorf("table %d is not where moduledata says", i)
		}
	}
	units, files, pctab, functions := tables[1], tables[2], tables[3], tables[4]
	findFunctions, funcdata := facts[19], facts[40]
	if funcdata >= findFunctions || findFunctions > len(m.memory) {
		return errors.New("no funcdata")
	}

	kept := make([]bool, pctab.length)
	used := map[int]bool{} // offsets of funcdata: whether something else than a traceback reads it
	for i := range header[0] {
		entry := m.words(functions.at+8*i, 2, 4)
		if entry == nil {
			return errors.New("a function beyond the table")
		}
		at := functions.at + entry[1]
		f := m.words(at, functionBytes/4, 4)
		if f == nil {
			return errors.New("a function beyond the table")
		}
		// args, deferreturn, pcsp, pcfile, pcln, npcdata, cuOffset, startLine; the last byte counts funcdata.
		counts, datas := f[7], f[10]>>24
		offsets := m.words(at+functionBytes, counts+datas, 4)
		if offsets == nil || counts > 16 {
			return errors.New("a function with other tables")
		}
		for _, blank := range []int{20, 24, 32, 36} { // pcfile, pcln, cuOffset, startLine
			m.put32(at+blank, 0)
		}
		steps := []int{f[4]}
		for kind, offset := range offsets[:counts] {
			if kind == unsafePoint || kind == stackMapIndex || kind == panicBounds {
				steps = append(steps, offset)
			} else {
				m.put32(at+functionBytes+4*kind, 0)
			}
		}
		for _, offset := range steps {
			if offset == 0 {
				continue
			}
			length := m.steps(pctab, offset)
			if length == 0 {
				return errors.New("a table of steps without an end")
			}
			for k := range length {
				kept[offset+k] = true
			}
		}
		for kind, offset := range offsets[counts:] {
			if offset == 1<<32-1 {
				continue
			}
			shown := kind == inlineTree || kind == argumentInfo || kind == argumentLive
			used[offset] = used[offset] || !shown
			if shown {
				m.put32(at+functionBytes+4*(counts+kind), 1<<32-1)
			}
		}
	}

	for i, keep := range kept {
		if !keep {
			m.memory[pctab.at+i] = 0
		}
	}
	clear(m.memory[units.at:][:4*units.length])
	clear(m.memory[files.at:][:files.length])
	return m.forgetData(funcdata, findFunctions, used)
}

// forgetData blanks what nothing but a traceback reads of funcdata, each piece of which ends where the next begins. used
// are their offsets.
func (m *module) forgetData(funcdata, stop int, used map[int]bool) error {
	starts := make([]int, 0, len(used)+1)
	for offset := range used {
		if funcdata+offset >= stop {
			return errors.New("funcdata beyond its end")
		}
		starts = append(starts, offset)
	}
	slices.Sort(starts)
	starts = append(starts, stop-funcdata)
	for i, start := range starts[:len(starts)-1] {
		if !used[start] {
			clear(m.memory[funcdata+start : funcdata+starts[i+1]])
		}
	}
	return nil
}

// steps is how many bytes a table of pctab has, from an offset on: pairs of varints, of which the first of a pair is 0
// at the end only, or at the start. 0: it has no end.
func (m *module) steps(pctab table, offset int) int {
	if offset >= pctab.length {
		return 0
	}
	r := readerOf(m.memory[pctab.at+offset : pctab.at+pctab.length])
	for first := true; ; first = false {
		if value := r.number(); r.err != nil {
			return 0
		} else if value == 0 && !first {
			return r.at()
		}
		r.number()
	}
}

// find is the first address of a word of 8 bytes; -1: there is none.
func (m *module) find(word []byte) int {
	for at := 0; at+8 <= len(m.memory); at += 8 {
		if bytes.Equal(m.memory[at:at+8], word) {
			return at
		}
	}
	return -1
}

// words are n numbers of 4 or 8 bytes at an address; nil where memory ends before.
func (m *module) words(at, n, size int) []int {
	if at < 0 || at+size*n > len(m.memory) {
		return nil
	}
	all := make([]int, n)
	for i := range all {
		if word := m.memory[at+size*i:]; size == 8 {
			all[i] = int(binary.LittleEndian.Uint64(word))
		} else {
			all[i] = int(binary.LittleEndian.Uint32(word))
		}
	}
	return all
}

func (m *module) put32(at int, v uint32) { binary.LittleEndian.PutUint32(m.memory[at:], v) }

// gap is how many zeros a segment may have inside: fewer segments pack better than fewer zeros.
const gap = 1024

// bytes puts the module together.
func (m *module) bytes() []byte {
	var segments []byte
	count := 0
	for at := 0; at < len(m.memory); {
		if m.memory[at] == 0 {
			at++
			continue
		}
		from, to := at, at+1
		for at = to; at < len(m.memory) && at-to < gap; at++ {
			if m.memory[at] != 0 {
				to = at + 1
			}
		}
		at = to
		segments = append(segments, 0, i32Const)
		segments = appendSigned(segments, from)
		segments = append(segments, end)
		segments = binary.AppendUvarint(segments, uint64(to-from))
		segments = append(segments, m.memory[from:to]...)
		count++
	}
	section := append(binary.AppendUvarint(nil, uint64(count)), segments...)
	all := append(slices.Clone(m.before), dataSection)
	all = append(binary.AppendUvarint(all, uint64(len(section))), section...)
	return append(all, m.after...)
}

// appendSigned is LEB128 of a number that is not negative, as signed ones are written.
func appendSigned(to []byte, v int) []byte {
	for ; v >= 64; v >>= 7 {
		to = append(to, byte(v)|128)
	}
	return append(to, byte(v))
}

// reader reads what WebAssembly is made of, and remembers that something was missing.
type reader struct {
	rest   []byte
	length int
	err    error
}

var errShort = errors.New("a module that ends too early")

func readerOf(bytes []byte) *reader { return &reader{rest: bytes, length: len(bytes)} }

func (r *reader) at() int { return r.length - len(r.rest) }

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.rest) {
		r.err = errShort
		return make([]byte, min(max(n, 1), 8)) // enough for who looks before asking for err
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

// number is LEB128 of at most 32 bits.
func (r *reader) number() int {
	v, n := binary.Uvarint(r.rest)
	if r.err != nil || n <= 0 || bits.Len64(v) > 32 {
		r.err = errShort
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

// signed is the same with a sign.
func (r *reader) signed() int {
	v, shift := 0, 0
	for {
		b := r.take(1)[0]
		if r.err != nil || shift > 28 {
			r.err = errShort
			return 0
		}
		v |= int(b&127) << shift
		if shift += 7; b&128 == 0 {
			if b&64 != 0 {
				v -= 1 << shift
			}
			return v
		}
	}
}

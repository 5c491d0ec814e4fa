package tokenizer

import (
	"bytes"
	"fmt"
	"hash/maphash"
)

// maxIDs bounds token ids: above every published vocabulary (262,144), and
// small enough that a hostile id cannot exhaust memory.
const maxIDs = 1 << 20

// noID marks the absence of an id in a table of ids.
const noID = ^uint32(0)

// What is known of an id besides its text.
const (
	present = 1 << iota // some token has this id
	inModel             // the token stands in the BPE model's vocabulary
	special             // decoding may skip it
	control             // it comes from a template, and never from a text
)

// vocabulary holds every token's text by id and finds ids by text. Texts lie
// in one byte slice, and the index is an open-addressing hash table of ids:
// no pointer per token.
type vocabulary struct {
	text  []byte   // all token texts, one after another
	start []uint32 // [ids] where a token's text begins
	end   []uint32 // [ids] where it ends
	flags []uint8  // [ids]

	count int      // tokens present
	slots []uint32 // id+1, or 0 for a free slot; the length is a power of two
	seed  maphash.Seed
}

func newVocabulary() *vocabulary {
	return &vocabulary{slots: make([]uint32, 1024), seed: maphash.MakeSeed()}
}

// size is one more than the largest id.
func (v *vocabulary) size() int { return len(v.flags) }

func (v *vocabulary) has(id uint32) bool { return int64(id) < int64(len(v.flags)) && v.flags[id] != 0 }

// controls says whether an id that is present is a control token's.
func (v *vocabulary) controls(id uint32) bool { return v.flags[id]&control != 0 }

// bytes returns the text of an id that is present.
func (v *vocabulary) bytes(id uint32) []byte { return v.text[v.start[id]:v.end[id]] }

// lookup finds the id of a token's text.
func (v *vocabulary) lookup(text []byte) (uint32, bool) {
	mask := uint64(len(v.slots) - 1)
	for i := maphash.Bytes(v.seed, text) & mask; v.slots[i] != 0; i = (i + 1) & mask {
		if id := v.slots[i] - 1; bytes.Equal(v.bytes(id), text) {
			return id, true
		}
	}
	return noID, false
}

// lookupModel finds the id of a text in the BPE model's own vocabulary:
// tokens that were only added are reached by matching, never by merging.
func (v *vocabulary) lookupModel(text []byte) (uint32, bool) {
	id, ok := v.lookup(text)
	if !ok || v.flags[id]&inModel == 0 {
		return noID, false
	}
	return id, true
}

// add enters a token under an id that must be free, with a text that must be new.
func (v *vocabulary) add(text []byte, id uint64, flags uint8) error {
	if id >= maxIDs {
		return fmt.Errorf("token %s has id %d, want at most %d", quote(text), id, maxIDs-1)
	}
	if v.has(uint32(id)) {
		return fmt.Errorf("tokens %s and %s share id %d, want an id of its own for each", quote(v.bytes(uint32(id))), quote(text), id)
	}
	if other, ok := v.lookup(text); ok {
		return fmt.Errorf("token %s has ids %d and %d, want one", quote(text), other, id)
	}
	for uint64(len(v.flags)) <= id {
		v.start, v.end, v.flags = append(v.start, 0), append(v.end, 0), append(v.flags, 0)
	}
	v.start[id] = uint32(len(v.text))
	v.text = append(v.text, text...)
	v.end[id] = uint32(len(v.text))
	v.flags[id] = present | flags
	v.count++
	if 2*v.count > len(v.slots) {
		v.slots = make([]uint32, 2*len(v.slots))
		for other := range uint32(len(v.flags)) {
			if v.flags[other] != 0 {
				v.index(other)
			}
		}
		return nil
	}
	v.index(uint32(id))
	return nil
}

func (v *vocabulary) index(id uint32) {
	mask := uint64(len(v.slots) - 1)
	i := maphash.Bytes(v.seed, v.bytes(id)) & mask
	for v.slots[i] != 0 {
		i = (i + 1) & mask
	}
	v.slots[i] = id + 1
}

// quote shows a token in an error, cut short where it is long.
func quote[T string | []byte](text T) string {
	if len(text) > 40 {
		return fmt.Sprintf("%.40q...", string(text))
	}
	return fmt.Sprintf("%q", string(text))
}

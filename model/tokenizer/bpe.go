package tokenizer

import (
	"math/rand/v2"
	"unicode/utf8"
)

// bpe is the model: characters become tokens, and the pair with the lowest
// rank is merged until no pair has one.
type bpe struct {
	vocab        *vocabulary
	pairs        pairTable
	merged       []uint32 // [rank] the token that merge makes
	unk          uint32   // for characters without a token; noID: they are dropped
	fuseUnk      bool     // one unk for a run of such characters
	byteFallback bool     // such characters become their bytes' tokens, where all exist
	ignoreMerges bool     // a whole piece that is a token stays one

	low   [512]uint32 // tokens of the first characters, which hold the whole byte alphabet
	bytes [256]uint32 // tokens <0x00> to <0xFF>
}

// finish fills the tables that follow from the vocabulary.
func (b *bpe) finish() {
	var text []byte
	for r := range rune(len(b.low)) {
		text = utf8.AppendRune(text[:0], r)
		b.low[r], _ = b.vocab.lookupModel(text)
	}
	const hex = "0123456789ABCDEF"
	for i := range b.bytes {
		b.bytes[i], _ = b.vocab.lookupModel([]byte{'<', '0', 'x', hex[i>>4], hex[i&15], '>'})
	}
}

// word is the scratch space in which one piece is merged: a doubly linked list
// of symbols in flat arrays, and a heap of the merges that are possible.
type word struct {
	id         []uint32 // noID: merged into its left neighbour
	prev, next []int32  // -1: none
	heap       []uint64 // rank<<32 | position of the left symbol
}

func (w *word) add(id uint32) {
	n := int32(len(w.id))
	w.id, w.prev, w.next = append(w.id, id), append(w.prev, n-1), append(w.next, n+1)
}

// encode appends the tokens of one piece, none of them a control token if it is
// said. Time is O(n log n) in its length.
func (b *bpe) encode(out []uint32, w *word, piece []byte, said bool) []uint32 {
	if b.ignoreMerges {
		if id, ok := b.vocab.lookupModel(piece); ok && !(said && b.vocab.controls(id)) {
			return append(out, id)
		}
	}
	b.symbols(w, piece, said)
	if len(w.id) == 0 {
		return out
	}
	w.next[len(w.next)-1] = -1
	b.merge(w, said)
	for i := int32(0); i >= 0; i = w.next[i] {
		out = append(out, w.id[i])
	}
	return out
}

// symbols fills w with the tokens of the piece's characters.
func (b *bpe) symbols(w *word, piece []byte, said bool) {
	w.id, w.prev, w.next = w.id[:0], w.prev[:0], w.next[:0]
	unk := noID // an unknown character, held back: the next one may fuse with it
	for len(piece) > 0 {
		r, size := utf8.DecodeRune(piece)
		char := piece[:size]
		piece = piece[size:]
		var id uint32
		if int(r) < len(b.low) {
			id = b.low[r]
		} else {
			id, _ = b.vocab.lookupModel(char)
		}
		if said && id != noID && b.vocab.controls(id) {
			id = noID
		}
		switch {
		case id != noID:
			if unk != noID {
				w.add(unk)
				unk = noID
			}
			w.add(id)
		case b.byteFallback && b.hasBytes(char):
			// A held unk stays held here, and so comes after these bytes: odd,
			// but what the Rust tokenizers do.
			for _, c := range char {
				w.add(b.bytes[c])
			}
		case b.unk != noID:
			if unk != noID && !b.fuseUnk {
				w.add(unk)
			}
			unk = b.unk
		}
	}
	if unk != noID {
		w.add(unk)
	}
}

func (b *bpe) hasBytes(char []byte) bool {
	for _, c := range char {
		if b.bytes[c] == noID {
			return false
		}
	}
	return true
}

// merge applies merges by rank, the leftmost first among equals; of what was said none that makes a control token.
func (b *bpe) merge(w *word, said bool) {
	pair := func(left, right uint32) uint32 {
		rank := b.pairs.rank(left, right)
		if said && rank != noID && b.vocab.controls(b.merged[rank]) {
			return noID
		}
		return rank
	}
	w.heap = w.heap[:0]
	for i := range len(w.id) - 1 {
		if rank := pair(w.id[i], w.id[i+1]); rank != noID {
			w.push(uint64(rank)<<32 | uint64(i))
		}
	}
	for len(w.heap) > 0 {
		top := w.pop()
		left, made := int32(uint32(top)), b.merged[top>>32]
		if w.id[left] == noID || w.next[left] < 0 {
			continue
		}
		right := w.next[left]
		// The pair may have changed since it was pushed. As in the Rust
		// tokenizers, what counts is that it still makes the same token.
		if rank := pair(w.id[left], w.id[right]); rank == noID || b.merged[rank] != made {
			continue
		}
		w.id[left], w.id[right] = made, noID
		next := w.next[right]
		w.next[left] = next
		if next >= 0 {
			w.prev[next] = left
			if rank := pair(made, w.id[next]); rank != noID {
				w.push(uint64(rank)<<32 | uint64(left))
			}
		}
		if prev := w.prev[left]; prev >= 0 {
			if rank := pair(w.id[prev], made); rank != noID {
				w.push(uint64(rank)<<32 | uint64(prev))
			}
		}
	}
}

func (w *word) push(entry uint64) {
	h := append(w.heap, entry)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent] <= entry {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = entry
	w.heap = h
}

func (w *word) pop() uint64 {
	h := w.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if last <= h[child] {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	w.heap = h
	return top
}

// pairTable finds the rank of a pair of tokens: an open-addressing hash table
// in two flat slices.
type pairTable struct {
	keys  []uint64 // left<<32 | right
	ranks []uint32 // rank+1, or 0 for a free slot
	count int
	seed  uint64 // random, so that no file can be made to collide
}

func newPairTable() pairTable {
	return pairTable{keys: make([]uint64, 1024), ranks: make([]uint32, 1024), seed: rand.Uint64()}
}

// slot returns where the key stands, or the free slot where it belongs.
func (t *pairTable) slot(key uint64) uint64 {
	h := (key ^ t.seed) * 0x9E3779B97F4A7C15 // splitmix64's finalizer
	h = (h ^ h>>32) * 0xD6E8FEB86659FD93
	mask := uint64(len(t.keys) - 1)
	i := (h ^ h>>32) & mask
	for t.ranks[i] != 0 && t.keys[i] != key {
		i = (i + 1) & mask
	}
	return i
}

func (t *pairTable) rank(left, right uint32) uint32 {
	return t.ranks[t.slot(uint64(left)<<32|uint64(right))] - 1 // a free slot's 0 gives noID
}

// set enters a pair; where it is entered twice the later rank holds, as in the Rust tokenizers.
func (t *pairTable) set(left, right, rank uint32) {
	key := uint64(left)<<32 | uint64(right)
	i := t.slot(key)
	if t.ranks[i] == 0 {
		t.count++
	}
	t.keys[i], t.ranks[i] = key, rank+1
	if 2*t.count <= len(t.keys) {
		return
	}
	keys, ranks := t.keys, t.ranks
	t.keys, t.ranks = make([]uint64, 2*len(keys)), make([]uint32, 2*len(keys))
	for j, r := range ranks {
		if r != 0 {
			i := t.slot(keys[j])
			t.keys[i], t.ranks[i] = keys[j], r
		}
	}
}

package grammar

import (
	"bytes"
	"slices"
)

// Vocabulary is the tokens' bytes as a trie, laid out in the order of a walk,
// so that one loop over four arrays visits it and leaps over what is ruled out.
type Vocabulary struct {
	token func(id uint32) []byte
	marks map[string]string // control tokens that an answer may have, and how expressions spell them
	size  int               // of the sets of tokens
	ends  []uint32          // tokens that end a text
	ids   []uint32          // tokens in the order of their bytes
	byte  []byte            // [nodes]
	depth []uint16          // [nodes] from 1
	skip  []uint32          // [nodes] where the walk goes on without the node's children
	first []uint32          // [nodes+1] a node's tokens are ids[first[i]:first[i+1]]
	deep  int
}

// Mark is a control token that an answer may have although it makes no text.
type Mark struct {
	Text string
	ID   uint32
}

// markByte begins what stands for a mark. No text has this byte, so that no text
// passes for a mark, and no mark stands where there must be text.
const markByte = 0xff

// NewVocabulary takes the number of logits, the bytes of each token (nil for
// those that make no text), the tokens that end a text, and at most 255 marks.
func NewVocabulary(size int, token func(id uint32) []byte, ends []uint32, marks ...Mark) *Vocabulary {
	v := &Vocabulary{size: size, ends: ends, marks: map[string]string{}}
	spelt := map[uint32][]byte{}
	for i, m := range marks {
		spelt[m.ID] = []byte{markByte, byte(i)}
		v.marks[m.Text] = string(spelt[m.ID])
	}
	v.token = func(id uint32) []byte {
		if text := spelt[id]; text != nil {
			return text
		}
		return token(id)
	}
	texts := make([][]byte, size)
	for id := range uint32(size) {
		text := v.token(id)
		if spelt[id] == nil && bytes.IndexByte(text, markByte) >= 0 {
			continue
		}
		if len(text) > 0 && len(text) < 1<<16 {
			texts[id] = text
			v.ids = append(v.ids, id)
		}
	}
	slices.SortFunc(v.ids, func(a, b uint32) int { return bytes.Compare(texts[a], texts[b]) })
	var open []uint32 // nodes on the way to the last token
	var before []byte
	for _, id := range v.ids {
		text := texts[id]
		shared := 0
		for shared < min(len(before), len(text)) && before[shared] == text[shared] {
			shared++
		}
		v.close(&open, shared)
		for i := shared; i < len(text); i++ {
			open = append(open, uint32(len(v.byte)))
			v.byte = append(v.byte, text[i])
			v.depth = append(v.depth, uint16(i+1))
			v.skip = append(v.skip, 0)
			v.first = append(v.first, 0)
		}
		v.first[len(v.first)-1]++
		v.deep = max(v.deep, len(text))
		before = text
	}
	v.close(&open, 0)
	sum := uint32(0)
	for i, n := range v.first {
		v.first[i] = sum
		sum += n
	}
	v.first = append(v.first, sum)
	return v
}

func (v *Vocabulary) close(open *[]uint32, depth int) {
	for _, node := range (*open)[depth:] {
		v.skip[node] = uint32(len(v.byte))
	}
	*open = (*open)[:depth]
}

// walk adds to set the tokens that e lets through whole.
func (v *Vocabulary) walk(p *pool, e expr, set []uint32) {
	rows := make([]*row, v.deep+1)
	rows[0] = p.row(e)
	for i := 0; i < len(v.byte); {
		depth := v.depth[i]
		next := rows[depth-1].at(v.byte[i])
		if next == none {
			i = int(v.skip[i])
			continue
		}
		for _, id := range v.ids[v.first[i]:v.first[i+1]] {
			set[id/32] |= 1 << (id % 32)
		}
		if int(v.skip[i]) > i+1 {
			rows[depth] = p.row(next)
		}
		i++
	}
}

package kernel

import "github.com/samba-web/samba/gpu"

// PlaceGuesses records the beginning of a step over Tokens tokens that go apart: ids
// [Tokens] takes guesses, a ring by position, behind the token that was drawn last.
func (r *Recorder) PlaceGuesses(guesses, ids *gpu.Buffer, vocab int) {
	r.want("guesses_place", "ids", ids, r.Tokens)
	r.record(r.planner().placeGuesses(int(guesses.Size()/4), vocab), guesses, ids, r.Cursor)
}

type guessesPlace struct {
	cursorConstants
	ROWS, RING, VOCAB int
}

func (guessesPlace) stem() string { return "guesses_place" }

func (p planner) placeGuesses(ring, vocab int) plan {
	return plan{guessesPlace{ROWS: p.tokens, RING: ring, VOCAB: vocab}, [3]uint32{1, 1, 1}}
}

// JudgeGuesses records the end of such a step: out, a ring, takes what counts of drawn
// [Tokens], and the cursor moves on. counts [vocab] is nil where nothing is counted.
func (r *Recorder) JudgeGuesses(drawn, ids, out, counts *gpu.Buffer) {
	r.want("guesses_judge", "drawn", drawn, r.Tokens)
	r.want("guesses_judge", "ids", ids, r.Tokens)
	buffers := []*gpu.Buffer{drawn, ids, r.Cursor, out}
	if counts != nil {
		buffers = append(buffers, counts)
	}
	r.record(r.planner().judgeGuesses(int(out.Size()/4), counts != nil), buffers...)
}

type guessesJudge struct {
	cursorConstants
	ROWS, OUT_RING int
	COUNTED        bool
}

func (guessesJudge) stem() string { return "guesses_judge" }

func (p planner) judgeGuesses(outRing int, counted bool) plan {
	return plan{guessesJudge{ROWS: p.tokens, OUT_RING: outRing, COUNTED: counted}, [3]uint32{1, 1, 1}}
}

// TakeState records to = states[cursor.spare], one of those that tokens going apart leave.
func (r *Recorder) TakeState(states, to *gpu.Buffer) {
	values := int(to.Size() / 4)
	r.want("take_state", "states", states, r.states(), values)
	r.record(r.planner().takeState(values), states, to, r.Cursor)
}

type takeState struct {
	cursorConstants
	VALUES int
}

func (takeState) stem() string { return "take_state" }

func (p planner) takeState(values int) plan {
	return plan{takeState{VALUES: values}, spread(blocks(values, 256))}
}

// ConvRows records the convolution of tokens that go apart; see Conv. out is nil for
// Mamba's, which stays where it was in rows.
func (r *Recorder) ConvRows(conv Conv, rows, out *gpu.Buffer) {
	r.want("conv_rows", "rows", rows, r.Tokens, conv.stride())
	r.want("conv_rows", "weights and biases", conv.Params, conv.DInner, conv.DConv+1)
	r.want("conv_rows", "conv_state", conv.State, r.states(), conv.DInner, conv.DConv-1)
	buffers := []*gpu.Buffer{rows, conv.Params, conv.State, r.Cursor}
	if out != nil {
		r.want("conv_rows", "out", out, r.Tokens, conv.DInner)
		buffers = append(buffers, out)
	}
	r.record(r.planner().convRows(conv, out == nil), buffers...)
}

type convRows struct {
	cursorConstants
	D_INNER, D_CONV, TAPS, STRIDE, OFFSET int
	GATED, IN_PLACE                       bool
}

func (convRows) stem() string { return "conv_rows" }

func (p planner) convRows(c Conv, inPlace bool) plan {
	return plan{convRows{D_INNER: c.DInner, D_CONV: c.DConv, TAPS: c.DConv - 1, STRIDE: c.stride(), OFFSET: c.Offset, GATED: c.Gated, IN_PLACE: inPlace}, [3]uint32{blocks(c.DInner, 64), 1, 1}}
}

package reference

// PlaceGuesses puts guesses, a ring by position, behind the first of ids, whose position is pos:
//
//	ids[i] = guesses[(pos+i) % len(guesses)]     i = 1 .. len(ids)-1
func PlaceGuesses(guesses, ids []uint32, pos int) {
	for i := 1; i < len(ids); i++ {
		ids[i] = guesses[(pos+i)%len(guesses)]
	}
}

// JudgeGuesses tells how many of the tokens that were drawn after each of ids count: the first, and
// each whose token before it was guessed rightly.
func JudgeGuesses(drawn, ids []uint32) int {
	n := 1
	for n < len(ids) && drawn[n-1] == ids[n] {
		n++
	}
	return n
}

package protocol

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/samba-web/samba/model/tokenizer"
)

// Pieces of a text are the text, none longer than asked, and no character is cut.
func TestCutAt(t *testing.T) {
	for _, text := range []string{"", "a", "one two three", strings.Repeat("é", 9), "日本語 日本語", "\n\n\n", " abcdefghijkl"} {
		for most := 4; most < 9; most++ {
			whole := ""
			for rest := tokenizer.Text(text); rest != ""; {
				var piece tokenizer.Prompt
				piece, rest = cutAt(rest, most)
				if piece == "" || len(piece) > most || !utf8.ValidString(piece.String()) {
					t.Fatalf("%q is cut to %q with %d bytes at once", text, piece, most)
				}
				whole += piece.String()
			}
			if whole != text {
				t.Errorf("%q becomes %q", text, whole)
			}
		}
	}
}

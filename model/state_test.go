package model

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/tokenizer"
)

func save(t *testing.T, s *Session) gpu.Blob {
	t.Helper()
	blob, err := s.Save(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func restore(t *testing.T, s *Session, blob gpu.Blob) {
	t.Helper()
	if err := s.Restore(context.Background(), blob); err != nil {
		t.Fatal(err)
	}
}

func prefill(t *testing.T, s *Session, ids []uint32) {
	t.Helper()
	if err := s.Prefill(context.Background(), ids, nil); err != nil {
		t.Fatal(err)
	}
}

// A state that another session restores, one of other chunks and so of other
// rings, goes on with the same logits to the last bit and the same tokens of the
// same seed; what is saved again is the same file. So does a fork.
func TestStateIsExact(t *testing.T) {
	random := testRandom(t)
	for place, device := range map[string]*gpu.Device{"plain Go": nil, "GPU": testDevice(t)} {
		weights := random.Uint64()
		open := func(chunk int) *Session {
			return newSession(t, talker(t, rand.New(rand.NewPCG(*seed, weights)), Options{Chunk: chunk, Device: device, HalfKeys: true}))
		}
		writer, reader := open(16), open(5+random.IntN(30))
		window := writer.model.config.SlidingWindow
		sizes := []int{1, window - 1, window, window + 1, 2*window + 1 + random.IntN(4*window)}
		if testing.Short() { // others in other runs
			sizes = []int{sizes[random.IntN(4)], sizes[4]}
		}
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s, %d tokens, chunks of %d", place, n, reader.model.chunk), func(t *testing.T) {
				ids := randomIDs(random, n+6, 256)
				writer.Reset()
				prefill(t, writer, ids[:n])
				blob := save(t, writer)
				if blob.Len() != writer.model.StateSize(0) {
					t.Errorf("%d bytes, StateSize says %d at any position", blob.Len(), writer.model.StateSize(0))
				}
				prefill(t, reader, randomIDs(random, 3, 256)) // of another conversation
				restore(t, reader, blob)
				fork, err := writer.Fork()
				if err != nil {
					t.Fatal(err)
				}
				defer fork.Close()
				sampling := Sampling{Temperature: 2, RepetitionPenalty: 1.3, Seed: random.Uint64()}
				var want []float32
				var said string
				for i, s := range []*Session{writer, reader, fork} {
					if s.Position() != n || !slices.Equal(save(t, s).Bytes(0, blob.Len()), blob.Bytes(0, blob.Len())) {
						t.Errorf("session %d: another state when saved again, at %d", i, s.Position())
					}
					got := logitsOf(t, s, ids[n:], 1)
					text, _ := generate(t, s, Request{Prompt: append(slices.Clone(ids), 'x'), MaxTokens: 20, Sampling: sampling, PastEnd: true})
					if i == 0 {
						want, said = got, text
					}
					if !slices.Equal(got, want) || text != said {
						t.Errorf("session %d: logits off by %g, says %q, want %q", i, worst(got, want), text, said)
					}
				}
			})
		}
	}
}

// The machines restore each other's states.
func TestStateOfAnotherMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: TestFarPositions goes one way")
	}
	random := testRandom(t)
	weights := random.Uint64()
	open := func(o Options) *Session {
		return newSession(t, talker(t, rand.New(rand.NewPCG(*seed, weights)), o))
	}
	onCPU, onGPU := open(Options{Chunk: 8}), open(Options{Chunk: 16, Device: testDevice(t), HalfKeys: true})
	ids := randomIDs(random, onCPU.model.config.SlidingWindow+20, 256)
	want := logitsOf(t, onCPU, ids, 0)
	vocab, at := onCPU.model.config.VocabSize, len(ids)-7
	for name, pair := range map[string][2]*Session{"from GPU to CPU": {onGPU, onCPU}, "from CPU to GPU": {onCPU, onGPU}} {
		pair[0].Reset()
		prefill(t, pair[0], ids[:at])
		restore(t, pair[1], save(t, pair[0]))
		if off := worst(logitsOf(t, pair[1], ids[at:], 0), want[at*vocab:]); off > 2e-3 {
			t.Errorf("%s: logits are off by %g", name, off)
		}
	}
}

// Where in a saved state's header some things stand.
const headerDigests, headerTail, headerSum = 112, 460, 2016

// move changes a saved state's position alone.
func move(blob gpu.Blob, position int) gpu.Blob {
	data := slices.Clone(blob.Bytes(0, blob.Len()))
	binary.LittleEndian.PutUint64(data[24:], uint64(position))
	binary.LittleEndian.PutUint64(data[headerDigests:], 4*uint64(position))
	sum := sha256.Sum256(data[:headerSum])
	copy(data[headerSum:], sum[:])
	return gpu.BlobOf(data)
}

// A state that was moved far along goes on as in plain Go, whatever the chunks:
// no position is rounded, no counter wraps.
func TestFarPositions(t *testing.T) {
	random := testRandom(t)
	weights := random.Uint64()
	open := func(o Options) *Session {
		return newSession(t, talker(t, rand.New(rand.NewPCG(*seed, weights)), o))
	}
	device := testDevice(t)
	onCPU, onGPU := open(Options{Chunk: 16}), open(Options{Chunk: 24, Device: device})
	prefill(t, onCPU, randomIDs(random, machine.PenaltyTail, 256))
	blob := save(t, onCPU)
	ids := randomIDs(random, 40, 256)
	far, chunks := []int{1_000_001, 1<<24 + 1, 3<<30 + 1}, []int{24, 7, 1}
	if testing.Short() { // others in other runs
		n := random.IntN(3)
		far, chunks = far[n:n+1], chunks[1:2]
	}
	for _, far := range far {
		far += 2 * random.IntN(1000)
		moved := move(blob, far)
		restore(t, onCPU, moved)
		want := logitsOf(t, onCPU, ids, 0)
		if onCPU.Position() != far+len(ids) {
			t.Errorf("position %d, want %d", onCPU.Position(), far+len(ids))
		}
		for _, chunk := range chunks {
			restore(t, onGPU, moved)
			if off := worst(logitsOf(t, onGPU, ids, chunk), want); off > 2*rounding(device, 8) {
				t.Errorf("at %d in chunks of %d: logits are off by %g", far, chunk, off)
			}
		}
	}
	restore(t, onCPU, move(blob, machine.MaxPosition))
	if err := onCPU.Prefill(context.Background(), ids[:1], nil); err == nil || !strings.Contains(err.Error(), "positions end at") {
		t.Errorf("at the last position: %v", err)
	}
}

// What cannot be restored is refused in one sentence, and nothing has changed.
func TestStateRefused(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16})
	s := newSession(t, m)
	prefill(t, s, randomIDs(testRandom(t), 40, 256))
	blob := save(t, s)
	whole := blob.Bytes(0, blob.Len())
	other := save(t, newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 99)), Options{Chunk: 16})))
	sealed := func(change func(h []byte)) gpu.Blob {
		data := slices.Clone(whole)
		change(data)
		sum := sha256.Sum256(data[:headerSum])
		copy(data[headerSum:], sum[:])
		return gpu.BlobOf(data)
	}
	flipped := func(at int) gpu.Blob {
		data := slices.Clone(whole)
		data[at] ^= 4
		return gpu.BlobOf(data)
	}
	put := func(at int, v uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[at:], v) }
	}
	for name, c := range map[string]struct {
		blob gpu.Blob
		want string
	}{
		"empty":               {gpu.NewBlob(0), "is no file that Samba saved"},
		"another file":        {gpu.BlobOf([]byte(strings.Repeat("GIF89a", 1000))), "is no file that Samba saved"},
		"cut in its header":   {gpu.BlobOf(whole[:1000]), "is cut short: it has 1000 bytes"},
		"cut short":           {gpu.BlobOf(whole[:len(whole)-4]), "is cut short"},
		"longer":              {gpu.BlobOf(append(slices.Clone(whole), 0)), "is damaged: it has"},
		"newer":               {sealed(put(8, 3)), "is of format 3, this Samba reads up to 2"},
		"header tampered":     {flipped(30), "is damaged: its header has another checksum"},
		"header's end":        {flipped(conversation.HeaderBytes - 1), "is damaged: its header has another checksum"},
		"content tampered":    {flipped(conversation.HeaderBytes + 77), "is damaged: its content has another checksum"},
		"last byte tampered":  {flipped(len(whole) - 1), "is damaged: its content has another checksum"},
		"another model":       {other, "belongs to another model"},
		"no such token":       {sealed(put(headerTail+8, 5000)), "holds a token that this model does not have"},
		"no such position":    {sealed(put(28, 1<<31)), "its header contradicts itself"},
		"no such digest":      {sealed(put(headerDigests+8, 0)), "has a digest that is none"},
		"digest of too few":   {sealed(put(headerDigests, 4)), "has a digest that is none"},
		"longer pending text": {sealed(put(104, 1<<30)), "its header contradicts itself"},
		"tail too long":       {sealed(put(108, 1<<30)), "its header contradicts itself"},
	} {
		err := s.Restore(context.Background(), c.blob)
		if !errors.Is(err, conversation.ErrState) || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %v, want a sentence with %q", name, err, c.want)
		}
		if !slices.Equal(save(t, s).Bytes(0, blob.Len()), whole) {
			t.Fatalf("%s: the state is another one now", name)
		}
	}
	restore(t, s, sealed(func([]byte) {}))
}

// ask renders a conversation as chat templates do.
func ask(turns ...string) tokenizer.Prompt {
	var b strings.Builder
	for i, turn := range turns {
		b.WriteString([]string{"<user>", "<bot>"}[i%2] + turn + "\n")
	}
	b.WriteString("<bot>")
	return tokenizer.Text(b.String())
}

// A conversation goes on from the state as long as its text does, whatever
// tokens it would be cut into, after saving and restoring as well.
func TestTextGoesOn(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16})
	s := newSession(t, m)
	sampling := Sampling{Temperature: 1.5, Seed: 3}
	first := ask("Who are you?")
	answer, result := generate(t, s, Request{Text: first, MaxTokens: 30, Sampling: sampling})
	if result.PrefilledTokens != len(first) || result.PromptTokens != len(first) {
		t.Errorf("%+v, want %d tokens read", result, len(first))
	}
	blob := save(t, s)
	next := ask("Who are you?", answer, "And I?")
	added := len(next) - len(first) - len(answer)
	said := ""
	for _, how := range []string{"at once", "restored", "elsewhere", "appended"} {
		r := Request{Text: next, MaxTokens: 3, Sampling: sampling, PastEnd: true}
		switch how {
		case "restored":
			restore(t, s, blob)
		case "elsewhere":
			s = newSession(t, m)
			restore(t, s, blob)
		case "appended":
			restore(t, s, blob)
			r.Text, r.Append = next[len(next)-added:], true
		}
		text, result := generate(t, s, r)
		if said == "" {
			said = text
		}
		if text != said {
			t.Errorf("%s: says %q, want %q", how, text, said)
		}
		// The last token that was sampled comes along, unless it ended the text.
		if read := result.PrefilledTokens; read != added && read != added+1 {
			t.Errorf("%s: %d tokens read, want the %d that are new", how, read, added)
		}
	}
	// What was appended counts as said.
	if _, result := generate(t, s, Request{Text: next + tokenizer.Text(said+"."), MaxTokens: 1}); result.PrefilledTokens > 2 {
		t.Errorf("%d tokens read after an append, want 2", result.PrefilledTokens)
	}
	// Another text is read again.
	other := ask("Who are you?", "!"+answer, "And I?")
	if _, result := generate(t, s, Request{Text: other, MaxTokens: 1}); result.PrefilledTokens != len(other) {
		t.Errorf("%q: %d tokens read, want all %d", other, result.PrefilledTokens, len(other))
	}
}

// A text that was read ahead costs its answer one token; where reading was
// cancelled, what follows the part that was read costs the rest.
func TestRead(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 7})
	s := newSession(t, m)
	book := tokenizer.Text(strings.Repeat("Es war einmal ein König, der hatte drei Söhne. ", 5))
	want, _ := generate(t, s, Request{Text: book, MaxTokens: 8, Sampling: hot, PastEnd: true})
	for name, r := range map[string]Request{"whole": {Text: book}, "with more": {Text: book + "Und"}} {
		s.Reset()
		result, err := s.Read(context.Background(), book, false, nil)
		if err != nil || result.FinishReason != "" || result.TextBytes != len(book) || result.PrefilledTokens != len(book)-1 {
			t.Fatalf("%+v, %v", result, err)
		}
		if again, err := s.Read(context.Background(), book, false, nil); err != nil || again.PrefilledTokens != 0 {
			t.Errorf("read twice: %+v, %v", again, err)
		}
		r.MaxTokens, r.Sampling, r.PastEnd = 8, hot, true
		text, result := generate(t, s, r)
		if new := len(r.Text) - len(book) + 1; result.PrefilledTokens != new || r.Text == book && text != want {
			t.Errorf("%s: %d tokens read, want %d; says %q, unread %q", name, result.PrefilledTokens, new, text, want)
		}
	}
	for stop := 1; stop < 9; stop++ {
		ctx, cancel := context.WithCancel(context.Background())
		s.Reset()
		result, err := s.Read(ctx, book, false, func(done, _ int) {
			if done >= stop*7 {
				cancel()
			}
		})
		got := book[:result.TextBytes]
		if err != nil || result.FinishReason != FinishCancelled || result.TextBytes < stop*7 || result.TextBytes > stop*7+1 || result.TextBytes != s.Position() {
			t.Fatalf("cancelled: %+v, %v", result, err)
		}
		text, result := generate(t, s, Request{Text: got + "?!", MaxTokens: 8, Sampling: hot, PastEnd: true})
		s.Reset()
		if want, _ := generate(t, s, Request{Text: got + "?!", MaxTokens: 8, Sampling: hot, PastEnd: true}); result.PrefilledTokens != 2 || text != want {
			t.Errorf("after %q: %d tokens read, want 2; says %q, in one go %q", got, result.PrefilledTokens, text, want)
		}
	}
}

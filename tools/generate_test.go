package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/tools/browser"
)

// talkingFixture is a fixture's model with a tokenizer of single bytes and a chat template. What it says is noise, but
// every one of its 512 ids has a text, so that none goes unnoticed.
func talkingFixture(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(convertFixture(t, fixtures[0]))); err != nil {
		t.Fatal(err)
	}
	vocabulary := map[string]int{}
	id := 0
	add := func(token string) { vocabulary[token] = id; id++ }
	for b := range 256 { // printable stand-ins for bytes, as byte-level tokenizers have them
		switch {
		case b >= '!' && b <= '~' || b >= 0xA1 && b != 0xAD:
			add(string(rune(b)))
		default:
			add(string(rune(256 + unprintablesBefore(b))))
		}
	}
	for id < 512 {
		add("w" + strconv.Itoa(id) + "\u0120") // no merge makes them, but the model may say them: "w300 "
	}
	write := func(name string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, name), string(text))
	}
	type object = map[string]any
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	write("tokenizer.json", object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": []any{}, "normalizer": nil,
		"pre_tokenizer": byteLevel, "post_processor": nil, "decoder": byteLevel,
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": []any{},
		},
	})
	write("tokenizer_config.json", object{
		"chat_template": "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}",
	})
	return folder
}

// unprintablesBefore counts the bytes below b that byte-level tokenizers give a stand-in above 255.
func unprintablesBefore(b int) int {
	n := 0
	for c := range b {
		if !(c >= '!' && c <= '~' || c >= 0xA1 && c != 0xAD) {
			n++
		}
	}
	return n
}

func TestGenerate(t *testing.T) {
	folder := talkingFixture(t)
	generate := func(t *testing.T, more ...string) (text, figures string) {
		t.Helper()
		stdout, stderr, err := samba(t, append([]string{"generate", "--model", folder, "--max-tokens", "24"}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		return stdout, stderr
	}
	greedy, _ := generate(t, "--backend", "cpu", "--prompt", "Hello", "--temperature", "0", "--repetition-penalty", "1")
	if !strings.HasSuffix(greedy, "\n") || len(greedy) < 24 {
		t.Fatalf("greedy text %q", greedy)
	}

	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			needBackend(t, backend)
			file := filepath.Join(t.TempDir(), "hello.state")
			text, figures := generate(t, "--backend", backend, "--prompt", "Hello", "--temperature", "0", "--repetition-penalty", "1", "--state", file)
			if text != greedy {
				t.Errorf("greedy text %q, want the reference path's %q", text, greedy)
			}
			if about, _, err := samba(t, "inspect", "--json", file); err != nil || !strings.Contains(about, `"position": 28`) {
				t.Errorf("its state: %s, %v", about, err)
			}
			for _, want := range []string{"5 prompt tokens", "24 tokens", "ended by length", filepath.Base(folder)} {
				if !strings.Contains(figures, want) {
					t.Errorf("no %q in the figures: %s", want, figures)
				}
			}
		})
	}

	t.Run("state", func(t *testing.T) {
		dir := t.TempDir()
		file, other := filepath.Join(dir, "talk.state"), filepath.Join(dir, "other.state")
		say := func(prompt string, more ...string) string {
			t.Helper()
			text, _ := generate(t, append([]string{"--backend", "cpu", "--prompt", prompt, "--temperature", "1.5", "--seed", "3", "--max-tokens", "9"}, more...)...)
			return strings.TrimSuffix(text, "\n")
		}
		say("Hello", "--state", file)
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, figures := generate(t, "--backend", "cpu", "--prompt", " there", "--from", file)
		if !strings.HasPrefix(figures, "7 prompt tokens") { // what was sampled last comes along
			t.Errorf("what stands in the state was read again: %s", figures)
		}
		want := ""
		for _, more := range [][]string{{"--from", file}, {"--from", file, "--state", other}, {"--state", file}} {
			got := say(" there", more...)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%v: goes on %q, want %q", more, got, want)
			}
		}
		after, _ := os.ReadFile(file)
		copied, _ := os.ReadFile(other)
		if bytes.Equal(after, before) || !bytes.Equal(after, copied) {
			t.Error("--from changed the file, or --state did not")
		}
		if left, _ := os.ReadDir(dir); len(left) != 2 {
			t.Errorf("left behind: %v", left)
		}
		about, _, err := samba(t, "inspect", "--json", file)
		if err != nil || !strings.Contains(about, fmt.Sprintf(`"bytes": %d`, len(after))) || !strings.Contains(about, `"position": 28`) {
			t.Errorf("inspect says %s, %v", about, err)
		}
		// What the chat page exports has the conversation behind the state.
		exported := filepath.Join(dir, "page.samba-state")
		talk := []byte(`{"format": "samba-conversations"}`)
		sum := sha256.Sum256(talk)
		page := slices.Concat(before, talk, sum[:], binary.LittleEndian.AppendUint64(nil, uint64(len(talk))), []byte("SAMBATXT"))
		os.WriteFile(exported, page, 0o600)
		if got := say(" there", "--from", exported); got != want {
			t.Errorf("from the page's file it goes on %q, want %q", got, want)
		}
		if _, _, err := samba(t, "generate", "--model", folder, "--prompt", "a", "--state", exported); err == nil || !strings.Contains(err.Error(), "give it to --from") {
			t.Errorf("a file with a conversation in it: %v", err)
		}
		os.WriteFile(other, copied[:len(copied)-1], 0o600)
		if _, _, err := samba(t, "generate", "--model", folder, "--prompt", "a", "--state", other); err == nil || !strings.Contains(err.Error(), other+": the saved state is cut short") {
			t.Errorf("a file that is cut short: %v", err)
		}
		if _, _, err := samba(t, "generate", "--model", folder, "--prompt", "a", "--from", filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none") {
			t.Errorf("no file: %v", err)
		}
	})

	t.Run("seed", func(t *testing.T) {
		first, _ := generate(t, "--backend", "cpu", "--prompt", "Hello", "--temperature", "1.5", "--seed", "1")
		same, _ := generate(t, "--backend", "cpu", "--prompt", "Hello", "--temperature", "1.5", "--seed", "1")
		other, _ := generate(t, "--backend", "cpu", "--prompt", "Hello", "--temperature", "1.5", "--seed", "2")
		if first != same || first == other {
			t.Errorf("seed 1: %q and %q; seed 2: %q", first, same, other)
		}
	})

	t.Run("json, chat and stop", func(t *testing.T) {
		all := strings.TrimSuffix(greedy, "\n")
		stop := all[len(all)/2 : len(all)/2+3]
		stdout, stderr := generate(t, "--backend", "cpu", "--prompt", "Hello", "--temperature", "0", "--repetition-penalty", "1", "--json", "--stop", stop)
		var got generated
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatalf("%v: %s", err, stdout)
		}
		if want, _, _ := strings.Cut(all, stop); got.Text != want || got.FinishReason != model.FinishStop {
			t.Errorf("stopped by %q: %q (%s), want %q", stop, got.Text, got.FinishReason, want)
		}
		if stderr != "" || got.Backend != backendCPU || got.Usage.PromptTokens != 5 {
			t.Errorf("%+v, stderr %q", got, stderr)
		}
		stdout, _ = generate(t, "--backend", "cpu", "--chat", "Hi", "--json")
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Usage.PromptTokens != len("[user] Hi\n[assistant] ") {
			t.Errorf("%v: %+v", err, got)
		}
	})
}

// TestGenerateSettings asks for JSON under a schema with everything that the sampler can do.
func TestGenerateSettings(t *testing.T) {
	folder := talkingFixture(t)
	schema := filepath.Join(t.TempDir(), "schema.json")
	writeFile(t, schema, `{"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 3, "maxItems": 3}`)
	stdout, _, err := samba(t, "generate", "--model", folder, "--backend", "cpu", "--prompt", "Hello", "--seed", "3", "--json", "--schema", schema,
		"--logit-bias", strconv.Itoa('a'-'!')+"=-100", "--logit-bias", "0=1.5", "--presence-penalty", "0.5", "--frequency-penalty", "-0.5", "--logprobs", "2")
	if err != nil {
		t.Fatal(err)
	}
	var got generated
	var list []string
	if err := errors.Join(json.Unmarshal([]byte(stdout), &got), json.Unmarshal([]byte(got.Text), &list)); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	if len(list) != 3 || got.FinishReason != model.FinishStop || len(got.Logprobs) != got.Usage.CompletionTokens || len(got.Logprobs[0].Top) != 2 {
		t.Errorf("%+v", got)
	}
	writeFile(t, schema, `{"properties": {"a": {"not": {"const": 1}}}}`)
	for want, flags := range map[string][]string{
		"schema.properties.a.not is not supported": {"--schema", schema},
		"there.json":                       {"--schema", filepath.Join(folder, "there.json")},
		"as in 42=-5":                      {"--logit-bias", "the=3"},
		"logit_bias[3] is 500":             {"--logit-bias", "3=500"},
		"--logprobs needs --json":          {"--logprobs", "3"},
		"presence_penalty is 3, want -2":   {"--presence-penalty", "3"},
		"top_logprobs is 21, want 0 to 20": {"--logprobs", "21", "--json"},
	} {
		_, _, err := samba(t, append([]string{"generate", "--model", folder, "--backend", "cpu", "--prompt", "Hello"}, flags...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", flags, err, want)
		}
	}
}

// TestGenerateEndsWhenAsked interrupts an answer in the middle, as Ctrl-C does.
func TestGenerateEndsWhenAsked(t *testing.T) {
	folder := talkingFixture(t)
	for _, backend := range []string{backendCPU, backendNative, browser.Chromium} {
		t.Run(backend, func(t *testing.T) {
			needBackend(t, backend)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var out, figures bytes.Buffer
			root := newRoot()
			root.SetArgs([]string{"generate", "--model", folder, "--backend", backend, "--prompt", "Hello", "--max-tokens", "1000000", "--seed", "1"})
			root.SetOut(writerFunc(func(p []byte) (int, error) {
				if out.Len() > 10 {
					cancel()
				}
				return out.Write(p)
			}))
			root.SetErr(&figures)
			if err := root.ExecuteContext(ctx); !errors.Is(err, errInterrupted) {
				t.Errorf("ended with %v", err)
			}
			if !strings.Contains(figures.String(), "ended by cancelled") || !strings.HasSuffix(out.String(), "\n") {
				t.Errorf("figures %q after %q", figures.String(), out.String())
			}
		})
	}
}

package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/samba-web/samba/model/sampling"
)

func ptr[T any](v T) *T { return &v }

func TestRoundTrip(t *testing.T) {
	requests := []Message{
		&Load{URL: "https://models.example/tiny/", Backend: BackendCPU},
		&Generate{Messages: []ChatMessage{{Role: "user", Content: "say \"hi\"\n\x00 ✓"}}, Settings: sampling.Settings{MaxTokens: ptr(5), Temperature: ptr(0.0), TopK: ptr(40), TopP: ptr(0.9), MinP: ptr(0.05), RepetitionPenalty: ptr(1.1), Seed: ptr(uint64(maxSeed))}, Stop: []string{"\n\n"}},
		&Generate{Prompt: "Once"},
		&Logits{IDs: []uint32{0, 1, 1<<32 - 1}, Chunk: 7},
		&Generate{Prompt: "a", Settings: sampling.Settings{PresencePenalty: ptr(-2.0), FrequencyPenalty: ptr(0.5), LogitBias: map[uint32]float64{3: -100, 70: 1.5}, N: ptr(3)},
			TopLogprobs: ptr(20), Schema: json.RawMessage(`{"type":"object"}`)},
		&Score{IDs: []uint32{0, 1<<32 - 1}},
		&Tokenize{Text: "é"},
		&Tokenize{Messages: []ChatMessage{{Role: "user", Content: "a"}}},
		&Detokenize{IDs: []uint32{5}},
		&Absorb{Messages: []ChatMessage{{Role: "user", Content: "a"}}, Open: true, Session: 2},
		&Save{Session: 1},
		&Restore{},
		&Reset{Session: 1},
		&Fork{Session: 1, Into: 2},
		&Drop{Session: 2},
		&Cancel{Target: 3},
		&Hello{Version: ProtocolVersion, Token: "t", Session: "s", Secret: "x"},
		&Ping{},
	}
	replies := []Message{
		&Progress{Phase: "download", Loaded: 1 << 40, Total: 1 << 41, Shard: 1, Shards: 2, File: "model.safetensors"},
		&Ready{Model: "tiny", Parameters: 421793280, Bits: 4, Chat: true, Features: []string{"subgroups"}},
		&Text{Text: "é", Tokens: 1},
		&Text{Tokens: 1, Choice: 2, FinishReason: "length", Logprobs: []TokenLogprob{{Logprob{4, []int{195}, -0.5}, []Logprob{{4, []int{195}, -0.5}}}}},
		&LogitsRows{Row: 2, Rows: 1},
		&Scores{First: 1, Count: 3},
		&Tokens{IDs: []uint32{1}, Text: "a"},
		&Saved{Position: 9, Hash: "0f"},
		&Done{FinishReason: "stop", Usage: Usage{1, 2, 3, 1, 4}, Timings: Timings{Prefill: 0.1, FirstToken: 0.2, Decode: 0.3}, Position: 9},
		&Error{Code: CodeWrongHash, Message: "Shard 2 is damaged.", Param: "url"},
		&Welcome{Version: ProtocolVersion, Session: "s", Secret: "x", Answered: 4, Silence: 60},
		&Pong{},
	}
	for _, c := range []struct {
		list   []Message
		decode func(Frame) (uint32, Message, error)
	}{{requests, DecodeRequest}, {replies, DecodeReply}} {
		for _, m := range c.list {
			data := []byte(nil)
			if m.Type() == "logits" || m.Type() == "scores" {
				data = make([]byte, 12)
			}
			frame, err := Encode(7, m, data)
			if err != nil {
				t.Fatal(err)
			}
			id, got, err := c.decode(frame)
			if err != nil || id != 7 {
				t.Errorf("%s: id %d, %v", frame.JSON, id, err)
				continue
			}
			if diff := cmp.Diff(m, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-sent +got):\n%s", m.Type(), diff)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		json string
		want []string // all of them stand in the error
	}{
		{``, []string{"end of JSON"}},
		{`{"type":"load"`, []string{"byte 14", "end of JSON"}},
		{`[]`, []string{"array", "object"}},
		{`{"type":"dance","id":1}`, []string{`"dance"`, "load, generate, logits, score"}},
		{`{"type":7,"id":1}`, []string{"type", "number", "a string"}},
		{`{"type":"load","id":-1}`, []string{"id", "-1", "not negative"}},
		{`{"type":"load","id":1}`, []string{"url is missing"}},
		{`{"type":"load","id":1,"url":"x","color":"red"}`, []string{"color"}},
		{`{"type":"load","id":1,"url":"x","backend":"abacus"}`, []string{`"abacus"`, "webgpu", "cpu"}},
		{`{"type":"load","id":1,"url":"x","threads":65}`, []string{"threads is 65", "1 to 64"}},
		{`{"type":"load","id":1,"url":"x"} {}`, []string{"invalid character"}},
		{`{"type":"load","id":1,"url":"x","binary":4}`, []string{"binary is 4", "0 bytes"}},
		{`{"type":"generate","id":1}`, []string{"messages and prompt"}},
		{`{"type":"generate","id":1,"prompt":"a","messages":[{"role":"user","content":"b"}]}`, []string{"both"}},
		{`{"type":"generate","id":1,"messages":[{"content":"b"}]}`, []string{"messages[0].role"}},
		{`{"type":"generate","id":1,"messages":"b"}`, []string{"messages", "string", "an array"}},
		{`{"type":"generate","id":1,"messages":[{"role":"user","content":5}]}`, []string{"content", "number", "a string"}},
		{`{"type":"generate","id":1,"prompt":"a","max_tokens":0}`, []string{"max_tokens is 0"}},
		{`{"type":"generate","id":1,"prompt":"a","max_tokens":1.5}`, []string{"max_tokens", "1.5", "whole number"}},
		{`{"type":"generate","id":1,"prompt":"a","temperature":-0.1}`, []string{"temperature is -0.1"}},
		{`{"type":"generate","id":1,"prompt":"a","temperature":1e999}`, []string{"temperature"}},
		{`{"type":"generate","id":1,"prompt":"a","top_p":0}`, []string{"top_p is 0", "above 0"}},
		{`{"type":"generate","id":1,"prompt":"a","top_p":1.01}`, []string{"top_p is 1.01"}},
		{`{"type":"generate","id":1,"prompt":"a","top_k":-1}`, []string{"top_k is -1"}},
		{`{"type":"generate","id":1,"prompt":"a","min_p":2}`, []string{"min_p is 2"}},
		{`{"type":"generate","id":1,"prompt":"a","repetition_penalty":0}`, []string{"repetition_penalty is 0"}},
		{`{"type":"generate","id":1,"prompt":"a","seed":9007199254740992}`, []string{"seed"}},
		{`{"type":"generate","id":1,"prompt":"a","stop":[""]}`, []string{"stop[0]"}},
		{`{"type":"generate","id":1,"prompt":"a","stop":[` + strings.Repeat(`"x",`, 16) + `"x"]}`, []string{"stop has 17"}},
		{`{"type":"generate","id":1,"prompt":"a","presence_penalty":2.5}`, []string{"presence_penalty is 2.5", "-2 to 2"}},
		{`{"type":"generate","id":1,"prompt":"a","frequency_penalty":-3}`, []string{"frequency_penalty is -3"}},
		{`{"type":"generate","id":1,"prompt":"a","logit_bias":{"7":101}}`, []string{"logit_bias[7] is 101"}},
		{`{"type":"generate","id":1,"prompt":"a","logit_bias":{"the":1}}`, []string{"logit_bias"}},
		{`{"type":"generate","id":1,"prompt":"a","logit_bias":[]}`, []string{"logit_bias", "array", "an object"}},
		{`{"type":"generate","id":1,"prompt":"a","top_logprobs":21}`, []string{"top_logprobs is 21"}},
		{`{"type":"generate","id":1,"prompt":"a","n":0}`, []string{"n is 0"}},
		{`{"type":"tokenize","id":1,"text":"a","messages":[{"role":"user","content":"b"}]}`, []string{"messages and text"}},
		{`{"type":"detokenize","id":1,"ids":[-1]}`, []string{"ids"}},
		{`{"type":"logits","id":1,"ids":[]}`, []string{"ids has 0"}},
		{`{"type":"score","id":1,"ids":[1]}`, []string{"ids has 1"}},
		{`{"type":"logits","id":1,"ids":[1,-2]}`, []string{"ids", "-2"}},
		{`{"type":"logits","id":1,"ids":[1],"chunk":-1}`, []string{"chunk is -1"}},
		{`{"type":"long_run","id":1,"prompt":0,"laps":[]}`, []string{"prompt is 0"}},
		{`{"type":"long_run","id":1,"prompt":9,"laps":[3,3]}`, []string{"laps[1] is 3, want more than 3 and at most 9"}},
		{`{"type":"long_run","id":1,"prompt":9,"generate":4,"laps":[5]}`, []string{"laps[0] is 5, want more than 0 and at most 4"}},
		{`{"type":"long_run","id":1,"prompt":9,"batch":1000,"laps":[]}`, []string{"batch is 1000"}},
		{"{\"type\":\"load\",\"id\":1,\"url\":\"\xff\"}", []string{"UTF-8"}},
		{`{"type":"` + strings.Repeat("x", 5000) + `","id":1}`, []string{"message type"}},
	} {
		_, _, err := DecodeRequest(Frame{JSON: []byte(c.json)})
		if err == nil {
			t.Errorf("%.100s: accepted", c.json)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%.100s: %q lacks %q", c.json, err, want)
			}
		}
		if len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.100s: an error of %d bytes", c.json, len(err.Error()))
		}
	}
}

// The error to a message that is wrong inside must still reach who sent it.
func TestRefusalKeepsID(t *testing.T) {
	id, _, err := DecodeRequest(Frame{JSON: []byte(`{"type":"load","id":12,"url":5}`)})
	if err == nil || id != 12 {
		t.Errorf("id %d, error %v; want 12 and an error", id, err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"type":"generate","id":1,"messages":[{"role":"user","content":"b"}],"seed":3}`))
	f.Add([]byte(`{"type":"logits","id":1,"ids":[1,2]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		id, m, err := DecodeRequest(Frame{JSON: text})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("want one line, got %q", err)
			}
			return
		}
		frame, err := Encode(id, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, same, err := DecodeRequest(frame)
		if err != nil || again != id || !json.Valid(frame.JSON) {
			t.Fatalf("%s became %s: %v", text, frame.JSON, err)
		}
		second, err := Encode(again, same, nil)
		if err != nil || !bytes.Equal(frame.JSON, second.JSON) {
			t.Fatalf("%s became %s: %v", frame.JSON, second.JSON, err)
		}
	})
}

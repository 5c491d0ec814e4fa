package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/wasm/protocol"
)

// generated is what --json prints.
type generated struct {
	Text         string                  `json:"text"`
	FinishReason string                  `json:"finish_reason"`
	Logprobs     []protocol.TokenLogprob `json:"logprobs,omitempty"`
	Usage        protocol.Usage          `json:"usage"`
	Timings      protocol.Timings        `json:"timings"`
	Position     int                     `json:"position"`
	StateBytes   int64                   `json:"state_bytes"`
	Model        string                  `json:"model"`
	Backend      string                  `json:"backend"`
	Adapter      string                  `json:"adapter"`
}

func newGenerate() *cobra.Command {
	var flags engineFlags
	var text, chat string
	var asJSON bool
	var request protocol.Generate
	var sampler samplingFlags
	var maxTokens, logprobs int
	var biases []string
	var schema string
	var seed uint64
	var state stateFiles
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Continue a text or answer a message",
		Long: `Continues a text (--prompt) or answers a message by the model's chat template (--chat).
What a message spells is text; control tokens come from the template alone.
It computes on the GPU, or on the processor where the adapter is the processor, too,
and slower. The text goes to stdout as it comes, figures go to stderr. Settings left out are the
model's own. Ctrl-C ends the answer.

--state FILE keeps the conversation in a file: it goes on from the file, if that is
there, without reading again what was said, and replaces it at the end. --from FILE
goes on from another file, which stays as it is; that may be one that the chat page
exported.`,
		Example: "  samba generate --model www/models/default --chat \"Tell me a story about a fox.\"\n  samba generate --model DIR --prompt \"Once upon a time\" --temperature 0 --backend firefox\n  samba generate --model DIR --chat \"Name a town and its country.\" --schema town.json\n  samba generate --model DIR --chat \"And then?\" --state fox.state",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// An answer comes from where it comes soonest, as in a page; measurements name their place.
			flags.chooses = true
			if !cmd.Flags().Changed("browser-backend") {
				flags.within = protocol.BackendAuto
			}
			switch given := cmd.Flags().Changed; {
			case given("chat") && chat == "":
				return errors.New("--chat is empty: there is nothing to answer")
			case given("prompt") && text == "" && request.Suffix == "":
				return errors.New("--prompt is empty: there is nothing to continue")
			case chat != "" && request.Suffix != "":
				return errors.New("--suffix is for a --prompt: it is the text after the gap that the answer fills")
			case chat != "" && request.ControlTokens:
				return errors.New("--control-tokens is for a --prompt: what a message spells is text")
			}
			request.Prompt = text
			if chat != "" {
				request.Messages = []protocol.ChatMessage{{Role: "user", Content: chat}}
			}
			for name, take := range map[string]func(){
				"max-tokens": func() { request.MaxTokens = &maxTokens },
				"logprobs":   func() { request.TopLogprobs = &logprobs },
				"seed":       func() { request.Seed = &seed },
			} {
				if cmd.Flags().Changed(name) {
					take()
				}
			}
			sampler.set(&request.Settings)
			if logprobs != 0 && !asJSON {
				return errors.New("--logprobs needs --json, which prints them")
			}
			var err error
			if request.LogitBias, err = readBiases(biases); err != nil {
				return err
			}
			if schema != "" {
				if request.Schema, err = folder.ReadFile(schema, 1<<20); err != nil {
					return fmt.Errorf("--schema: %w", err)
				}
				if !json.Valid(request.Schema) {
					return fmt.Errorf("--schema %s: this is no JSON", schema)
				}
			}
			if err := validate(&request); err != nil {
				return err
			}
			if err := state.read(); err != nil {
				return err
			}
			return runGenerate(cmd, &flags, &request, &state, asJSON)
		},
	}
	flags.register(cmd)
	cmd.MarkFlagRequired("model")
	cmd.Flags().StringVar(&text, "prompt", "", "text to continue")
	cmd.Flags().StringVar(&request.Suffix, "suffix", "", "with --prompt: the text that comes after the answer, which fills the gap between them;\nof models that have tokens for it, such as Granite")
	cmd.Flags().BoolVar(&request.ControlTokens, "control-tokens", false, "with --prompt: what spells a control token, such as <|im_end|>, is one")
	cmd.Flags().StringVar(&chat, "chat", "", "message to answer")
	cmd.Flags().IntVar(&maxTokens, "max-tokens", sampling.DefaultTokens, sampling.Named("max_tokens").Usage())
	sampler.register(cmd)
	cmd.Flags().StringArrayVar(&biases, "logit-bias", nil, "ID=BIAS: "+sampling.Named("logit_bias").Usage()+"; can be given several times")
	cmd.Flags().StringVar(&schema, "schema", "", "file with a JSON Schema that the answer obeys, whatever the model")
	cmd.Flags().IntVar(&logprobs, "logprobs", 0, "with --json: report each token's log probability, and of this many of the likeliest in its place")
	cmd.Flags().Uint64Var(&seed, "seed", 0, sampling.Named("seed").Usage())
	cmd.Flags().StringArrayVar(&request.Stop, "stop", nil, "text that ends the answer, itself left out; can be given several times")
	cmd.Flags().StringVar(&state.file, "state", "", "file that the conversation goes on from, if it is there, and is saved to")
	cmd.Flags().StringVar(&state.from, "from", "", "saved state that it goes on from instead; the file stays as it is")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object at the end, text and figures")
	cmd.MarkFlagsMutuallyExclusive("prompt", "chat")
	cmd.MarkFlagsOneRequired("prompt", "chat")
	return cmd
}

// readBiases reads the flags ID=BIAS.
func readBiases(flags []string) (map[uint32]float64, error) {
	biases := map[uint32]float64{}
	for _, flag := range flags {
		token, bias, _ := strings.Cut(flag, "=")
		id, err := strconv.ParseUint(token, 10, 32)
		value, err2 := strconv.ParseFloat(bias, 64)
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("--logit-bias is %q, want a token's id and a number, as in 42=-5", flag)
		}
		biases[uint32(id)] = value
	}
	return biases, nil
}

// validate asks the protocol whether an engine would take the request, before one is started.
func validate(request *protocol.Generate) error {
	frame, err := protocol.Encode(1, request, nil)
	if err == nil {
		_, _, err = protocol.DecodeRequest(frame)
	}
	return err
}

// stateFiles are where a conversation comes from and goes to.
type stateFiles struct {
	file, from string
	saved      []byte // what it goes on from; nil: nothing
}

func (f *stateFiles) read() (err error) {
	from := f.from
	if from == "" {
		from = f.file
	}
	if from == "" {
		return nil
	}
	f.saved, err = conversation.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) && f.from == "" {
		return nil // the conversation begins
	}
	if err != nil {
		return err
	}
	if state := exportedState(f.saved); state != nil {
		if f.from == "" {
			return fmt.Errorf("%s: the chat page exported this with the conversation, which --state would write over: give it to --from", from)
		}
		f.saved = state
	}
	if _, err = conversation.Inspect(gpu.BlobOf(f.saved)); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// exportedState is the state in a file that the chat page exported: behind it
// stand the conversation, its SHA-256, its length and a mark
// (www/chat/statefile.ts). Other files have none: nil.
func exportedState(file []byte) []byte {
	const mark, trailer = "SAMBATXT", sha256.Size + 8 + len("SAMBATXT")
	if len(file) < trailer || !bytes.HasSuffix(file, []byte(mark)) {
		return nil
	}
	rest := len(file) - trailer
	length := binary.LittleEndian.Uint64(file[rest+sha256.Size:])
	if length > uint64(rest) {
		return nil
	}
	return file[:rest-int(length)]
}

// write replaces the file by the state that the engine holds, wholly or not at all.
func (f *stateFiles) write(ctx context.Context, e *engine) error {
	if f.file == "" {
		return nil
	}
	var data []byte
	// People who interrupt an answer want to keep what was said.
	_, err := e.ask(context.WithoutCancel(ctx), &protocol.Save{}, func(_ protocol.Message, state []byte) error { data = state; return nil })
	if err == nil {
		_, err = conversation.Inspect(gpu.BlobOf(data))
	}
	if err != nil {
		return fmt.Errorf("the state was not saved: %w", err)
	}
	err = writeWhole(f.file, 0o600, func(w io.Writer) error { _, err := w.Write(data); return err })
	if err != nil {
		return fmt.Errorf("the state was not saved: %w", err)
	}
	return nil
}

func runGenerate(cmd *cobra.Command, flags *engineFlags, request *protocol.Generate, state *stateFiles, asJSON bool) error {
	progress := newProgress(os.Stderr)
	e, ready, err := flags.open(cmd.Context(), progress)
	if err != nil {
		return err
	}
	defer e.close()
	if state.saved != nil {
		if _, err := e.askWith(cmd.Context(), &protocol.Restore{}, state.saved, progress.report); err != nil {
			return err
		}
		request.Append = true
	}

	var whole strings.Builder
	thought := false
	var logprobs []protocol.TokenLogprob
	out := cmd.OutOrStdout()
	answer, err := e.ask(cmd.Context(), request, func(m protocol.Message, data []byte) error {
		piece, ok := m.(*protocol.Text)
		if !ok {
			return progress.report(m, data)
		}
		progress.done()
		whole.WriteString(piece.Text)
		if piece.Reasoning != "" && !asJSON { // it is no part of the answer
			io.WriteString(cmd.ErrOrStderr(), piece.Reasoning)
			thought = true
		}
		if piece.Text != "" && thought {
			fmt.Fprintln(cmd.ErrOrStderr())
			thought = false
		}
		logprobs = append(logprobs, piece.Logprobs...)
		if asJSON {
			return nil
		}
		_, err := io.WriteString(out, piece.Text)
		return err
	})
	progress.done()
	if !asJSON && whole.Len() > 0 {
		fmt.Fprintln(out)
	}
	if err != nil {
		return err
	}
	done, ok := answer.(*protocol.Done)
	if !ok {
		return fmt.Errorf("the engine answered %s to generate, want done", answer.Type())
	}
	if err := state.write(cmd.Context(), e); err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(generated{
			Text: whole.String(), FinishReason: done.FinishReason, Logprobs: logprobs, Usage: done.Usage, Timings: done.Timings,
			Position: done.Position, StateBytes: done.StateBytes, Model: ready.Model, Backend: ready.Backend, Adapter: ready.Adapter,
		})
	} else {
		fmt.Fprintln(cmd.ErrOrStderr(), figures(ready, done))
	}
	if err == nil && done.FinishReason == model.FinishCancelled {
		return errInterrupted
	}
	return err
}

// figures is one line of what the answer took.
func figures(ready *protocol.Ready, done *protocol.Done) string {
	rate := func(tokens int, seconds float64) string {
		if seconds <= 0 {
			return ""
		}
		return fmt.Sprintf(" (%.1f a second)", float64(tokens)/seconds)
	}
	return fmt.Sprintf("%d prompt tokens in %.2f s%s, %d tokens in %.2f s%s, first after %.2f s; ended by %s; state %.1f MiB; %s on %s",
		done.Usage.PrefilledTokens, done.Timings.Prefill, rate(done.Usage.PrefilledTokens, done.Timings.Prefill),
		done.Usage.CompletionTokens, done.Timings.Decode, rate(done.Usage.CompletionTokens, done.Timings.Decode),
		done.Timings.FirstToken, done.FinishReason, float64(done.StateBytes)/(1<<20), ready.Model, adapter(ready))
}

func adapter(ready *protocol.Ready) string {
	if ready.Adapter == "" || ready.Adapter == ready.Backend {
		return ready.Backend
	}
	return fmt.Sprintf("%s (%s)", ready.Backend, ready.Adapter)
}

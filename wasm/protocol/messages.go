// Package protocol is the one language that pages, tools and the engine speak:
// JSON messages, some with a binary attachment, the same over a worker's
// postMessage and over a WebSocket.
//
//	client                         engine
//	  load ───────────────────────▶
//	       ◀─────────────── progress …
//	       ◀─────────────────── ready
//	  generate ───────────────────▶
//	       ◀─────────────────── text …
//	  cancel ─────────────────────▶
//	       ◀──────────────────── done
//
// Every request carries an id that the client chose; every answer to it carries
// the same id. A request ends with exactly one ready, done or error. Requests
// are served in the order in which they came, one at a time; cancel alone acts
// at once.
package protocol

//go:generate go run ./typescript -o ../../www/engine/protocol.ts

// Header is what every message starts with.
type Header struct {
	// Which message this is.
	Type string `json:"type"`
	// The request that this message makes or answers.
	ID uint32 `json:"id"`
	// Length in bytes of the binary frame that follows. Only over a WebSocket; postMessage carries the bytes as the property data.
	Binary int `json:"binary,omitempty"`
}

func (h *Header) header() *Header { return h }

// Load asks for the model in a folder; the model loaded before is dropped first.
// It is answered by progress messages and one ready.
type Load struct {
	Header
	// Where the model folder is: for an engine in a page an http or https address, for one in a process a path.
	URL string `json:"url"`
	// Where to compute: "webgpu" (the default) or "cpu".
	Backend string `json:"backend,omitempty"`
}

// ChatMessage is one turn of a conversation.
type ChatMessage struct {
	// Who speaks: "system", "user" or "assistant", or what the model's template knows besides.
	Role string `json:"role"`
	// What is said.
	Content string `json:"content"`
}

// Generate asks for the continuation of a conversation or of a text. It is
// answered by progress messages while a long prompt is read, text messages and
// one done. What stands in the session's state already is not computed again.
// Settings left out are the model's own.
type Generate struct {
	Header
	// The conversation so far, rendered by the model's chat template. Either messages or prompt.
	Messages []ChatMessage `json:"messages,omitempty"`
	// A text to continue as it stands.
	Prompt string `json:"prompt,omitempty"`
	// The most tokens to generate; at least 1. Default 1024.
	MaxTokens *int `json:"max_tokens,omitempty"`
	// Divides the logits before sampling; 0 takes the likeliest token always.
	Temperature *float64 `json:"temperature,omitempty"`
	// Keeps the likeliest tokens that together reach this probability; above 0, at most 1.
	TopP *float64 `json:"top_p,omitempty"`
	// Keeps this many of the likeliest tokens; 0 keeps all.
	TopK *int `json:"top_k,omitempty"`
	// Drops tokens less likely than this share of the likeliest one; 0 to 1.
	MinP *float64 `json:"min_p,omitempty"`
	// Divides the score of tokens that were there already; 1 leaves them alone.
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"`
	// The same seed gives the same text; at most 2^53 - 1. Left out: drawn at random.
	Seed *uint64 `json:"seed,omitempty"`
	// Texts that end the answer, themselves left out; at most 16.
	Stop []string `json:"stop,omitempty"`
}

// Logits asks for the logits of every position of a sequence, from an empty
// state. It is answered by logits messages in order and one done.
type Logits struct {
	Header
	// The token ids.
	IDs []uint32 `json:"ids"`
	// Tokens per prefill step; 0 lets the engine choose.
	Chunk int `json:"chunk,omitempty"`
}

// Cancel ends another request of the same connection, running or waiting. It
// has no answer of its own: a generate ends with done and "cancelled", all else
// with the error "cancelled".
type Cancel struct {
	Header
	// The id of the request to end.
	Target uint32 `json:"target"`
}

// Progress says how far a long step is.
type Progress struct {
	Header
	// The step: "download", "compile" or "prefill".
	Phase string `json:"phase"`
	// Done so far: bytes of a download, else steps or tokens.
	Loaded int64 `json:"loaded"`
	// Of how many; 0 where that is not known.
	Total int64 `json:"total"`
	// Files complete so far, or the number of the file at hand.
	Shard int `json:"shard,omitempty"`
	// Of how many files.
	Shards int `json:"shards,omitempty"`
	// The file at hand.
	File string `json:"file,omitempty"`
}

// Ready says that a model is loaded, and what it is.
type Ready struct {
	Header
	// The folder's name.
	Model string `json:"model"`
	// How many weights the model has, shared ones counted once.
	Parameters int64 `json:"parameters"`
	// Bits per quantized weight; 0 where the weights are floats.
	Bits int `json:"bits"`
	// Layers, each a mixer and mostly an MLP.
	Layers int `json:"layers"`
	// Width of the residual stream.
	HiddenSize int `json:"hidden_size"`
	// Keys that an attention layer sees; 0 without such layers.
	SlidingWindow int `json:"sliding_window"`
	// Columns of the logits.
	VocabSize int `json:"vocab_size"`
	// Whether the model has a chat template, so that it takes messages.
	Chat bool `json:"chat"`
	// What computes: "webgpu", "vulkan" and so on, or "cpu".
	Backend string `json:"backend"`
	// The adapter's own name for itself.
	Adapter string `json:"adapter"`
	// The adapter's features in use.
	Features []string `json:"features,omitempty"`
	// Size of one conversation's state in bytes, the same at token 1 and token 1,000,000.
	StateBytes int64 `json:"state_bytes"`
}

// Text is the next piece of an answer.
type Text struct {
	Header
	// Whole characters, never a part of one; may be empty.
	Text string `json:"text"`
	// How many tokens it took.
	Tokens int `json:"tokens"`
}

// LogitsRows carries logits of consecutive positions: the attachment holds
// rows × vocab_size little-endian float32.
type LogitsRows struct {
	Header
	// The first position.
	Row int `json:"row"`
	// How many positions.
	Rows int `json:"rows"`
}

// Usage counts tokens as OpenAI's API does.
type Usage struct {
	// Tokens of the whole prompt.
	PromptTokens int `json:"prompt_tokens"`
	// Of those, how many had to be computed; the rest stood in the state.
	PrefilledTokens int `json:"prefilled_tokens"`
	// Tokens of the answer.
	CompletionTokens int `json:"completion_tokens"`
	// Both together.
	TotalTokens int `json:"total_tokens"`
}

// Timings are in seconds.
type Timings struct {
	// Spent reading the prompt.
	Prefill float64 `json:"prefill"`
	// From the request to the first token.
	FirstToken float64 `json:"first_token"`
	// Spent on the answer.
	Decode float64 `json:"decode"`
}

// Done ends a generate or logits request.
type Done struct {
	Header
	// Why the answer ended: "stop", "length" or "cancelled"; empty after logits.
	FinishReason string `json:"finish_reason,omitempty"`
	// Token counts.
	Usage Usage `json:"usage"`
	// Where the time went.
	Timings Timings `json:"timings"`
	// Tokens in the session's state now: the length of the context.
	Position int `json:"position"`
	// Size of that state in bytes.
	StateBytes int64 `json:"state_bytes"`
}

// Error ends a request that could not be served.
type Error struct {
	Header
	// What kind of fault it was; see the Code constants.
	Code Code `json:"code"`
	// One sentence: what was got, what was wanted, what to do.
	Message string `json:"message"`
}

// Code tells faults apart for programs; people read the message.
type Code string

// The faults that an engine reports.
const (
	CodeBadRequest  Code = "bad_request"  // the message is malformed, or a field is out of range
	CodeNotLoaded   Code = "not_loaded"   // no model is loaded
	CodeCancelled   Code = "cancelled"    // the client cancelled the request
	CodeNoWebGPU    Code = "no_webgpu"    // the browser has no WebGPU
	CodeNoAdapter   Code = "no_adapter"   // WebGPU is there, but no graphics adapter
	CodeDeviceLost  Code = "device_lost"  // the graphics device went away; load again
	CodeMissing     Code = "missing"      // a file of the model is not there
	CodeNetwork     Code = "network"      // the server could not be reached, or the line was cut
	CodeWrongLength Code = "wrong_length" // a file is shorter or longer than the index says
	CodeWrongHash   Code = "wrong_hash"   // a file's SHA-256 is not the index's
	CodeBadModel    Code = "bad_model"    // the model's files contradict each other or are not a Samba
	CodeInternal    Code = "internal"     // anything else: a fault of ours
)

// Codes lists every code, for the clients' types.
var Codes = []Code{
	CodeBadRequest, CodeNotLoaded, CodeCancelled, CodeNoWebGPU, CodeNoAdapter, CodeDeviceLost,
	CodeMissing, CodeNetwork, CodeWrongLength, CodeWrongHash, CodeBadModel, CodeInternal,
}

// Message is one of this package's message structs, by pointer.
type Message interface {
	// Type is the message's name on the wire.
	Type() string
	header() *Header
}

func (*Load) Type() string       { return "load" }
func (*Generate) Type() string   { return "generate" }
func (*Logits) Type() string     { return "logits" }
func (*Cancel) Type() string     { return "cancel" }
func (*Progress) Type() string   { return "progress" }
func (*Ready) Type() string      { return "ready" }
func (*Text) Type() string       { return "text" }
func (*LogitsRows) Type() string { return "logits" }
func (*Done) Type() string       { return "done" }
func (*Error) Type() string      { return "error" }

// Requests and Replies are an empty message of every type in each direction.
var (
	Requests = []Message{new(Load), new(Generate), new(Logits), new(Cancel)}
	Replies  = []Message{new(Progress), new(Ready), new(Text), new(LogitsRows), new(Done), new(Error)}
)

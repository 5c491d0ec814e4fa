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
// To a server a client says hello first and is welcomed; what a cut connection
// loses is made up for on the next one, see Hello.
//
// Every request carries an id that the client chose; every answer to it carries
// the same id. A request ends with exactly one ready, tokens, saved, done or error.
//
// A client has one session at first, number 0: the state of one conversation.
// Forks of it are further ones, under numbers that the client chooses.
//
// Answers are written together, as many as the machine has room for, the others in the
// order in which they came. Several on one session have a state each, and the one that was
// asked last leaves its own there; what goes on from a session's state, or changes it,
// waits for what was asked of it before. A load and measurements have the engine to
// themselves. Tokenize, detokenize and cancel wait for none of them. To a server, whose
// clients take turns, requests of one client are served one at a time.
package protocol

//go:generate go run ./typescript

import (
	"encoding/json"
	"slices"

	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/model/sampling"
)

// Header is what every message starts with.
type Header struct {
	// Which message this is.
	Type string `json:"type"`
	// The request that this message makes or answers.
	ID uint32 `json:"id"`
	// Length in bytes of the binary frame that follows. Only over a WebSocket; postMessage carries the bytes as the property data.
	Binary int `json:"binary,omitempty"`
	// Only to and from servers. In a reply: its place among the replies to the request, from 1, progress not counted. In a
	// request that is sent again after a cut: the place of the last reply that came, whose successors are sent.
	Seq int `json:"seq,omitempty"`
}

func (h *Header) header() *Header { return h }

// ProtocolVersion counts the changes after which one end would misunderstand the other.
const ProtocolVersion = 1

// Hello is the first message to a server and is answered by one welcome, or by
// an error and the end of the connection. A client whose connection was cut
// names its session, then sends again each request that is not finished, with
// the seq of the last reply that came: whichever server hears it goes on there.
// For that a generate must carry its seed.
type Hello struct {
	Header
	// The version that the client speaks.
	Version int `json:"version"`
	// What the server's owner gave the client to be let in.
	Token string `json:"token,omitempty"`
	// The session to go on with, as welcome named it; left out: a new one.
	Session string `json:"session,omitempty"`
	// The secret that came with it.
	Secret string `json:"secret,omitempty"`
}

// Ping asks for a pong at once: whether the other end is there.
type Ping struct{ Header }

// Load asks for the model in a folder; the model loaded before is dropped first.
// It is answered by progress messages and one ready.
type Load struct {
	Header
	// Where the model folder is: for an engine in a page an http or https address, for one in a process a path. Or
	// "random:421M?bits=4&seed=0": random weights in a published model's shapes, for an engine that measures.
	URL string `json:"url"`
	// Where to compute: "webgpu" (the default), "cpu", or "auto": WebGPU where it works and is quicker; "remote" takes the model that a server has, whatever the URL.
	Backend string `json:"backend,omitempty"`
	// 4 or 8: weights that are not packed yet are packed in as many bits while they come; what is kept for the next visit
	// is the packed form. Left out: they stay as they are.
	Bits int `json:"bits,omitempty"`
	// On the processor, in a page that is alone with its origin: how many threads compute, at most 64. Where
	// the browser has a GPU it is one, whatever this says. Left out: as many as suit.
	Threads int `json:"threads,omitempty"`
}

// ChatMessage is one turn of a conversation.
type ChatMessage struct {
	// Who speaks: "system", "user" or "assistant", or what the model's template knows besides.
	Role string `json:"role"`
	// What is said; may be empty where tools are called.
	Content string `json:"content"`
	// What an assistant thought before it. Whether the model reads it again is its template's to say.
	ReasoningContent string `json:"reasoning_content,omitempty"`
	// The tools that an assistant called.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	// With the role "tool": the id of the call whose result this is.
	ToolCallID string `json:"tool_call_id,omitempty"`
	// With the role "tool": the tool's name; known from the call where that is among the messages.
	Name string `json:"name,omitempty"`
}

// ToolCall is a call of a tool, whole.
type ToolCall struct {
	// Tells the call from others of the conversation.
	ID string `json:"id"`
	// Always "function".
	Kind string `json:"type"`
	// What is called.
	Function CalledFunction `json:"function"`
}

// CalledFunction is a function's name and what it is called with.
type CalledFunction struct {
	// As the tools have it.
	Name string `json:"name"`
	// A JSON object, as text.
	Arguments string `json:"arguments"`
}

// TemplateOptions are what a chat template is given beside the messages.
type TemplateOptions struct {
	// What the model may call, as OpenAI's API has it: [{"type": "function", "function": {"name", "description", "parameters"}}].
	Tools json.RawMessage `json:"tools,omitempty"`
	// A list of documents, for templates that know them.
	Documents json.RawMessage `json:"documents,omitempty"`
	// How much is thought before the answer: "none", "minimal", "low", "medium", "high", "xhigh" or "max". A template that does not know
	// it may still think; then the lower ones bound the tokens of the thought.
	ReasoningEffort string `json:"reasoning_effort,omitempty"`
	// Whether the model thinks before it answers, where it can do either.
	EnableThinking *bool `json:"enable_thinking,omitempty"`
	// An object of further names that the template knows.
	ChatTemplateKwargs json.RawMessage `json:"chat_template_kwargs,omitempty"`
}

// Generate asks for the continuation of a conversation or of a text. It is
// answered by progress messages while a long prompt is read, text messages and
// one done. What stands in the session's state already is not computed again.
// Settings left out are the model's own.
type Generate struct {
	Header
	TemplateOptions
	// The conversation so far, rendered by the model's chat template. Either messages or prompt.
	Messages []ChatMessage `json:"messages,omitempty"`
	// A text to continue as it stands.
	Prompt string `json:"prompt,omitempty"`
	// With prompt, which may then be empty: a text that comes after the answer, which fills what is between them. Control tokens in it are as in prompt. A model without tokens for that is an error.
	Suffix string `json:"suffix,omitempty"`
	// Control tokens that the prompt spells, such as <|im_end|>, are control tokens. Otherwise they are text, as they always are in messages.
	ControlTokens bool `json:"control_tokens,omitempty"`
	// The messages, or the prompt, are not all of it, but come after what the session's state holds. A state that holds nothing, since it is new or was lost, is an error.
	Append bool `json:"append,omitempty"`
	// The last message is not finished: the answer goes on with it.
	Open bool `json:"open,omitempty"`
	sampling.Settings
	// Asks for each token's log probability, and for those of this many of the likeliest tokens in its place; 0 to 20.
	TopLogprobs *int `json:"top_logprobs,omitempty"`
	// A JSON Schema that the answer obeys: tokens that would break it are never sampled.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Whether tools are called: "auto", "none", "required", or one function: {"type": "function", "function": {"name"}}. What is called obeys its parameters' schema.
	ToolChoice json.RawMessage `json:"tool_choice,omitempty"`
	// Whether one answer may call several times. Default true.
	ParallelToolCalls *bool `json:"parallel_tool_calls,omitempty"`
	// The most tokens of a thought before the answer; at least 0. Then it is ended.
	ReasoningBudget *int `json:"reasoning_budget,omitempty"`
	// Texts that end the answer, themselves left out; at most 16.
	Stop []string `json:"stop,omitempty"`
	// The session that answers.
	Session uint32 `json:"session,omitempty"`
}

// Absorb has a conversation or a text read without an answer, so that the
// answer costs no reading later. It is answered by progress messages and one
// done, whose read says how far it came; cancelled, what was read is kept.
type Absorb struct {
	Header
	TemplateOptions
	// The conversation so far. Either messages or prompt.
	Messages []ChatMessage `json:"messages,omitempty"`
	// A text to be continued.
	Prompt string `json:"prompt,omitempty"`
	// Control tokens that the prompt spells are control tokens, not text.
	ControlTokens bool `json:"control_tokens,omitempty"`
	// The last message is not finished: what is read ends with its content, to which more may come.
	Open bool `json:"open,omitempty"`
	// The session that reads.
	Session uint32 `json:"session,omitempty"`
}

// Save asks for a session's state, answered by one saved.
type Save struct {
	Header
	// The session.
	Session uint32 `json:"session,omitempty"`
}

// Restore puts a saved state, the attachment, in the place of a session's; a
// session of that number need not exist. It is answered by one done, or by an
// error, and then nothing has changed.
type Restore struct {
	Header
	// The session.
	Session uint32 `json:"session,omitempty"`
}

// Reset empties a session's state; a session of that number need not exist. It is
// answered by one done.
type Reset struct {
	Header
	// The session.
	Session uint32 `json:"session,omitempty"`
}

// Fork copies a session's state into another one, new or in the place of the
// one that had the number. It is answered by one done.
type Fork struct {
	Header
	// The session that is copied.
	Session uint32 `json:"session,omitempty"`
	// The number of the copy, from 1.
	Into uint32 `json:"into"`
}

// Drop gives a session's memory back, any but the first's. It is answered by one done.
type Drop struct {
	Header
	// The session; one that is not there is no fault.
	Session uint32 `json:"session"`
}

// Logits asks for the logits of every position of a sequence, from an empty
// state. It is answered by logits messages in order and one done.
type Logits struct {
	Header
	// The token ids.
	IDs []uint32 `json:"ids"`
	// Tokens per prefill step; 0 lets the engine choose.
	Chunk int `json:"chunk,omitempty"`
	// Whether the last position's logits are all that is wanted.
	Last bool `json:"last,omitempty"`
}

// Score asks how likely the model finds a sequence: the log probability of each
// token after those before it, from an empty state. It is answered by scores
// messages in order and one done.
type Score struct {
	Header
	// The token ids, two or more.
	IDs []uint32 `json:"ids"`
}

// Tokenize asks for the token ids of a text, or of a conversation as the model
// would read it. It is answered by one tokens message.
type Tokenize struct {
	Header
	TemplateOptions
	// The text.
	Text string `json:"text,omitempty"`
	// Control tokens that the text spells are control tokens, not text.
	ControlTokens bool `json:"control_tokens,omitempty"`
	// The conversation, rendered by the model's chat template. Either messages or text.
	Messages []ChatMessage `json:"messages,omitempty"`
}

// Detokenize asks for the text of token ids. It is answered by one tokens message.
type Detokenize struct {
	Header
	// The token ids.
	IDs []uint32 `json:"ids"`
}

// Bench asks for measurements: prompts of random tokens are read and continued
// from an empty state, as generate does it. It is answered by progress messages,
// one benched and one done; the session's state is dropped.
type Bench struct {
	Header
	// Tokens of a prompt.
	Prompt int `json:"prompt"`
	// Tokens to generate after it.
	Generate int `json:"generate"`
	// How often, after one run that does not count.
	Runs int `json:"runs"`
	// Of the prompt's tokens.
	Seed uint64 `json:"seed,omitempty"`
	// Whether to measure what the adapter reaches at best, too.
	Roofline bool `json:"roofline,omitempty"`
	// Whether to time each kernel, too, where the adapter has timestamps.
	Kernels bool `json:"kernels,omitempty"`
	// And those of a step of this many sequences together. Default none.
	Batch int `json:"batch,omitempty"`
	// Whether all layers run for all of a prompt's tokens, those that carry no state, too.
	EveryLayer bool `json:"every_layer,omitempty"`
	// Whether to measure instead what guesses bring where prompts have more or less of the answer in them.
	Guesses bool `json:"guesses,omitempty"`
}

// LongRun asks for one long measurement: a prompt of random tokens is read, or a
// text is written after one, by a conversation of its own. It is answered by
// progress messages, a lap wherever one was asked for, and one done.
type LongRun struct {
	Header
	// Tokens to read.
	Prompt int `json:"prompt"`
	// Tokens to write after them.
	Generate int `json:"generate,omitempty"`
	// How many sequences are written together. Default 1.
	Batch int `json:"batch,omitempty"`
	// After how many tokens to tell where the run stands, ascending: of those written, or read where none are.
	Laps []int `json:"laps"`
	// Of the prompt's tokens and of the sampler.
	Seed uint64 `json:"seed,omitempty"`
	// Whether laps bring the tokens of the first sequence, and the last one the logits that follow them.
	Trace bool `json:"trace,omitempty"`
	// Whether all layers run for all of a prompt's tokens, those that carry no state, too.
	EveryLayer bool `json:"every_layer,omitempty"`
}

// Cancel ends another request of the same connection, running or waiting. It
// has no answer of its own: a generate or an absorb ends with done and "cancelled", all else
// with the error "cancelled".
type Cancel struct {
	Header
	// The id of the request to end.
	Target uint32 `json:"target"`
}

// Progress says how far a long step is.
type Progress struct {
	Header
	// The step: "download" (from the network or the store), "pack" (the same, and what comes is packed in fewer bits), "compile", "prefill", "bench", "rebuild" after a lost device, or "connect" after a cut line to a server.
	Phase string `json:"phase"`
	// Done so far: bytes of a download, as they come, else steps or tokens.
	Loaded int64 `json:"loaded"`
	// Of how many; 0 where that is not known.
	Total int64 `json:"total"`
	// How many a second, over the last seconds; left out where that is not known.
	Rate float64 `json:"rate,omitempty"`
	// Seconds left of this step at that rate; left out where that is not known.
	SecondsLeft float64 `json:"seconds_left,omitempty"`
	// Files complete so far, or the number of the current file.
	Shard int `json:"shard,omitempty"`
	// Of how many files.
	Shards int `json:"shards,omitempty"`
	// The current file.
	File string `json:"file,omitempty"`
	// What is waited for, where that takes long: a sentence for people.
	Note string `json:"note,omitempty"`
}

// Welcome answers hello.
type Welcome struct {
	Header
	// The version that the server speaks.
	Version int `json:"version"`
	// The session's name. It is no secret: balancers may send a session's connections to one server by it.
	Session string `json:"session"`
	// What proves that a client may go on with the session.
	Secret string `json:"secret"`
	// The last request whose effect the session's state has; 0 in a new session.
	Answered uint32 `json:"answered"`
	// Seconds without a message after which the server takes the client for gone: send pings in between.
	Silence float64 `json:"silence"`
}

// Pong answers ping.
type Pong struct{ Header }

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
	// Key and value heads of an attention layer, and their width; 0 without such layers.
	KVHeads int `json:"num_key_value_heads"`
	HeadDim int `json:"head_dim"`
	// Columns of the logits.
	VocabSize int `json:"vocab_size"`
	// Whether the model has a chat template, so that it takes messages.
	Chat bool `json:"chat"`
	// Whether that takes tools, so that the model calls them.
	Tools bool `json:"tools,omitempty"`
	// Whether that knows thoughts before answers.
	Thinks bool `json:"thinks,omitempty"`
	// What computes: "webgpu", "vulkan" and so on, or "cpu".
	Backend string `json:"backend"`
	// The adapter's own name for itself.
	Adapter string `json:"adapter"`
	// Why it computes there, where there was a choice: a sentence for people.
	Reason string `json:"reason,omitempty"`
	// The adapter's features in use.
	Features []string `json:"features,omitempty"`
	// Size of one conversation's state in bytes: the same at token 1 and token 1,000,000, unless it grows.
	StateBytes int64 `json:"state_bytes"`
	// Size of a saved state in bytes, before the first token where it grows.
	SavedBytes int64 `json:"saved_bytes"`
	// What each token adds to both, in bytes: the keys and values of full attention. Without such layers nothing grows.
	StateBytesPerToken int64 `json:"state_bytes_per_token,omitempty"`
	// What tells this model's saved states from others': 64 hexadecimal digits.
	Hash string `json:"hash"`
	// What holds where a request names no setting: the model's own choice.
	Sampling Defaults `json:"sampling"`
}

// Defaults are the settings that hold where a request names none. A neutral value means that a setting is off.
type Defaults struct {
	// The most tokens of an answer.
	MaxTokens int `json:"max_tokens"`
	// As in generate.
	Temperature       float64 `json:"temperature"`
	TopP              float64 `json:"top_p"`
	TopK              int     `json:"top_k"`
	MinP              float64 `json:"min_p"`
	RepetitionPenalty float64 `json:"repetition_penalty"`
}

// Text is the next piece of an answer.
type Text struct {
	Header
	// Whole characters, never a part of one; may be empty.
	Text string `json:"text"`
	// Of an answer to messages: what the model thinks before it, which is no part of the text.
	Reasoning string `json:"reasoning,omitempty"`
	// Of an answer to messages with tools: calls that are complete now.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	// How many tokens it took.
	Tokens int `json:"tokens"`
	// Which of n answers it belongs to, from 0.
	Choice int `json:"choice,omitempty"`
	// On the last piece of an answer: why it ended, as in done.
	FinishReason string `json:"finish_reason,omitempty"`
	// Of those tokens in order, where the request asked for them.
	Logprobs []TokenLogprob `json:"logprobs,omitempty"`
}

// Logprob is a token and how likely it was, before penalties, biases and
// filters, and at temperature 1.
type Logprob struct {
	// The token's id.
	ID uint32 `json:"id"`
	// Its bytes as the answer shows them: not always whole characters; none for special tokens.
	Bytes []int `json:"bytes"`
	// The natural logarithm of its probability.
	Logprob float64 `json:"logprob"`
}

// TokenLogprob is a sampled token and the likeliest tokens in its place.
type TokenLogprob struct {
	Logprob
	// The likeliest tokens in order, as many as were asked for.
	Top []Logprob `json:"top"`
}

// Tokens answers tokenize and detokenize.
type Tokens struct {
	Header
	// The token ids.
	IDs []uint32 `json:"ids"`
	// The text.
	Text string `json:"text"`
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

// Scores carries natural logarithms of consecutive tokens' probabilities: the
// attachment holds count little-endian float32.
type Scores struct {
	Header
	// The place in ids of the first of these tokens; at least 1, since ids[0] follows nothing.
	First int `json:"first"`
	// How many tokens.
	Count int `json:"count"`
}

// Saved answers save: the attachment is the state, a file that begins with a
// header of its own.
type Saved struct {
	Header
	// Tokens in it.
	Position int `json:"position"`
	// Of the model that it belongs to, as ready has it.
	Hash string `json:"hash"`
}

// Benched carries what a bench measured.
type Benched struct {
	Header
	// The measurements, in seconds, bytes and operations.
	Report measure.BenchReport `json:"report"`
}

// Lapped says where a long run stands.
type Lapped struct {
	Header
	// The measurements until here, in seconds, bytes and operations.
	Lap measure.Lap `json:"lap"`
}

// Usage counts tokens as OpenAI's API does.
type Usage struct {
	// Tokens of the whole prompt.
	PromptTokens int `json:"prompt_tokens"`
	// Of those, how many had to be computed; the rest stood in the state.
	PrefilledTokens int `json:"prefilled_tokens"`
	// Tokens of the answer.
	CompletionTokens int `json:"completion_tokens"`
	// Of those, how many were thought before it.
	ReasoningTokens int `json:"reasoning_tokens,omitempty"`
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
	// Steps that took guesses, the tokens that they absorbed, and those that they brought: one each, and one for each right guess.
	GuessedSteps  int `json:"guessed_steps,omitempty"`
	GuessedRows   int `json:"guessed_rows,omitempty"`
	GuessedTokens int `json:"guessed_tokens,omitempty"`
}

// Done ends a request that has no answer of another kind.
type Done struct {
	Header
	// Why the answer ended: "stop", "length", "tool_calls" or "cancelled"; empty after logits.
	FinishReason string `json:"finish_reason,omitempty"`
	// Token counts.
	Usage Usage `json:"usage"`
	// Where the time went.
	Timings Timings `json:"timings"`
	// Tokens in the session's state now: the length of the context.
	Position int `json:"position"`
	// Size of that state in bytes.
	StateBytes int64 `json:"state_bytes"`
	// After absorb: how much of the last message's content, or of the prompt, the state holds, in UTF-16 units.
	Read int `json:"read,omitempty"`
}

// Error ends a request that could not be served.
type Error struct {
	Header
	// What kind of fault it was; see the Code constants.
	Code Code `json:"code"`
	// One sentence: what was got, what was wanted, what to do.
	Message string `json:"message"`
	// The field of the request that is at fault, where there is one: "temperature".
	Param string `json:"param,omitempty"`
	// With the code too_large: the bits in which the model would fit if load packed it, where there are any.
	Bits int `json:"bits,omitempty"`
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
	CodeTooLarge    Code = "too_large"    // the machine has no room for the model
	CodeBadState    Code = "bad_state"    // a saved state is damaged, of a newer version, or of another model
	CodeBusy        Code = "busy"         // the server has too much to do, or the client asks too often: ask again later
	CodeForbidden   Code = "forbidden"    // the server does not serve this client, or not this to anybody
	CodeInternal    Code = "internal"     // anything else: a fault of ours
)

// Codes lists every code, for the clients' types.
var Codes = []Code{
	CodeBadRequest, CodeNotLoaded, CodeCancelled, CodeNoWebGPU, CodeNoAdapter, CodeDeviceLost,
	CodeMissing, CodeNetwork, CodeWrongLength, CodeWrongHash, CodeBadModel, CodeTooLarge, CodeBadState, CodeBusy, CodeForbidden, CodeInternal,
}

// Message is one of this package's message structs, by pointer.
type Message interface {
	// Type is the message's name on the wire.
	Type() string
	header() *Header
}

func (*Hello) Type() string      { return "hello" }
func (*Ping) Type() string       { return "ping" }
func (*Load) Type() string       { return "load" }
func (*Generate) Type() string   { return "generate" }
func (*Logits) Type() string     { return "logits" }
func (*Score) Type() string      { return "score" }
func (*Tokenize) Type() string   { return "tokenize" }
func (*Detokenize) Type() string { return "detokenize" }
func (*Bench) Type() string      { return "bench" }
func (*LongRun) Type() string    { return "long_run" }
func (*Cancel) Type() string     { return "cancel" }
func (*Absorb) Type() string     { return "absorb" }
func (*Save) Type() string       { return "save" }
func (*Restore) Type() string    { return "restore" }
func (*Reset) Type() string      { return "reset" }
func (*Fork) Type() string       { return "fork" }
func (*Drop) Type() string       { return "drop" }
func (*Welcome) Type() string    { return "welcome" }
func (*Pong) Type() string       { return "pong" }
func (*Progress) Type() string   { return "progress" }
func (*Ready) Type() string      { return "ready" }
func (*Text) Type() string       { return "text" }
func (*LogitsRows) Type() string { return "logits" }
func (*Scores) Type() string     { return "scores" }
func (*Tokens) Type() string     { return "tokens" }
func (*Saved) Type() string      { return "saved" }
func (*Benched) Type() string    { return "benched" }
func (*Lapped) Type() string     { return "lap" }
func (*Done) Type() string       { return "done" }
func (*Error) Type() string      { return "error" }

// Kind is a row of the tables of messages: what both ends must know of a message beside its fields.
type Kind struct {
	Message        // an empty one
	UsesState bool // of requests: it reads or changes the conversation's state
	Ends      bool // of replies: it ends its request
}

// Requests are what clients send, Replies what engines and servers answer.
// A message is a struct with a Type, and a row here; then
//
//	go generate ./wasm/protocol
var (
	Requests = []Kind{
		{Message: new(Load)},
		{Message: new(Generate), UsesState: true},
		{Message: new(Logits), UsesState: true},
		{Message: new(Score), UsesState: true},
		{Message: new(Tokenize)},
		{Message: new(Detokenize)},
		{Message: new(Bench), UsesState: true},
		{Message: new(LongRun), UsesState: true},
		{Message: new(Absorb), UsesState: true},
		{Message: new(Save), UsesState: true},
		{Message: new(Restore), UsesState: true},
		{Message: new(Reset), UsesState: true},
		{Message: new(Fork), UsesState: true},
		{Message: new(Drop), UsesState: true},
		{Message: new(Cancel)},
		{Message: new(Hello)},
		{Message: new(Ping)},
	}
	Replies = []Kind{
		{Message: new(Progress)},
		{Message: new(Ready), Ends: true},
		{Message: new(Text)},
		{Message: new(LogitsRows)},
		{Message: new(Scores)},
		{Message: new(Tokens), Ends: true},
		{Message: new(Saved), Ends: true},
		{Message: new(Benched)},
		{Message: new(Lapped)},
		{Message: new(Done), Ends: true},
		{Message: new(Error), Ends: true},
		{Message: new(Welcome)},
		{Message: new(Pong)},
	}
)

// Ends tells whether a reply of that type ends its request.
func Ends(kind string) bool {
	return slices.ContainsFunc(Replies, func(k Kind) bool { return k.Type() == kind && k.Ends })
}

// UsesState tells whether requests of a type read or change the conversation's state.
func UsesState(kind string) bool {
	return slices.ContainsFunc(Requests, func(k Kind) bool { return k.Type() == kind && k.UsesState })
}

// CloseCode is why a server ends a connection, beside the WebSocket standard's own codes.
type CloseCode int

const (
	CloseElsewhere CloseCode = 4000 // the session goes on over another connection
	CloseIdle      CloseCode = 4001 // nothing was asked for long; a new connection goes on
	CloseSlow      CloseCode = 4002 // what was sent was not taken
	CloseRestart   CloseCode = 4003 // connect again: the answer is computed again from the state on disk
)

// Package model loads a model and holds conversations with it: all that a program
// needs that runs one.
//
//	text ─▶ tokenizer ─▶ ids ─▶ prefill (chunks) ─▶ decode ─▶ sampler ─▶ ids ─▶ tokenizer ─▶ text
//	                               └───── state of fixed size ─────┘
//
// Load reads a folder and gives a Model; Model.NewSession starts a Session, one
// conversation; Session.Generate answers. Model.NewPool has many sessions decoded
// together. model/README.md follows a prompt and a load through the files.
//
// The rooms. Arrows of imports go down this list alone:
//
//	model              Load, Model, Session, Pool: texts and their tokens, the decode loop
//	model/schedule     which run has the machine: a pool's turns and steps, recovery after a lost device
//	model/conversation what a session remembers of its text, and the saved state's file
//	model/machine/gpu  the graph recorded as WGSL kernels
//	model/machine/cpu  the same computed in plain Go, which the other is held to
//	model/machine      what a machine does, as the rooms above see it
//	model/guess        which tokens may come next, and whether to guess them pays
//	model/graph        layers, one file a kind of mixer: weights, steps, state; no machine
//	model/folder       a model folder's files on their way to a machine
//	model/config       config.json, and the tensors that follow from it
//	model/progress     how far long work has come
//
// Beside them: tokenizer, prompt (chat templates), dialect (how families write thoughts
// and calls of tools), grammar (what may be written, by JSON Schema), families
// (published models' folders), quant and safetensors (formats). measure (figures) and
// randomweights (models made up) are for tools; talking is for tests.
//
// The runtime's words:
//
//	run            one conversation's state on a machine, and what moves it on
//	absorbed       of a token: the state has seen it
//	pending        of a token: sampled, and not absorbed yet
//	flight         decode steps sent to the machine together, whose tokens are still to come
//	guess          a token that came next when the text went so before; a step may absorb some beside the pending one
//	row            one of the tokens of such a step, or a sequence's in a batch's step
//	rewind         to undo what flights did beyond a token
//	bookmark       a copy of a run's state within the machine, for several answers to one prompt
//	absorbed text  the text that a state stands for, known by digests; a prompt that begins with it goes on from there
//	saved state    a state as a file, the same from every machine
//	replay log     how recovery comes to a state again: a copy of one, and what was absorbed since
//	pool           many sessions that share the machine
//	batch, place   sequences that are decoded together, a token each in a step; a place is one's part of the batch's arrays
//	slot           how many places a pool has, as its users count them; a position of a KV ring, as kernels do
//	turn           a stretch of time in which one session of a pool has the machine alone
//	room           positions that full attention's keys and values hold; they double
//	trial          a device's self-test: random layers computed on both machines
//	lease          the server's: what one request has taken of its quota of bytes (tools/server)
//	checkpoint     published or trained weights before they become a folder (tools/convert)
//
// After the papers (Samba, arXiv 2406.07522; Mamba, arXiv 2312.00752):
//
//	d_model      width of the residual stream x
//	d_inner      Mamba's channels, expand * d_model
//	d_state      SSM states per channel, N
//	dt           Mamba's step size Δ, from a projection of rank dt_rank
//	A, B, C, D   the SSM's parameters; A_log as stored, A = -exp(A_log)
//	z            the gate
//	ssm_state    h [d_inner, d_state], carried from token to token
//	conv_state   the last d_conv-1 inputs of the causal convolution
//	window       keys that a query sees, its own included
//	kv_ring      keys and values of the last positions, position p at p % ring
//	pos          absolute position, counted from the conversation's first token
//	chunk        tokens that prefill takes at once
package model

// Package model is Samba itself: its shape, its weights, its graph, the state
// of a conversation, and the loop that turns a prompt into text.
//
//	text ─▶ tokenizer ─▶ ids ─▶ prefill (chunks) ─▶ decode ─▶ sampler ─▶ ids ─▶ tokenizer ─▶ text
//	                               └───── state of fixed size ─────┘
//
// One graph (forward.go) runs on two machines: machine_gpu.go records it as a
// program of WGSL kernels, machine_cpu.go computes it at once on the processor and
// is what the other is held to.
//
// Glossary, after the papers (Samba, arXiv 2406.07522; Mamba, arXiv 2312.00752):
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
//	room         positions that full attention's keys and values hold; they double
//	pos          absolute position, counted from the conversation's first token
//	chunk        tokens that prefill takes at once
//	absorbed     of a token: the state has seen it
//	pending      of a token: sampled, and not absorbed yet
//	batch        sequences that are decoded together, a token each in a step
//	place        a sequence's part of a batch's arrays
package model

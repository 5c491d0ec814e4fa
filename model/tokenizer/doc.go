// Package tokenizer turns text into token ids and back, as a Hugging Face
// tokenizer.json says.
//
//	text ─▶ added tokens ─▶ normalizer ─▶ added tokens ─▶ pre-tokenizer ─▶ BPE merges ─▶ template ─▶ ids
//	        (raw text)      (NFC, "▁")    (normalized)    (words, bytes)                 (<s> ... )
//	ids ─▶ token texts ─▶ decoder stages (byte alphabet, byte fallback, "▁" → " ", strip) ─▶ text
//
// It reads BPE models: byte-level ones (GPT-2, Llama 3, Qwen, Phi, and ours)
// and SentencePiece conversions with byte fallback (Llama 2, Mistral, Gemma).
// What a file asks for beyond that is refused by name when it is parsed, never
// ignored: an id that differs from the Rust tokenizers' is a bug.
//
// Tables are flat slices without pointers, so that a vocabulary of 200,000
// tokens costs Go's garbage collector nothing in the browser.
package tokenizer

// Package progress says how far a long piece of work has come.
package progress

// Progress is how far a long piece of work has come: the one form in which the
// page, the tools and the library hear of it.
type Progress struct {
	Phase       string  `json:"phase"`        // one of the Phase constants
	Loaded      int64   `json:"loaded"`       // bytes; tokens while reading the prompt
	Total       int64   `json:"total"`        // 0: not known
	Rate        float64 `json:"rate"`         // of the last seconds, per second; 0: not known
	SecondsLeft float64 `json:"seconds_left"` // of this phase at that rate; 0: not known
	Shard       int     `json:"shard"`        // shards that have arrived
	Shards      int     `json:"shards"`
	File        string  `json:"file"` // the current file
	Note        string  `json:"note"` // what is waited for, where that takes long: a sentence for people
}

// The phases, in order.
const (
	PhaseDownload = "download" // weights come from the network or the store, and go to the machine
	PhasePack     = "pack"     // the same, and what comes is packed in fewer bits
	PhaseCompile  = "compile"  // kernels are prepared
	PhasePrefill  = "prefill"  // a prompt is read
	PhaseRebuild  = "rebuild"  // after a lost device the conversation is computed again
	PhaseBench    = "bench"    // measurements: passes done
)

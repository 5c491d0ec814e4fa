// Package sampling is the one table of the settings by which an answer's tokens
// are chosen: name, range, neutral value and text of each. Requests are checked
// by it, and the command's flags, the chat page's form, the library's types and
// its README are made from it.
//
// A new setting is a field of Settings, a row of Table at the same place, a field
// of model.Sampling and what the sampler does with it; then
//
//	go generate ./wasm/protocol
package sampling

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"strings"
)

// Settings are what a request sets. What is nil is left to the model.
type Settings struct {
	Temperature       *float64           `json:"temperature,omitempty"`
	TopP              *float64           `json:"top_p,omitempty"`
	TopK              *int               `json:"top_k,omitempty"`
	MinP              *float64           `json:"min_p,omitempty"`
	RepetitionPenalty *float64           `json:"repetition_penalty,omitempty"`
	PresencePenalty   *float64           `json:"presence_penalty,omitempty"`
	FrequencyPenalty  *float64           `json:"frequency_penalty,omitempty"`
	LogitBias         map[uint32]float64 `json:"logit_bias,omitempty"`
	MaxTokens         *int               `json:"max_tokens,omitempty"`
	N                 *int               `json:"n,omitempty"`
	Seed              *uint64            `json:"seed,omitempty"`
	Guesses           *int               `json:"guesses,omitempty"`
}

// Setting is a row of the table.
type Setting struct {
	Name      string
	Low, High float64
	Above     bool     // more than Low; Low itself is not allowed
	Whole     bool     // a whole number
	Each      bool     // not one number, but one for each of some tokens
	Neutral   *float64 // the value at which the setting does nothing; nil: there is none
	Default   *float64 // what holds where neither the request nor the model names one; nil: it has no such value
	Folder    bool     // a model's generation_config.json may name it
	Flag      bool     // the command's sampler has a flag for it
	Text      string   // what it does, for those who program
	Title     string   // what the chat page calls it; empty: it has no such field
	Hint      string   // what the chat page says of it; empty: as Text
}

// DefaultTokens is how long an answer may become where a request does not say.
const DefaultTokens = 1024

// MostGuesses is how many tokens a step absorbs at most beside the one that was drawn last.
const MostGuesses = 7

// MaxSeed is the highest seed: what JavaScript's numbers hold exactly.
const MaxSeed = 1<<53 - 1

// Table has a row for each field of Settings, in that order.
var Table = []Setting{
	{Name: "temperature", Low: 0, High: 100, Neutral: new(1.0), Folder: true, Flag: true,
		Text:  "Divides the logits before sampling; 0 takes the likeliest token always",
		Title: "Temperature", Hint: "0 takes the likeliest token always; higher is livelier"},
	{Name: "top_p", Low: 0, High: 1, Above: true, Neutral: new(1.0), Folder: true, Flag: true,
		Text: "Keeps the likeliest tokens that together reach this probability", Title: "Top p"},
	{Name: "top_k", Low: 0, High: 1 << 20, Whole: true, Neutral: new(0.0), Folder: true, Flag: true,
		Text: "Keeps this many of the likeliest tokens; 0 keeps all", Title: "Top k"},
	{Name: "min_p", Low: 0, High: 1, Neutral: new(0.0), Folder: true, Flag: true,
		Text: "Drops tokens less likely than this share of the likeliest one", Title: "Min p"},
	{Name: "repetition_penalty", Low: 0.01, High: 100, Neutral: new(1.0), Folder: true, Flag: true,
		Text:  "Divides the score of tokens that were there already; 1 leaves them alone",
		Title: "Repetition penalty", Hint: "Above 1, words that were there already become less likely"},
	{Name: "presence_penalty", Low: -2, High: 2, Neutral: new(0.0), Flag: true,
		Text: "Taken from the score of tokens that the answer has already"},
	{Name: "frequency_penalty", Low: -2, High: 2, Neutral: new(0.0), Flag: true,
		Text: "Taken from a token's score once for each time that the answer has it"},
	{Name: "logit_bias", Low: -100, High: 100, Each: true, Neutral: new(0.0),
		Text: "Added to the scores of these tokens, by id"},
	{Name: "max_tokens", Low: 1, High: 1 << 30, Whole: true, Default: new(float64(DefaultTokens)),
		Text: "The most tokens to generate", Title: "Longest answer", Hint: "In tokens"},
	{Name: "n", Low: 1, High: 128, Whole: true, Neutral: new(1.0), Default: new(1.0),
		Text: "How many answers to give, one after another; the seed counts up from one to the next"},
	{Name: "seed", Low: 0, High: MaxSeed, Whole: true,
		Text:  "The same seed gives the same text; left out: drawn at random",
		Title: "Seed", Hint: "The same seed gives the same answer"},
	{Name: "guesses", Low: 0, High: MostGuesses, Whole: true, Neutral: new(0.0), Default: new(float64(MostGuesses)), Flag: true,
		Text: "The most tokens that a step guesses ahead from the text so far, where that is quicker; the answer is the same"},
}

// Named is the row of a setting, which must be in the table.
func Named(name string) *Setting {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i]
		}
	}
	panic("sampling: there is no setting " + name)
}

// OrOff is a setting as requests have it: its neutral value for the 0 that stands for
// "off" in our structs and in some models' folders.
func OrOff(name string, v float64) float64 {
	if v == 0 {
		return *Named(name).Neutral
	}
	return v
}

// Allows tells whether a number is within the range.
func (s *Setting) Allows(v float64) bool {
	return v >= s.Low && v <= s.High && (!s.Above || v > s.Low) && (!s.Whole || v == math.Trunc(v))
}

// Wanted is the range as errors name it: "0 to 100".
func (s *Setting) Wanted() string {
	low, high := decimal(s.Low), decimal(s.High)
	switch {
	case s.Above:
		return fmt.Sprintf("above %s and at most %s", low, high)
	case s.High == MaxSeed:
		return "at most " + high
	}
	return low + " to " + high
}

// Range is the range as texts name it, where large powers of two are easier to read: "0 to 2^20".
func (s *Setting) Range() string {
	high := decimal(s.High)
	if s.High >= 1<<16 {
		if high = fmt.Sprintf("2^%d", bits.Len64(uint64(s.High)-1)); s.High == MaxSeed {
			high += " - 1"
		}
	}
	switch {
	case s.Above:
		return fmt.Sprintf("above %s, at most %s", decimal(s.Low), high)
	case s.Each:
		return fmt.Sprintf("each %s to %s", decimal(s.Low), high)
	}
	return decimal(s.Low) + " to " + high
}

// Sentence is the text with range and default, for types and flags.
func (s *Setting) Sentence() string {
	text := s.Text + "; " + s.Range() + "."
	if s.Default != nil {
		text += " Default " + decimal(*s.Default) + "."
	}
	return text
}

// FlagName is the setting's name on the command line: "top-p".
func (s *Setting) FlagName() string { return strings.ReplaceAll(s.Name, "_", "-") }

// Usage is what the command says of its flag.
func (s *Setting) Usage() string {
	return strings.ToLower(s.Text[:1]) + s.Text[1:] + "; " + s.Range()
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Check finds the first setting that is out of range: its name, and what is wrong as
// the rest of a sentence that begins with it. Both are empty where nothing is.
func (s *Settings) Check() (name, wrong string) {
	for i := range Table {
		row, field := &Table[i], reflect.ValueOf(s).Elem().Field(i)
		switch {
		case field.IsNil():
		case row.Each:
			for token, v := range field.Interface().(map[uint32]float64) {
				if !row.Allows(v) {
					return fmt.Sprintf("%s[%d]", row.Name, token), fmt.Sprintf(" is %v, want %s", v, row.Wanted())
				}
			}
		case !row.Allows(number(field.Elem())):
			return row.Name, fmt.Sprintf(" is %v, want %s", field.Elem(), row.Wanted())
		}
	}
	return "", ""
}

func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

// Set sets one of the numbers by its name, which must be in the table; it need not be in the range.
func (s *Settings) Set(name string, v float64) {
	for i := range Table {
		if Table[i].Name != name {
			continue
		}
		switch field := reflect.ValueOf(s).Elem().Field(i).Addr().Interface().(type) {
		case **float64:
			*field = &v
		case **int:
			*field = new(int(v))
		case **uint64:
			*field = new(uint64(v))
		}
	}
}

// OfFolder reads what a generation_config.json says of the settings that a model may name.
func OfFolder(config []byte) (s Settings, err error) {
	var given, known = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal(config, &given); err != nil {
		return s, err
	}
	for _, row := range Table {
		if value, ok := given[row.Name]; ok && row.Folder {
			known[row.Name] = value
		}
	}
	text, err := json.Marshal(known)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s, err
}

package sampling

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// Every field has its row, at the same place, and every row is complete.
func TestTable(t *testing.T) {
	fields := reflect.TypeFor[Settings]()
	if fields.NumField() != len(Table) {
		t.Fatalf("%d fields, %d rows", fields.NumField(), len(Table))
	}
	for i, row := range Table {
		if name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ","); name != row.Name {
			t.Errorf("row %d is of %s, field %d of %s", i, row.Name, i, name)
		}
		if row.Low >= row.High || row.Text == "" || strings.HasSuffix(row.Text, ".") || strings.HasSuffix(row.Hint, ".") {
			t.Errorf("%s: range %v to %v, text %q, hint %q", row.Name, row.Low, row.High, row.Text, row.Hint)
		}
		for _, v := range []*float64{row.Neutral, row.Default} {
			if v != nil && !row.Allows(*v) {
				t.Errorf("%s: its range does not allow %v", row.Name, *v)
			}
		}
		if kind := fields.Field(i).Type.Kind(); row.Each != (kind == reflect.Map) || row.Each && (row.Flag || row.Title != "") {
			t.Errorf("%s is a %v", row.Name, kind)
		}
	}
}

// Both ends of each range are allowed, and what is just beyond them is refused by the setting's name.
func TestCheck(t *testing.T) {
	for _, row := range Table {
		if row.Each {
			continue
		}
		step := 1.0
		if !row.Whole {
			step = 1e-6
		}
		low := row.Low
		if row.Above {
			low = math.SmallestNonzeroFloat64
		}
		for v, good := range map[float64]bool{low: true, row.High: true, row.Low - step: false, row.High + step: false} {
			var s Settings
			if row.Name == "seed" && v < 0 {
				continue // which no such field can hold
			}
			s.Set(row.Name, v)
			name, wrong := s.Check()
			if good && name != "" || !good && (name != row.Name || !strings.HasSuffix(wrong, ", want "+row.Wanted())) {
				t.Errorf("%s of %v: %q%q", row.Name, v, name, wrong)
			}
		}
	}
	for v, want := range map[float64]string{100: "", -100: "", 101: "logit_bias[7] is 101, want -100 to 100"} {
		s := Settings{LogitBias: map[uint32]float64{7: v}}
		if name, wrong := s.Check(); name+wrong != want {
			t.Errorf("%q, want %q", name+wrong, want)
		}
	}
}

func TestTexts(t *testing.T) {
	for name, want := range map[string]string{
		"top_p":      "Keeps the likeliest tokens that together reach this probability; above 0, at most 1.",
		"max_tokens": "The most tokens to generate; 1 to 2^30. Default 1024.",
		"seed":       "The same seed gives the same text; left out: drawn at random; 0 to 2^53 - 1.",
		"logit_bias": "Added to the scores of these tokens, by id; each -100 to 100.",
	} {
		if got := Named(name).Sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Named("seed").Wanted(); got != "at most 9007199254740991" {
		t.Error(got)
	}
}

// A folder's file says of the sampler what a folder may say, and other things.
func TestOfFolder(t *testing.T) {
	s, err := OfFolder([]byte(`{"top_k":40,"min_p":null,"temperature":0.6,"seed":"none","presence_penalty":1,"eos_token_id":[1,2]}`))
	if err != nil || s.TopK == nil || *s.TopK != 40 || *s.Temperature != 0.6 || s.MinP != nil || s.PresencePenalty != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := OfFolder([]byte(`{"top_p":"high"}`)); err == nil {
		t.Error("top_p is a string, and nothing is said")
	}
}

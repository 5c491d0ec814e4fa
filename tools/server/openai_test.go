package server

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/wasm/protocol"
)

// conformance is a case of wasm/protocol/testdata/openai, which the library runs as
// well (www/test/openai.unit.ts): what a request becomes, or by which field's name
// it is refused. One with both is made into a message, which the engine refuses.
type conformance struct {
	About, Path string
	Request     json.RawMessage
	Becomes     map[string]any
	Refused     string
}

func conformances(t *testing.T) (all []conformance) {
	t.Helper()
	files, err := filepath.Glob("../../wasm/protocol/testdata/openai/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		var cases []conformance
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &cases)
		}
		if err != nil {
			t.Fatal(file, err)
		}
		all = append(all, cases...)
	}
	return all
}

// asked makes a request into the engine's message, as far as it comes to one, and
// tells the field at fault.
func asked(t *testing.T, c conformance) (message map[string]any, refused string) {
	t.Helper()
	var into completionRequest = new(chatRequest)
	if c.Path == "completions" {
		into = new(textRequest)
	}
	body := httptest.NewRequest(http.MethodPost, "/v1/"+c.Path, strings.NewReader(string(c.Request)))
	_, failure := readBody(httptest.NewRecorder(), body, 1<<16, &lease{of: newQuota(1<<20, 1, 1)}, into)
	var g *protocol.Generate
	if failure == nil {
		g, failure = into.generate()
	}
	if failure != nil {
		return nil, failure.Param
	}
	frame, err := protocol.Encode(1, g, nil)
	if err == nil {
		err = json.Unmarshal(frame.JSON, &message)
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(message, "type")
	delete(message, "id")
	if _, _, err := protocol.DecodeRequest(frame); err != nil {
		refused = protocol.FieldOf(err)
	}
	return message, refused
}

func TestOpenAI(t *testing.T) {
	for _, c := range conformances(t) {
		message, refused := asked(t, c)
		if refused != c.Refused && !strings.HasPrefix(refused, c.Refused+"[") {
			t.Errorf("%s: %s: %q is named, want %q", c.About, c.Request, refused, c.Refused)
		}
		if message != nil && c.Becomes != nil {
			if diff := cmp.Diff(c.Becomes, message); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", c.About, c.Request, diff)
			}
		}
		if message == nil && c.Refused == "" || c.Becomes == nil && c.Refused == "" {
			t.Errorf("%s: %s: nothing becomes of it, or nothing is asked of it", c.About, c.Request)
		}
	}
}

// Each setting stands at both ends of its range in a request that is taken, and beyond them in one that is not.
func TestOpenAIRanges(t *testing.T) {
	given := map[string][]float64{} // the values by name, and those refused by name and "!"
	for _, c := range conformances(t) {
		for name, value := range c.Becomes {
			if biases, ok := value.(map[string]any); ok {
				value = biases["7"]
			}
			if v, ok := value.(float64); ok && c.Refused == "" {
				given[name] = append(given[name], v)
			} else if ok && c.Refused == name {
				given[name+"!"] = append(given[name+"!"], v)
			}
		}
	}
	for _, s := range sampling.Table {
		low, high, under, over := math.Inf(1), math.Inf(-1), false, false
		for _, v := range given[s.Name] {
			low, high = min(low, v), max(high, v)
		}
		for _, v := range given[s.Name+"!"] {
			under, over = under || v < s.Low || s.Above && v == s.Low, over || v > s.High
		}
		if low > s.Low && !s.Above || high != s.High || !under || !over {
			t.Errorf("%s of %s: cases from %v to %v, refused below it: %v, above it: %v", s.Name, s.Range(), low, high, under, over)
		}
	}
}

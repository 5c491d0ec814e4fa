package hub

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What the list says of models whose folders have been measured: sizes to a percent
// or two (a folder has a tokenizer, too), states and growth as they were computed by hand.
func TestCatalog(t *testing.T) {
	var list struct {
		Address string
		Models  []Entry
		Types   []string
	}
	if err := json.Unmarshal(Catalog("https://hub.example"), &list); err != nil || list.Address != "https://hub.example" {
		t.Fatal(err, list.Address)
	}
	if !slices.Contains(list.Types, "granitemoehybrid") || !slices.Contains(list.Types, "samba") {
		t.Errorf("pages search for models of %v, want every family's", list.Types)
	}
	for id, want := range map[string]struct {
		packed        float64
		state, growth int64
	}{
		"ibm-granite/granite-4.0-h-350m":   {201_778_438, 22_600_000, 4 << 10},
		"ibm-granite/granite-4.0-h-1b":     {833_197_077, 58_000_000, 8 << 10},
		"ibm-granite/granite-4.0-h-micro":  {1_806_622_893, 77_000_000, 8 << 10},
		"ai21labs/AI21-Jamba-Reasoning-3B": {1_740_000_000, 10_100_000, 1 << 10},
	} {
		at := slices.IndexFunc(list.Models, func(e Entry) bool { return e.ID == id })
		if at < 0 {
			t.Errorf("%s is not on the list", id)
			continue
		}
		e := list.Models[at]
		near := func(got, want, share float64) bool { return got > want*(1-share) && got < want*(1+share) }
		if d := e.Downloads[0]; d.Bits != 4 || !near(float64(d.Bytes), want.packed, 0.05) || !strings.HasPrefix(d.ID, "mlx-community/") {
			t.Errorf("%s: %+v, want %.0f bytes at 4 bits", id, d, want.packed)
		}
		if d := e.Downloads[1]; d.Bits != 16 || d.ID != id || d.Bytes != 2*e.Parameters {
			t.Errorf("%s: %+v, want 2 bytes a parameter as it was published", id, d)
		} else if p := d.Packed; len(p) != 2 || p[0].Bits != 8 || p[1].Bits != 4 || p[0].Bytes >= d.Bytes*6/10 || p[1].Bytes >= p[0].Bytes || p[1].Bytes < e.Downloads[0].Bytes {
			t.Errorf("%s: %+v, want what samba convert makes of it: at 4 bits a little more than MLX, whose embeddings have 4, too", id, p)
		}
		if m := e.Downloads[0].Memory; m.Growth != want.growth || !near(float64(m.State), float64(want.state), 0.02) {
			t.Errorf("%s: a state of %d bytes and %d a token, want %d and %d", id, m.State, m.Growth, want.state, want.growth)
		}
		if m := e.Downloads[1]; m.Growth != 2*want.growth || m.Packed[0].Growth != want.growth {
			t.Errorf("%s: %d bytes a token in fp32, %d where it is packed, want %d and %d", id, m.Growth, m.Packed[0].Growth, 2*want.growth, want.growth)
		}
	}
	// The keys and values of a window are part of the state: in 8 layers 512 positions of 20 heads of 64.
	phi := list.Models[slices.IndexFunc(list.Models, func(e Entry) bool { return strings.HasPrefix(e.ID, "microsoft/Phi-4") })].Downloads[0]
	if saved, want := phi.State-phi.Packed[1].State, int64(8*512*20*64*2*2); saved != want {
		t.Errorf("keys and values in fp16 save %d bytes, want %d", saved, want)
	}
	for _, e := range list.Models {
		if e.Licence == "" || e.Good == "" || e.Context == 0 || e.Parameters == 0 || len(e.Downloads) == 0 {
			t.Errorf("something is missing: %+v", e)
		}
	}
}

func TestHosts(t *testing.T) {
	if got, err := ParseHosts(append([]string{"https://hub.example/", "http://127.0.0.1:8081"}, Hosts...)); err != nil || strings.Join(got, " ") != "https://hub.example http://127.0.0.1:8081 https://huggingface.co https://*.hf.co" {
		t.Error(got, err)
	}
	for _, hosts := range [][]string{{}, {""}, {"hub.example"}, {"ftp://hub.example"}, {"https://hub.example/a"}, {"https://a;script-src"}, {"https://*.hf.co"}, {"https://a", "https://*.*.b"}, {"https://a", "https://*"},
		{"https://a", "https://u:p@b"}, {"https://a?b"}, {"https://a b"}, {"javascript://a"}} {
		if got, err := ParseHosts(hosts); err == nil {
			t.Errorf("%q are hosts: %q", hosts, got)
		}
	}
}

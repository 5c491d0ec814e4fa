package hub

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
)

// Hosts are the hub's and those that it redirects downloads to, as a
// Content-Security-Policy names them.
var Hosts = []string{Address, "https://*.hf.co"}

// ParseHosts checks what an operator allows pages to read from: origins, the hub's
// own first; of the others the first label may be *.
func ParseHosts(hosts []string) ([]string, error) {
	var origins []string
	for i, host := range hosts {
		u, err := url.Parse(host)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" ||
			strings.ContainsAny(u.Host, `;,' "`) || strings.Contains(strings.TrimPrefix(u.Host, "*."), "*") {
			return nil, fmt.Errorf("%.100q is no host: want https://HOST, such as %s", host, Address)
		}
		if i == 0 && strings.Contains(u.Host, "*") {
			return nil, fmt.Errorf("%.100q comes first, which is the hub itself: it can be no pattern", host)
		}
		origins = append(origins, u.Scheme+"://"+u.Host)
	}
	if len(origins) == 0 {
		return nil, fmt.Errorf("no host is named: want https://HOST, such as %s", Address)
	}
	return origins, nil
}

// Entry is what a page's list says of a published model, before a byte of it is fetched.
type Entry struct {
	ID         string `json:"id"`
	Parameters int64  `json:"parameters"`
	Licence    string `json:"licence"`
	Good       string `json:"good"` // what it is good at
	Chat       bool   `json:"chat"` // it answers; false: it continues texts
	Context    int    `json:"context"`

	Downloads []Download `json:"downloads"` // the smallest first
}

// Memory is what a conversation takes on a browser's GPU, which keeps keys and values
// in fp16 beside weights of 8 bits or fewer, otherwise in fp32, as the processor always does.
type Memory struct {
	State  int64 `json:"state"`  // bytes, whatever its length
	Growth int64 `json:"growth"` // bytes that a token adds
}

// Download is one folder of a model's weights.
type Download struct {
	ID    string `json:"id"`
	Bits  int    `json:"bits"`
	Bytes int64  `json:"bytes"` // of the weights, to about a percent
	Memory

	Packed []Packed `json:"packed,omitempty"` // the larger one first; none of what is packed already
}

// Packed is what a folder's weights take if they are packed while they load.
type Packed struct {
	Bits  int   `json:"bits"`
	Bytes int64 `json:"bytes"`
	Memory
}

// Catalog is the list that pages show, as JSON.
func Catalog(hub string) []byte {
	entries := []Entry{}
	for _, p := range families.Known {
		entries = append(entries, about(&p))
	}
	text, err := json.Marshal(struct {
		Address string   `json:"address"` // of the hub
		Models  []Entry  `json:"models"`
		Types   []string `json:"types"` // config.json's model_type of what runs
	}{hub, entries, families.Types()})
	if err != nil { // numbers and texts of our own
		panic(err)
	}
	return text
}

func about(p *families.Published) Entry {
	c := p.Config()
	e := Entry{ID: p.ID, Parameters: c.Parameters(), Licence: p.Licence, Good: p.Good, Chat: p.Chat, Context: p.Context}
	if p.Packed != "" {
		e.Downloads = append(e.Downloads, Download{ID: p.Packed, Bits: 4, Bytes: packedBytes(c), Memory: memory(*c, 4)})
	}
	whole := Download{ID: p.ID, Bits: 16, Bytes: 2 * e.Parameters, Memory: memory(*c, 16)}
	for _, bits := range []int{8, 4} {
		whole.Packed = append(whole.Packed, Packed{bits, model.WeightBytes(c, bits), memory(*c, bits)})
	}
	e.Downloads = append(e.Downloads, whole)
	return e
}

// memory is that of a conversation beside weights of so many bits.
func memory(c config.Config, bits int) (m Memory) {
	if bits < 16 {
		c.Quantization = &config.Quantization{Bits: bits}
	}
	m.State, m.Growth = c.StateBytes(c.HalfKeys())
	return m
}

// packedBytes is what MLX packs in 4 bits: whatever rows divide by 64, embeddings
// included; the rest keeps 16.
func packedBytes(c *config.Config) (total int64) {
	const group = 64
	for _, spec := range c.TensorSpecs() {
		n := int64(spec.Values())
		if spec.IsLinear() && spec.Shape[1]%group == 0 {
			total += n/2 + 4*n/group
		} else {
			total += 2 * n
		}
	}
	return total
}

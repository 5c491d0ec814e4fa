package model

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/samba-web/samba/model/dialect"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/prompt"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/model/tokenizer"
)

// errNoTokenizer is what is said to those who want text of a folder of weights alone.
var errNoTokenizer = errors.New("the model folder has no tokenizer.json, so it takes and gives no text: copy the original's tokenizer.json and tokenizer_config.json into it, which is all that is missing")

// readText reads what turns text into ids and back. Only config.json, whose text
// is given, and the weights are required: a model without the rest takes and
// gives ids.
func (m *Model) readText(ctx context.Context, src folder.Source, config []byte) error {
	m.defaults, m.stops = Sampling{Temperature: 0.8, TopP: 0.95, RepetitionPenalty: 1.1, Guesses: sampling.MostGuesses}, map[uint32]bool{}
	// A file that is not there is read as nothing.
	optional := func(name string) ([]byte, error) {
		data, err := src.ReadFile(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return data, err
	}
	err := errors.Join(
		m.addStops("config.json", config),
		m.readTokenizer(optional),
		m.readTemplate(optional),
		m.readGeneration(optional),
	)
	if m.template != nil {
		m.dialect = dialect.Of(m.template.Source(), func(token string) bool {
			if m.tokenizer == nil {
				return false
			}
			id, ok := m.tokenizer.ID(token)
			return ok && m.tokenizer.IsSpecial(id)
		})
	}
	return err
}

func (m *Model) readTokenizer(optional func(string) ([]byte, error)) error {
	data, err := optional("tokenizer.json")
	if data == nil {
		return err
	}
	if m.tokenizer, err = tokenizer.Parse(data); err != nil {
		return err
	}
	if m.tokenizer.VocabSize() > m.config.VocabSize {
		return fmt.Errorf("tokenizer.json: %d tokens, but config.json's vocab_size is %d", m.tokenizer.VocabSize(), m.config.VocabSize)
	}
	return nil
}

// readTemplate reads the chat template, which stands in tokenizer_config.json
// or, in folders of 2025 and later, in a file of its own. That one is only asked
// for where the other has none: a web server is not asked for what is not there.
func (m *Model) readTemplate(optional func(string) ([]byte, error)) error {
	config, err := optional("tokenizer_config.json")
	if err != nil {
		return err
	}
	if m.template, err = prompt.ParseConfig(config, nil); err != nil {
		return fmt.Errorf("tokenizer_config.json: %w", err)
	}
	if m.template != nil {
		return nil
	}
	jinja, err := optional(prompt.File)
	if jinja == nil {
		return err
	}
	if m.template, err = prompt.ParseConfig(config, jinja); err != nil {
		return fmt.Errorf("%s: %w", prompt.File, err)
	}
	return nil
}

// addStops takes the tokens that end a text from a config.json or a generation_config.json.
func (m *Model) addStops(name string, data []byte) error {
	ids, err := tokenizer.EndTokens(families.Plain(data))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, id := range ids {
		m.stops[id] = true
	}
	return nil
}

func (m *Model) readGeneration(optional func(string) ([]byte, error)) error {
	const name = "generation_config.json"
	data, err := optional(name)
	if data == nil {
		return err
	}
	given, err := sampling.OfFolder(families.Plain(data))
	if err != nil {
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "json: "))
	}
	m.defaults = m.defaults.With(given)
	if err := m.defaults.Validate(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return m.addStops(name, data)
}

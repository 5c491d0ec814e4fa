package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/samba-web/samba/model/sampling"
)

// ofSettings writes the table of settings.
func ofSettings() []byte {
	w := &writer{}
	w.line("// Generated from model/sampling by go generate ./wasm/protocol; do not edit.")
	types := reflect.TypeFor[sampling.Settings]()
	w.comment("", "How an answer's tokens are chosen. What is left out is the model's own.")
	w.line("export interface Settings {")
	for i, s := range sampling.Table {
		w.comment("  ", s.Sentence())
		w.line("  %s?: %s;", s.Name, typeScript(types.Field(i).Type))
	}
	w.line("}")
	w.comment("", "The same in camel case.")
	w.line("export interface CamelSettings {")
	for i, s := range sampling.Table {
		w.comment("  ", s.Sentence())
		w.line("  %s?: %s | undefined;", camel(s.Name), typeScript(types.Field(i).Type))
	}
	w.line("}")
	w.comment("", "Settings by their names in camel case.")
	w.line("export const camelSettings = {")
	for _, s := range sampling.Table {
		w.line("  %s: %q,", camel(s.Name), s.Name)
	}
	w.line("} as const satisfies Record<keyof CamelSettings, keyof Settings>;")
	w.comment("", "The settings that are one number each.")
	w.line("export const numbers = [")
	for _, s := range sampling.Table {
		if !s.Each {
			w.line("  %q,", s.Name)
		}
	}
	w.line("] as const;")
	w.comment("", "The settings that the chat page has a field for.")
	w.line("export const shown = [")
	for _, s := range sampling.Table {
		if s.Title != "" {
			w.line("  %q,", s.Name)
		}
	}
	w.line("] as const;")
	w.line(`
/** What a setting's value may be, and how it is called. */
export interface Setting {
  /** The least and the most that is allowed. */
  low: number;
  high: number;
  /** More than low; low itself is not allowed. */
  above?: boolean;
  /** A whole number. */
  whole?: boolean;
  /** What the chat page calls it, where that has a field for it. */
  title?: string;
  /** What the chat page says of it. */
  hint?: string;
}

/** The range of each setting, and what the chat page says of it. */
export const settings: Record<keyof Settings, Setting> = {`)
	for _, s := range sampling.Table {
		w.line("  %s: {", s.Name)
		w.line("    low: %s,\n    high: %s,", plain(s.Low), plain(s.High))
		if s.Above {
			w.line("    above: true,")
		}
		if s.Whole {
			w.line("    whole: true,")
		}
		if s.Title != "" {
			hint := s.Hint
			if hint == "" {
				hint = s.Text
			}
			w.line("    title: %q,\n    hint: %q,", s.Title, hint+".")
		}
		w.line("  },")
	}
	w.line("};")
	w.line(`
/** Whether a setting's value is within its range. */
export function allows({ low, high, above, whole }: Setting, value: unknown): boolean {
  return (
    typeof value === "number" &&
    value >= low &&
    value <= high &&
    !(above && value === low) &&
    !(whole && !Number.isSafeInteger(value))
  );
}`)
	return w.Bytes()
}

// plain is a number as JavaScript has it.
func plain(v float64) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

const (
	tableBegins = "<!-- The settings, by go generate ./wasm/protocol. -->\n\n"
	tableEnds   = "\n<!-- The end of the settings. -->"
)

// withTable is a Markdown text with the settings' table in its place.
func withTable(text []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(text, []byte(tableBegins))
	_, after, found := bytes.Cut(rest, []byte(tableEnds))
	if !ok || !found {
		return nil, errors.New("the lines are missing between which the table of settings stands")
	}
	rows := [][4]string{{"setting", "range", "off", ""}}
	for _, s := range sampling.Table {
		does := s.Text
		if s.Default != nil {
			does += fmt.Sprintf("; default %v", *s.Default)
		}
		off := ""
		if s.Neutral != nil {
			off = plain(*s.Neutral)
		}
		rows = append(rows, [4]string{"`" + s.Name + "`", s.Range(), off, does})
	}
	var widths [4]int
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b bytes.Buffer
	for i, row := range rows {
		for at, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", widths[at], cell)
		}
		b.WriteString("|\n")
		if i == 0 {
			for _, n := range widths {
				b.WriteString("| " + strings.Repeat("-", n) + " ")
			}
			b.WriteString("|\n")
		}
	}
	return bytes.Join([][]byte{before, []byte(tableBegins), b.Bytes(), []byte(tableEnds), after}, nil), nil
}

// Command typescript writes what Go and TypeScript both know of requests, so that
// it has one source: the protocol's messages (messages.go) as types, and the
// sampler's settings (model/sampling) as types, ranges and texts, and as a table
// in the library's README.
//
//	go generate ./wasm/protocol
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/wasm/protocol"
)

func main() {
	root := flag.String("root", "../..", "the repository's folder")
	flag.Parse()
	files, err := generate(*root)
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(*root, name), text, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "typescript:", err)
		os.Exit(1)
	}
}

// generate returns the files by their place in the repository.
func generate(root string) (map[string][]byte, error) {
	messages, err := ofMessages(filepath.Join(root, "wasm/protocol/messages.go"))
	if err != nil {
		return nil, err
	}
	const readme = "www/README.md"
	text, err := os.ReadFile(filepath.Join(root, readme))
	if err == nil {
		text, err = withTable(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", readme, err)
	}
	return map[string][]byte{"www/engine/protocol.ts": messages, "www/engine/settings.ts": ofSettings(), readme: text}, nil
}

// ofMessages reads the doc comments from the Go file and the types by reflection.
func ofMessages(file string) ([]byte, error) {
	docs, err := readDocs(file)
	if err != nil {
		return nil, err
	}
	w := &writer{docs: docs, seen: map[reflect.Type]bool{}, names: map[string]reflect.Type{}}
	w.line("// Generated from wasm/protocol by go generate; do not edit.")
	w.line("import type { Settings } from \"./settings.ts\";")
	var codes []string
	for _, c := range protocol.Codes {
		codes = append(codes, fmt.Sprintf("  | %q", c))
	}
	w.comment("", docs["ProtocolVersion"])
	w.line("export const PROTOCOL_VERSION = %d;", protocol.ProtocolVersion)
	w.comment("", "What a message may have at most.")
	w.line("export const MAX_MESSAGE_BYTES = %d;", protocol.MaxMessageBytes)
	w.comment("", docs["CloseCode"])
	w.line("export const closeCodes = {")
	for _, c := range []struct {
		name string
		code protocol.CloseCode
	}{{"Elsewhere", protocol.CloseElsewhere}, {"Idle", protocol.CloseIdle}, {"Slow", protocol.CloseSlow}, {"Restart", protocol.CloseRestart}} {
		w.comment("  ", docs["Close"+c.name])
		w.line("  %s: %d,", strings.ToLower(c.name), c.code)
	}
	w.line("} as const;")
	w.comment("", "How a saved state begins, and where its header's parts stand; model/conversation/file.go has the layout.")
	w.line("export const savedState = {\n  magic: %q,\n  version: %d,\n  bytes: %d,", conversation.Magic, conversation.FormatVersion, conversation.HeaderBytes)
	w.line("  at: { version: %d, payload: %d, position: %d, model: %d, sum: %d },\n} as const;",
		conversation.AtVersion, conversation.AtPayload, conversation.AtPosition, conversation.AtModel, conversation.AtSum)
	w.comment("", docs["Code"])
	w.line("export type Code =\n%s;", strings.Join(codes, "\n"))
	requests, replies := w.messages(protocol.Requests), w.messages(protocol.Replies)
	w.comment("", "What a client sends.")
	w.line("export type Request = %s;", strings.Join(requests, " | "))
	w.comment("", "What an engine answers.")
	w.line("export type Reply = %s;", strings.Join(replies, " | "))
	w.set("ending", "Reply", "Replies that end their request.", protocol.Replies, func(k protocol.Kind) bool { return k.Ends })
	w.set("stateful", "Request", "Requests that read or change the conversation's state.", protocol.Requests, func(k protocol.Kind) bool { return k.UsesState })
	w.set("ofSession", "Request", "Requests that are one session's, the first's if they name none.", protocol.Requests, namesSession)
	return w.Bytes(), nil
}

// readDocs returns the comments of types ("Load"), fields ("Load.URL") and constants ("CloseIdle").
func readDocs(file string) (map[string]string, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	pkg, err := doc.NewFromFiles(set, []*ast.File{parsed}, "protocol", doc.PreserveAST)
	if err != nil {
		return nil, err
	}
	docs := map[string]string{}
	constants := func(list []*doc.Value) {
		for _, group := range list {
			for _, spec := range group.Decl.Specs {
				value := spec.(*ast.ValueSpec)
				text := strings.TrimSpace(value.Comment.Text())
				if text == "" {
					text = strings.TrimSpace(group.Doc)
				}
				for _, name := range value.Names {
					docs[name.Name] = text
				}
			}
		}
	}
	constants(pkg.Consts)
	for _, t := range pkg.Types {
		constants(t.Consts)
		docs[t.Name] = strings.TrimSpace(t.Doc)
		fields, ok := t.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				docs[t.Name+"."+name.Name] = strings.TrimSpace(f.Doc.Text())
			}
		}
	}
	return docs, nil
}

type writer struct {
	bytes.Buffer
	docs  map[string]string
	seen  map[reflect.Type]bool
	names map[string]reflect.Type
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) comment(indent, text string) {
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	if indent == "" {
		w.line("")
	}
	if len(lines) == 1 {
		w.line("%s/** %s */", indent, text)
		return
	}
	w.line("%s/**", indent)
	for _, l := range lines {
		w.line("%s * %s", indent, l)
	}
	w.line("%s */", indent)
}

// set writes the names of some messages.
func (w *writer) set(name, of, about string, kinds []protocol.Kind, has func(protocol.Kind) bool) {
	var names []string
	for _, k := range kinds {
		if has(k) {
			names = append(names, fmt.Sprintf("%q", k.Type()))
		}
	}
	w.comment("", about)
	w.line("export const %s: ReadonlySet<%s[\"type\"]> = new Set<%s[\"type\"]>([%s]);", name, of, of, strings.Join(names, ", "))
}

// namesSession tells whether a request has a session that may be left out.
func namesSession(k protocol.Kind) bool {
	f, ok := reflect.TypeOf(k.Message).Elem().FieldByName("Session")
	return ok && f.Type.Kind() == reflect.Uint32 && strings.HasSuffix(string(f.Tag), `,omitempty"`)
}

// messages writes an interface for each message and all that it is made of,
// and returns the names.
func (w *writer) messages(list []protocol.Kind) []string {
	var names []string
	for _, m := range list {
		t := reflect.TypeOf(m.Message).Elem()
		w.structure(t, m.Type())
		names = append(names, t.Name())
	}
	return names
}

func (w *writer) structure(t reflect.Type, kind string) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	if other := w.names[t.Name()]; other != nil {
		panic(fmt.Sprintf("%v and %v would be one interface in TypeScript", other, t))
	}
	w.names[t.Name()] = t
	for i := range t.NumField() {
		inner := t.Field(i).Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[sampling.Settings]() {
			w.structure(inner, "")
		}
	}
	w.comment("", w.docs[t.Name()])
	extends := ""
	for i := range t.NumField() {
		switch f := t.Field(i); {
		case !f.Anonymous:
		case extends == "":
			extends = " extends " + f.Name
		default:
			extends += ", " + f.Name
		}
	}
	w.line("export interface %s%s {", t.Name(), extends)
	if kind != "" {
		w.line("  type: %q;", kind)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if strings.Contains(options, "omitempty") {
			name += "?"
		}
		w.comment("  ", w.docs[t.Name()+"."+f.Name])
		w.line("  %s: %s;", name, typeScript(f.Type))
	}
	w.line("}")
}

func typeScript(t reflect.Type) string {
	if t == reflect.TypeFor[json.RawMessage]() {
		return "unknown"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeScript(t.Elem())
	case reflect.Map: // JSON's keys are strings
		return "Record<string, " + typeScript(t.Elem()) + ">"
	case reflect.Slice:
		return typeScript(t.Elem()) + "[]"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		if t.Name() == "Code" {
			return "Code"
		}
		return "string"
	case reflect.Struct:
		return t.Name()
	}
	return "number"
}

//go:build js

package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"syscall/js"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/wasm/protocol"
)

// served is a model folder on a web server, read by the worker. Weights stay
// JavaScript's: Go only passes them on to the GPU.
type served struct {
	worker js.Value
	base   *url.URL // ends with a slash
}

func newFolder(worker js.Value, address string) (*served, error) {
	base, err := protocol.FolderURL(address)
	if err != nil {
		return nil, err
	}
	return &served{worker, base}, nil
}

func (f *served) String() string { return f.base.String() }

// address is where a file of the folder is. Names come from the model's index,
// so they are not trusted: one that leads elsewhere is refused.
func (f *served) address(name string) (string, error) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, `\?#%:`) {
		return "", fmt.Errorf("%.200q is no name of a file in the model's folder", name)
	}
	at := *f.base
	at.Path += name
	return at.String(), nil
}

func (f *served) ReadFile(ctx context.Context, name string) ([]byte, error) {
	at, err := f.address(name)
	if err != nil {
		return nil, err
	}
	array, err := f.fetch(ctx, "read", at)
	if err != nil {
		return nil, err
	}
	if n, most := int64(array.Length()), folder.Limit(name); n > most {
		return nil, fmt.Errorf("%s has %d bytes, want at most %d: it is no file of a model", name, n, most)
	}
	data := make([]byte, array.Length())
	js.CopyBytesToGo(data, array)
	return data, nil
}

func (f *served) Weights(ctx context.Context, files []folder.File, arrived func(folder.Arrived), take func(folder.Block) error) error {
	list := make([]any, len(files))
	for i, file := range files {
		if _, err := f.address(file.Name); err != nil {
			return err
		}
		list[i] = described(file)
	}
	onBytes, release := reports(arrived)
	abort := js.Global().Get("AbortController").New()
	stop := context.AfterFunc(ctx, func() { abort.Call("abort") })
	var weights js.Value
	defer func() {
		if weights.Truthy() {
			weights.Call("end")
		}
		stop()
		release()
	}()
	weights, err := await(f.worker.Call("weights", f.base.String(), list, onBytes, abort.Get("signal")))
	for err == nil {
		var b js.Value
		if b, err = await(weights.Call("next")); err != nil || b.IsNull() {
			break
		}
		err = take(folder.Block{
			File: b.Get("file").Int(), Tag: b.Get("tag").String(), Size: int64(b.Get("size").Float()), Offset: int64(b.Get("offset").Float()),
			Bytes: gpu.BlobFromJS(b.Get("bytes")),
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// described is a file as the worker knows it.
func described(f folder.File) map[string]any {
	return map[string]any{
		"name": f.Name, "size": float64(f.Size), "sha256": f.SHA256, "begin": float64(f.Begin), "end": float64(f.End), "key": f.Key,
	}
}

// reports makes a function for JavaScript of one that hears how far it is.
func reports(arrived func(folder.Arrived)) (onBytes js.Func, release func()) {
	// Telling the page may wait for the browser, a function that JavaScript
	// calls must not: the newest report changes hands over a channel.
	news, told := make(chan folder.Arrived, 1), make(chan struct{})
	go func() {
		defer close(told)
		for a := range news {
			arrived(a)
		}
	}()
	onBytes = js.FuncOf(func(_ js.Value, args []js.Value) any {
		select {
		case <-news:
		default:
		}
		news <- folder.Arrived{Bytes: int64(args[0].Float()), Total: int64(args[1].Float()), File: args[2].String(), Note: args[3].String()}
		return nil
	})
	return onBytes, func() {
		onBytes.Release()
		close(news)
		<-told
	}
}

// picked tells files of the visitor's own disk, whose address (www/engine/local.ts) means others the next time.
func (f *served) picked() bool { return strings.HasSuffix(f.base.Host, ".files.invalid") }

// Recall is of folder.Keeper.
func (f *served) Recall(ctx context.Context, key string) string {
	if f.picked() {
		return ""
	}
	return Home{}.Recall(ctx, key)
}

// Remember is of folder.Keeper.
func (f *served) Remember(ctx context.Context, key, value string) {
	if !f.picked() {
		Home{}.Remember(ctx, key, value)
	}
}

// Keep waits until no other tab makes the files.
func (f *served) Keep(ctx context.Context, name string, files []folder.File, arrived func(folder.Arrived)) (folder.Kept, error) {
	list := make([]any, len(files))
	for i, file := range files {
		list[i] = described(file)
	}
	onBytes, release := reports(arrived)
	defer release()
	object, err := f.fetch(ctx, "keep", f.base.String(), name, list, onBytes)
	if err != nil {
		return nil, err
	}
	return kept{object}, nil
}

// kept is a Keeping of www/engine/keeping.ts.
type kept struct{ js.Value }

func (k kept) Whole() []bool {
	list := k.Get("whole")
	whole := make([]bool, list.Length())
	for i := range whole {
		whole[i] = list.Index(i).Bool()
	}
	return whole
}

func (k kept) Begin(_ context.Context, file int) error {
	_, err := await(k.Call("begin", file))
	return err
}

func (k kept) Write(_ context.Context, b gpu.Blob) error {
	_, err := await(k.Call("write", b.JS()))
	return err
}

func (k kept) Finish(context.Context) (string, error) {
	sum, err := await(k.Call("finish"))
	if err != nil {
		return "", err
	}
	return sum.String(), nil
}

func (k kept) Close() { k.Call("close") }

// fetch calls one of the worker's functions and ends it when ctx ends.
func (f *served) fetch(ctx context.Context, function, at string, arguments ...any) (js.Value, error) {
	abort := js.Global().Get("AbortController").New()
	release := context.AfterFunc(ctx, func() { abort.Call("abort") })
	defer release()
	all := append([]any{at}, append(arguments, abort.Get("signal"))...)
	// The worker answers an abort by rejecting, so that this waits for the promise in any case.
	array, err := await(f.worker.Call(function, all...))
	if ctx.Err() != nil {
		return js.Undefined(), ctx.Err()
	}
	return array, err
}

// await waits for a promise without holding up the browser's event loop.
func await(promise js.Value) (js.Value, error) {
	type answer struct {
		value js.Value
		err   error
	}
	answered := make(chan answer, 1)
	resolve := js.FuncOf(func(_ js.Value, args []js.Value) any {
		value := js.Undefined()
		if len(args) > 0 {
			value = args[0]
		}
		answered <- answer{value, nil}
		return nil
	})
	defer resolve.Release()
	reject := js.FuncOf(func(_ js.Value, args []js.Value) any {
		answered <- answer{js.Undefined(), asError(args[0])}
		return nil
	})
	defer reject.Release()
	promise.Call("then", resolve, reject)
	a := <-answered
	return a.value, a.err
}

// asError turns what JavaScript threw into an error with the protocol's code,
// where the worker gave it one.
func asError(thrown js.Value) error {
	if thrown.Type() != js.TypeObject {
		return errors.New(js.Global().Get("String").Invoke(thrown).String())
	}
	text := thrown.Get("message").String()
	err := errors.New(text)
	code := thrown.Get("code")
	if code.Type() != js.TypeString {
		return err
	}
	if protocol.Code(code.String()) == protocol.CodeMissing {
		// Some files may be missing: the model asks which way it was.
		err = fmt.Errorf("%s%w", text, quiet{fs.ErrNotExist})
	}
	return protocol.Fault(protocol.Code(code.String()), err)
}

// quiet is an error that errors.Is finds and that adds nothing to the sentence.
type quiet struct{ error }

func (quiet) Error() string   { return "" }
func (q quiet) Unwrap() error { return q.error }

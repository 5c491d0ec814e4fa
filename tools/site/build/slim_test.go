package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program needs what slim must not touch: the stack maps that garbage collection reads on stacks that grow, what recover
// and deferred calls look up, and the bounds that a panic tells; then it ends with a traceback.
const program = `package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

type node struct {
	left, right *node
	name        string
}

//go:noinline
func grow(depth int) *node {
	var room [32]string
	room[depth%32] = strings.Repeat("x", depth)
	if depth == 0 {
		runtime.GC()
		return &node{name: "leaf"}
	}
	n := &node{left: grow(depth - 1), name: fmt.Sprint(depth)}
	if depth%50 == 0 {
		n.right = grow(depth / 2)
	}
	if len(room[depth%32]) != depth {
		panic("the stack was lost")
	}
	return n
}

func (n *node) count() int {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func attempt(i int) (what string) {
	defer func() { what = fmt.Sprint(recover()) }()
	for _, kept := range []string{"a", "b"} {
		defer func() { what += kept }()
	}
	return fmt.Sprint([]int{1, 2, 3}[i])
}

//go:noinline
func last(values map[string]int) int { return 10 / values["nothing"] }

func main() {
	sums := make(chan int)
	for range 8 {
		go func() {
			total := 0
			for range 5 {
				total += grow(300).count()
				runtime.Gosched()
			}
			sums <- total
		}()
	}
	for range 8 {
		fmt.Println(<-sums)
	}
	fmt.Println(attempt(2), attempt(7))
	if len(os.Args) > 1 {
		fmt.Println(last(nil))
	}
}
`

func TestSlimProgramsDoTheSame(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"main.go": program, "go.mod": "module example.com/sample\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	whole := filepath.Join(folder, "whole.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", whole, ".")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=-mod=mod")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	code, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	less, err := slim(code)
	if err != nil {
		t.Fatal(err)
	}
	slimmed := filepath.Join(folder, "slim.wasm")
	if err := os.WriteFile(slimmed, less, 0o644); err != nil {
		t.Fatal(err)
	}
	goroot, err := goTool("env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (out, trace string, failed bool) {
		cmd := exec.Command("node", append([]string{"--stack-size=8192", filepath.Join(goroot, "lib/wasm/wasm_exec_node.js")}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GOGC=20"}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		return stdout.String(), stderr.String(), err != nil
	}
	want, trace, failed := run(whole)
	if failed || !strings.Contains(want, "index out of range [7] with length 3") {
		t.Fatalf("the program itself: %s%s", want, trace)
	}
	if got, trace, failed := run(slimmed); failed || got != want {
		t.Errorf("slim it says\n%s%swant\n%s", got, trace, want)
	}
	_, trace, failed = run(slimmed, "end")
	if !failed || !strings.Contains(trace, "integer divide by zero") || !strings.Contains(trace, "main.last(") || !strings.Contains(trace, "main.main(") {
		t.Errorf("its end is told as\n%s", trace)
	}
	if strings.Contains(trace, "main.go:") {
		t.Errorf("lines of code are still there:\n%s", trace)
	}
	packed := func(code []byte) int {
		var to bytes.Buffer
		w := gzip.NewWriter(&to)
		w.Write(code)
		w.Close()
		return to.Len()
	}
	if before, after := packed(code), packed(less); after > before*85/100 {
		t.Errorf("%d bytes by gzip, %d before", after, before)
	}
}

func TestSlimRefusesOtherModules(t *testing.T) {
	empty := []byte("\x00asm\x01\x00\x00\x00")
	for name, c := range map[string]struct {
		module []byte
		want   string
	}{
		"no module":       {[]byte("\x7fELF"), "no WebAssembly module"},
		"no data":         {empty, "without data"},
		"cut short":       {append(bytes.Clone(empty), dataSection, 9, 1), "ends too early"},
		"cut in its data": {append(bytes.Clone(empty), dataSection, 7, 1, 0, i32Const, 5, end, 9, 1), "ends too early"},
		"passive data":    {append(bytes.Clone(empty), dataSection, 7, 1, 1, i32Const, 5, end, 1, 1), "no constant address"},
		"not Go's":        {append(bytes.Clone(empty), dataSection, 7, 1, 0, i32Const, 5, end, 1, 1), "no pcHeader"},
	} {
		if _, err := slim(c.module); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

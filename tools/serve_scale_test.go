package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/model/talking"
	"github.com/samba-web/samba/tools/server"
	"github.com/samba-web/samba/tools/site"
	"github.com/samba-web/samba/wasm/protocol"
)

// asSamba, in the environment, makes this test's program the samba command: tests can kill it.
const asSamba = "SAMBA_TEST_AS_COMMAND"

func beSamba() {
	if os.Getenv(asSamba) != "" {
		site.FS = fstest.MapFS{"index.html": {Data: []byte("home")}}
		main()
		os.Exit(0)
	}
}

// talkingFolder is the folder of a tiny model that talks.
func talkingFolder(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "tiny")
	if err := talking.Write("../model/testdata/samba-mha", folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// served is samba serve in a process of its own.
type served struct {
	*exec.Cmd
	origin string
	log    *strings.Builder
}

func startServer(t *testing.T, arguments ...string) *served {
	t.Helper()
	s := &served{Cmd: exec.Command(os.Args[0], append([]string{"serve", "--addr", "127.0.0.1:0", "--backend", "cpu"}, arguments...)...), log: &strings.Builder{}}
	s.Env = append(os.Environ(), asSamba+"=1")
	s.Stderr = s.log
	out, err := s.StdoutPipe()
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill(); s.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if s.origin = regexp.MustCompile(`http://\S+:\d+`).FindString(lines.Text()); s.origin != "" {
			go io.Copy(io.Discard, out)
			return s
		}
	}
	s.Wait()
	t.Fatalf("samba serve did not start: %s", s.log)
	return nil
}

func (s *served) socket() string { return "ws" + strings.TrimPrefix(s.origin, "http") + "/engine" }

// get returns a page of the server's.
func (s *served) get(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get(s.origin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// behindNginx starts a plain reverse proxy before the servers and returns its address.
func behindNginx(t *testing.T, servers ...*served) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // which users' PATH lacks on Debian
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("nginx is missing: on Debian, apt-get install nginx")
	}
	folder := t.TempDir()
	upstream := ""
	for _, s := range servers {
		upstream += "server " + strings.TrimPrefix(strings.Replace(s.origin, "localhost", "127.0.0.1", 1), "http://") + ";"
	}
	for range 5 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		listener.Close()
		path := writeFile(t, filepath.Join(folder, "nginx.conf"), fmt.Sprintf(`
daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  upstream samba { %[2]s }
  server {
    listen %[3]s;
    location / {
      proxy_pass http://samba;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_read_timeout 1h;
    }
  }
}`, folder, upstream, address))
		cmd := exec.Command(program, "-p", folder, "-c", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		t.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); <-ended; ended <- nil })
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if answer, err := http.Get("http://" + address + "/healthz"); err == nil {
				answer.Body.Close()
				return address
			}
			if len(ended) > 0 {
				break // somebody else was quicker to take the port
			}
		}
	}
	log, _ := os.ReadFile(filepath.Join(folder, "error.log"))
	t.Fatalf("nginx does not run: %s", log)
	return ""
}

// say asks and returns the pieces of the answer.
func sayTo(t *testing.T, c *server.Client, g *protocol.Generate, first func()) (text string, done *protocol.Done) {
	t.Helper()
	last, err := c.Ask(t.Context(), g, func(m protocol.Message) error {
		if piece, ok := m.(*protocol.Text); ok {
			if text += piece.Text + "·"; first != nil {
				first()
				first = nil
			}
		}
		return nil
	})
	done, ok := last.(*protocol.Done)
	if err != nil || !ok {
		t.Fatalf("%#v, %v", last, err)
	}
	return text, done
}

// Two servers behind nginx share a folder of states. The one that answers is killed in the middle of it: the client
// carries on with the other and has the tokens that it would have had.
func TestScaleOut(t *testing.T) {
	folder, states := talkingFolder(t), t.TempDir()
	servers := []*served{startServer(t, "--engine", folder, "--states", states), startServer(t, "--engine", folder, "--states", states)}
	address := behindNginx(t, servers...)

	var requests []*protocol.Generate
	var wants []string
	alone := &server.Client{URL: servers[0].socket()}
	turns := []protocol.ChatMessage{{Role: "user", Content: "tell me"}}
	for turn, tokens := range []int{20, 1500, 20} {
		seed, temperature := uint64(turn), 1.0
		g := &protocol.Generate{Messages: turns, Settings: sampling.Settings{Seed: &seed, MaxTokens: &tokens, Temperature: &temperature}}
		want, _ := sayTo(t, alone, g, nil)
		requests, wants = append(requests, g), append(wants, want)
		turns = append(turns, protocol.ChatMessage{Role: "bot", Content: strings.ReplaceAll(want, "·", "")}, protocol.ChatMessage{Role: "user", Content: "more"})
	}
	alone.Cut()
	for connected(t, servers[0]) {
		time.Sleep(10 * time.Millisecond)
	}

	c := &server.Client{URL: "ws://" + address + "/engine"}
	defer c.Cut()
	var survivor *served
	for turn, g := range requests {
		got, done := sayTo(t, c, g, func() {
			if turn != 1 {
				return
			}
			at := 0
			if !connected(t, servers[0]) {
				at = 1
			}
			servers[at].Process.Kill()
			survivor = servers[1-at]
		})
		if got != wants[turn] {
			t.Errorf("turn %d\n got %q\nwant %q", turn, got, wants[turn])
		}
		if turn > 0 && done.Usage.PrefilledTokens > 40 {
			t.Errorf("turn %d read %d of %d tokens: the state was lost", turn, done.Usage.PrefilledTokens, done.Usage.PromptTokens)
		}
	}
	if survivor == nil || c.Reconnects == 0 {
		t.Fatalf("%d reconnects: nobody was killed in the middle of an answer", c.Reconnects)
	}
	if text := survivor.get(t, "/metrics"); !strings.Contains(text, `samba_resumed_total{how="computed"} 1`) {
		t.Errorf("the other server did not go on with the answer:\n%s", text)
	}
}

func connected(t *testing.T, s *served) bool {
	t.Helper()
	return !strings.Contains(s.get(t, "/metrics"), "\nsamba_connections 0\n")
}

// SIGHUP reads the tokens again and does not end the server.
func TestServeReloadsTokens(t *testing.T) {
	tokens := writeFile(t, filepath.Join(t.TempDir(), "tokens"), "old\n")
	s := startServer(t, "--engine", talkingFolder(t), "--states", t.TempDir(), "--tokens", tokens)
	knows := func(token string) bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin+"/v1/models", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	if !knows("old") || knows("new") {
		t.Fatal("the tokens are not those of the file")
	}
	for _, c := range []struct{ text, good, bad string }{{"new\n", "new", "old"}, {"# none\n", "new", "old"}, {"old\nnew\n", "old", "other"}} {
		writeFile(t, tokens, c.text)
		s.Process.Signal(syscall.SIGHUP)
		for deadline := time.Now().Add(time.Minute); !knows(c.good) || knows(c.bad); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%q was never heeded: %s", c.text, s.log)
			}
		}
	}
}

// SIGTERM lets the answer finish and ends the program without an error.
func TestServeStopsGracefully(t *testing.T) {
	s := startServer(t, "--engine", talkingFolder(t), "--states", t.TempDir())
	c := &server.Client{URL: s.socket()}
	defer c.Cut()
	seed, tokens := uint64(1), 200
	text, done := sayTo(t, c, &protocol.Generate{Prompt: "hello", Settings: sampling.Settings{Seed: &seed, MaxTokens: &tokens}}, func() { s.Process.Signal(syscall.SIGTERM) })
	if done.FinishReason != "length" || strings.Count(text, "·") != tokens || c.Reconnects != 0 {
		t.Errorf("%+v after %d reconnects", done, c.Reconnects)
	}
	var exit *exec.ExitError
	if err := s.Wait(); errors.As(err, &exit) {
		t.Errorf("%v: %s", err, s.log)
	}
	if log := s.log.String(); strings.Contains(log, "hello") || !strings.Contains(log, `"msg":"the engine is ready"`) {
		t.Errorf("the log: %s", log)
	}
}

// Package browser starts an installed browser headless on one address and cleans up after it.
//
// It is no browser driver: the page that the address names reports to its own server. That is all that is needed
// to run the engine where its users run it, and it works on hosts that have nothing but a browser's binary.
package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Names of the browsers that Start knows.
const (
	Chromium = "chromium"
	Firefox  = "firefox"
)

// Names lists the browsers that Start knows.
func Names() []string { return []string{Chromium, Firefox} }

// ErrNotFound is what Find's and Start's errors wrap when no such browser is installed.
var ErrNotFound = errors.New("browser not found")

// Options says which browser to start, and where.
type Options struct {
	Name  string   // Chromium or Firefox
	Path  string   // the binary; empty: the environment's CHROME or FIREFOX, then the usual names in PATH
	Flags []string // added after ours
	URL   string   // the page to open
}

// kind is what differs between browsers.
type kind struct {
	env        string   // the environment variable that names the binary
	candidates []string // names tried in PATH, then as absolute paths
	install    string   // what to do when there is none
	prepare    func(profile string) error
	arguments  func(profile, url string, flags []string) []string
}

var kinds = map[string]kind{
	Chromium: {
		env: "CHROME",
		candidates: []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chromium-headless-shell",
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"},
		install:   "apt-get install chromium",
		prepare:   func(string) error { return nil },
		arguments: chromiumArguments,
	},
	Firefox: {
		env:        "FIREFOX",
		candidates: []string{"firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"},
		install:    "apt-get install firefox-esr",
		prepare:    writeFirefoxPreferences,
		arguments: func(profile, url string, flags []string) []string {
			return slices.Concat([]string{"--headless", "--no-remote", "--profile", profile}, flags, []string{url})
		},
	},
}

// StockFlags, as the environment's CHROME_GPU_FLAGS, have Chromium on Linux offer what it offers people, on the machine's GPU
// by Vulkan, which it does not take by itself there: no experimental features, so that matrix units are out of reach.
const StockFlags = "--enable-features=Vulkan,WebGPU --use-vulkan=native --use-angle=vulkan --ignore-gpu-blocklist --disable-vulkan-surface"

// AdapterFlags are the flags by which a browser is told which WebGPU adapter to use and what of it to offer: none but
// for Chromium, where the environment's CHROME_GPU_FLAGS replaces ours; without it the adapter is SwiftShader where
// there is no GPU.
func AdapterFlags(name string) []string {
	if name != Chromium {
		return []string{}
	}
	if set := strings.Fields(os.Getenv("CHROME_GPU_FLAGS")); len(set) > 0 {
		return set
	}
	return []string{"--enable-unsafe-webgpu"}
}

// chromiumArguments builds Chromium's command line.
func chromiumArguments(profile, url string, flags []string) []string {
	return slices.Concat([]string{
		"--headless",
		"--no-sandbox", // root and most containers cannot sandbox; the only pages opened are our own, on loopback
		"--user-data-dir=" + profile,
		"--remote-debugging-port=0", // the headless shell quits once a page has loaded unless a debugger could attach
		"--no-first-run", "--no-default-browser-check", "--disable-default-apps", "--disable-extensions", "--mute-audio",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-domain-reliability",
		"--disable-breakpad", "--metrics-recording-only", "--password-store=basic",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding",
	}, AdapterFlags(Chromium), flags, []string{url})
}

// firefoxPreferences switch WebGPU on and everything off that would open other pages, reach the network or ask;
// clocks are not blurred: what is measured in it is our own.
const firefoxPreferences = `user_pref("dom.webgpu.enabled", true);
user_pref("dom.webgpu.workers.enabled", true);
user_pref("gfx.webgpu.ignore-blocklist", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.sessionstore.resume_from_crash", false);
user_pref("browser.tabs.unloadOnLowMemory", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.provider.mozilla.updateURL", "");
user_pref("browser.safebrowsing.provider.google4.updateURL", "");
user_pref("browser.region.network.url", "");
user_pref("browser.search.update", false);
user_pref("browser.discovery.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.update.auto", false);
user_pref("app.update.disabledForTesting", true);
user_pref("extensions.update.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.blocklist.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.unified", false);
user_pref("toolkit.telemetry.server", "");
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("trailhead.firstrun.didSeeAboutWelcome", true);
user_pref("termsofuse.bypassNotification", true);
user_pref("captivedetect.canonicalURL", "");
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.prefetch-next", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.trr.mode", 5);
user_pref("dom.push.connection.enabled", false);
user_pref("dom.ipc.reportProcessHangs", false);
user_pref("dom.max_script_run_time", 0);
user_pref("privacy.reduceTimerPrecision", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("signon.autofillForms", false);
`

func writeFirefoxPreferences(profile string) error {
	return os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPreferences), 0o600)
}

// Find returns the path of the browser's binary: path where it is not empty, else what the environment's CHROME or
// FIREFOX names, else the first of the usual names that PATH holds.
func Find(name, path string) (string, error) {
	k, ok := kinds[name]
	if !ok {
		return "", fmt.Errorf("browser %q is unknown: choose one of %s", name, strings.Join(Names(), ", "))
	}
	source := "--browser-path"
	if path == "" {
		path, source = os.Getenv(k.env), "the environment's "+k.env
	}
	if path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("%w: %s names %q for %s, which is no program that can be started", ErrNotFound, source, path, name)
		}
		return found, nil
	}
	for _, candidate := range k.candidates {
		if found, err := exec.LookPath(candidate); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%w: %s is not installed (tried %s): install it (on Debian: %s), or name its program by --browser-path or the environment's %s",
		ErrNotFound, name, strings.Join(k.candidates, ", "), k.install, k.env)
}

// longestTemporary is the longest temporary folder's name that Chromium can live with: it makes
// org.chromium.Chromium.XXXXXX/SingletonSocket below it, and a socket's path ends at 104 bytes on some systems.
const longestTemporary = 104 - 1 - len("/org.chromium.Chromium.XXXXXX/SingletonSocket")

// Browser is a running browser.
type Browser struct {
	name    string
	command *exec.Cmd
	folder  string // holds the profile and what the browser takes for the system's temporary folder
	stderr  tail
	done    chan struct{}
	err     error // why it ended; read after done

	closing sync.Once
	stop    context.CancelFunc
}

// Start starts the browser on opts.URL with a fresh profile. It runs until Close is called or ctx is done; whatever
// ends it, all of its processes are killed and its profile is removed. Errors wrap ErrNotFound where it is not
// installed.
func Start(ctx context.Context, opts Options) (*Browser, error) {
	path, err := Find(opts.Name, opts.Path)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "samba-"+opts.Name+"-")
	if err != nil {
		return nil, fmt.Errorf("no temporary folder for %s: %w", opts.Name, err)
	}
	profile, temporary := filepath.Join(folder, "profile"), filepath.Join(folder, "tmp")
	k := kinds[opts.Name]
	err = errors.Join(os.Mkdir(profile, 0o700), os.Mkdir(temporary, 0o700))
	if err == nil {
		err = k.prepare(profile)
	}
	if err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("the profile of %s could not be written: %w", opts.Name, err)
	}

	ctx, stop := context.WithCancel(ctx)
	b := &Browser{name: opts.Name, folder: folder, stop: stop, done: make(chan struct{})}
	b.command = exec.CommandContext(ctx, path, k.arguments(profile, opts.URL, opts.Flags)...)
	b.command.Env = append(os.Environ(), "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_DISABLE_AUTO_SAFE_MODE=1")
	if len(temporary) <= longestTemporary {
		// Sockets and shared files that a killed browser leaves in the temporary folder go with ours.
		b.command.Env = append(b.command.Env, "TMPDIR="+temporary)
	}
	b.command.Stderr = &b.stderr
	ownGroup(b.command)
	b.command.Cancel = func() error { killGroup(b.command); return nil }
	b.command.WaitDelay = time.Second // helpers that outlive the browser hold stderr open
	if err := b.command.Start(); err != nil {
		stop()
		os.RemoveAll(folder)
		return nil, fmt.Errorf("%s could not be started: %w", opts.Name, err)
	}
	go b.wait()
	return b, nil
}

func (b *Browser) wait() {
	err := b.command.Wait()
	b.stop()
	killGroup(b.command)
	for range 20 { // a helper in the middle of its death may write a file behind our back
		if os.RemoveAll(b.folder) == nil {
			time.Sleep(25 * time.Millisecond)
			if _, err := os.Lstat(b.folder); errors.Is(err, os.ErrNotExist) {
				break
			}
		}
	}
	status := "with status 0"
	if err != nil {
		status = "(" + err.Error() + ")"
	}
	b.err = fmt.Errorf("%s ended by itself %s%s", b.name, status, b.stderr.quote())
	close(b.done)
}

// Done is closed when the browser has ended.
func (b *Browser) Done() <-chan struct{} { return b.done }

// Err says how the browser ended and quotes the last lines it wrote to stderr. It is nil while the browser runs.
func (b *Browser) Err() error {
	select {
	case <-b.done:
		return b.err
	default:
		return nil
	}
}

// Close kills the browser with all of its processes, waits for its end and removes its profile.
func (b *Browser) Close() {
	b.closing.Do(b.stop)
	<-b.done
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const (
	tailBytes = 8 << 10
	tailLines = 6
)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if excess := len(t.kept) - tailBytes; excess > 0 {
		t.kept = append(t.kept[:0], t.kept[excess:]...)
	}
	return len(p), nil
}

// quote returns the last lines as the end of a sentence, or nothing.
func (t *tail) quote() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.kept)
	if len(text) == 0 {
		return " and wrote nothing to stderr"
	}
	lines := bytes.Split(text, []byte("\n"))
	lines = lines[max(0, len(lines)-tailLines):]
	return "; its last words:\n  " + string(bytes.Join(lines, []byte("\n  ")))
}

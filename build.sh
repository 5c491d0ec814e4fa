#!/usr/bin/env bash
# ./build.sh            builds everything: the site, and the samba command at bin/samba
# ./build.sh serve ...  builds, then serves the chat page on http://localhost:8080 (arguments go to samba serve)
# ./build.sh check      what a change is tried with while it is being made: format, vet, short Go tests, types, TypeScript's unit tests
# ./build.sh test       builds, then runs every test there is: Go natively and in both browsers, TypeScript, Python, end to end
#
# As root on Debian it installs what is missing; elsewhere it says in one line what to install.
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "build.sh: $*" >&2; exit 1; }

# need PACKAGE TEST...: installs a Debian package unless the test says that it is there.
need() {
  local package=$1; shift
  "$@" >/dev/null 2>&1 && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "$package is missing: install it (on Debian: apt-get install $package)"
  [ -n "${updated:-}" ] || { apt-get update -q >/dev/null; updated=1; }
  echo "installing $package"
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$package" >/dev/null || fail "$package could not be installed"
}

# What building and checking need.
installed() {
  command -v go >/dev/null || fail "Go is missing: install Go $(sed -n 's/^go //p' go.mod) or newer from go.dev"
  need nodejs command -v node
  need npm command -v npm
  need gcc command -v gcc
  # The file that npm writes last tells whether what is installed is what the lock asks for.
  if [ ! www/node_modules/.package-lock.json -nt www/package-lock.json ]; then
    (cd www && npm ci --no-audit --no-fund --loglevel=error)
    touch www/node_modules/.package-lock.json
  fi
}

build() {
  installed
  go run ./tools/site/build
  go build -ldflags "-X main.commit=$(git describe --always --abbrev=12 --dirty 2>/dev/null)" -o bin/samba ./tools
}

# stage NAME COMMAND...: runs on after a failure, so that one run tells all that is wrong.
failed=()
stage() {
  local name=$1 start=$SECONDS; shift
  echo "=== $name"
  if "$@"; then echo "--- $name: passed in $((SECONDS - start)) s"; else echo "--- $name: FAILED after $((SECONDS - start)) s"; failed+=("$name"); fi
}

formatted() {
  local files; files=$(gofmt -l $(git ls-files '*.go'))
  [ -z "$files" ] || { echo "not formatted by gofmt: $files"; return 1; }
}

vetted() { go vet ./... && GOOS=js GOARCH=wasm go vet ./gpu/... ./model/... ./wasm ./wasm/protocol ./wasm/worker ./wasm/lab ./wasm/measuring; }

# Go tests in a browser: the short ones, since its software GPU takes seconds to compile a kernel. What they leave out
# runs natively. Chromium's takes ten times as long as Firefox's: of the whole model's tests it has those that tell
# whether its shaders compute the same, and what a browser alone can do.
in_browser() {
  local run=(go test -short -p 1 -timeout 12m -exec "$PWD/bin/gotest $1") tests=.
  [ "$1" != chromium ] || tests='TestFixtures|TestPublished|TestTrialPublished|TestLostDevice|TestHasRoom|TestNoNumbers'
  export GOOS=js GOARCH=wasm
  "${run[@]}" ./gpu/... ./model/{graph,machine/...,conversation,folder,schedule,measure,quant} && "${run[@]}" -run "$tests" ./model
}

# All browsers at once: each keeps about one core busy.
in_browsers() {
  local logs status=0 browser; logs=$(mktemp -d)
  for browser in "$@"; do
    (in_browser "$browser") >"$logs/$browser" 2>&1 || touch "$logs/$browser.failed" &
  done
  wait
  for browser in "$@"; do
    echo "--- in $browser"; cat "$logs/$browser"
    [ ! -e "$logs/$browser.failed" ] || status=1
  done
  rm -r "$logs"
  return $status
}

# Every fuzz target for a while, three at a time. What one finds fails the stage and lies in its package's
# testdata/fuzz. FUZZTIME=10m goes on longer.
# Servers run code by chance, which fuzzing takes for news: it must not spend its time on making such inputs smaller.
# On a busy machine go test now and then takes the end of its own time for a failure of the target: once more, then.
fuzzed() {
  git grep -o 'func Fuzz[A-Za-z]*' -- '*_test.go' | sed -E 's#^(.*)/[^/]*:func (Fuzz.*)#\1 \2#' |
    xargs -P 3 -L 1 bash -c 'for try in 1 2; do
      said=$(go test -run "^\$" -fuzz "^$1\$" -fuzztime "${FUZZTIME:-7s}" -fuzzminimizetime 100x -parallel 1 "./$0" 2>&1) && status=0 || status=1
      echo "$said"
      [ $status = 1 ] && [[ $said == *"context deadline exceeded"* && $said != *"Failing input written"* ]] || exit $status
    done; exit 1'
}

# The race detector over what runs concurrently: the server, with clients that are cut off, and the pool below it.
raced() {
  go test -race -short -timeout 10m ./tools/server/... -run 'Gate|Draining|Hung|Late|Handshakes|Tokens|Silent|Half|StopWhile|ForGood|Cuts|Run' &&
    go test -race -short -timeout 10m ./model -run 'TestPool/cpu'
}

www() { (cd www && npm run --silent "$1"); }

# End to end, two files at a time. On a busy machine a browser now and then takes too long: a file that failed is run
# once more, alone, and what failed the first time is told either way.
e2e() {
  local logs status=0 file; logs=$(mktemp -d)
  (cd www && ls test/*.e2e.mjs | xargs -P 2 -I{} bash -c 'node --test --test-reporter=spec "$1" >"$0/${1##*/}" 2>&1 || touch "$0/${1##*/}.failed"; cat "$0/${1##*/}"' "$logs" {})
  for file in "$logs"/*.failed; do
    [ -e "$file" ] || continue
    file=${file%.failed}
    echo "--- ${file##*/} failed beside others:"
    sed -n '/failing tests:/,$p' "$file"
    echo "--- ${file##*/} alone:"
    (cd www && node --test --test-reporter=spec "test/${file##*/}") || status=1
  done
  rm -r "$logs"
  return $status
}

# The engines that samba bench measures beside ours: no part of what is built for users.
peers() { (cd tools/bench/peers && npm ci --omit=optional --no-audit --no-fund --loglevel=error && npm run --silent bundle); }

# The packages by which people ask OpenAI's API, for the server's tests: no part of what is built for users.
clients() { (cd www/test/clients && npm ci --no-audit --no-fund --loglevel=error); }

python() { (cd tools/train && /usr/bin/python3 -m unittest); }

# What a contributor wants to know within two minutes.
check() {
  stage "Go format" formatted
  stage "Go vet" vetted
  stage "Go tests, the short ones" go test -short ./...
  stage "TypeScript checks" www check
  stage "TypeScript tests" www unit
  ended
}

ended() {
  [ ${#failed[@]} = 0 ] || fail "failed: $(printf '%s; ' "${failed[@]}")"
  echo "all tests passed in $((SECONDS / 60)) min"
}

run_tests() {
  need chromium command -v chromium
  need firefox-esr command -v firefox-esr
  need webkit2gtk-driver test -x /usr/bin/WebKitWebDriver
  need xvfb command -v Xvfb
  need mesa-vulkan-drivers test -e /usr/share/vulkan/icd.d/lvp_icd.x86_64.json -o -e /usr/share/vulkan/icd.d/lvp_icd.aarch64.json
  need nginx test -x /usr/sbin/nginx
  need python3-regex /usr/bin/python3 -c "import regex"
  need python3-torch /usr/bin/python3 -c "import torch"
  go build -o bin/gotest ./tools/browser/gotest
  stage "Go format" formatted
  stage "Go vet" vetted
  stage "other engines for samba bench" peers
  stage "programs that ask OpenAI's API" clients
  stage "Go tests, native" go test -p 2 ./...
  stage "Go tests with the race detector" raced
  stage "Go fuzz targets" fuzzed
  stage "Go tests in browsers" in_browsers chromium firefox
  stage "TypeScript checks" www check
  stage "TypeScript tests" www unit
  stage "trainer tests" python
  stage "end to end in both browsers" e2e
  ended
}

case "${1:-build}" in
  build) build ;;
  serve) shift; build; exec bin/samba serve "$@" ;;
  check) installed; check ;;
  test) build; run_tests ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

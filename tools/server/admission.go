package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// quota bounds what clients take of one thing, all of them together and those
// of each address.
type quota struct {
	most, each int64

	mu    sync.Mutex
	taken int64
	by    map[string]int64 // by address
}

// newQuota allows an address a share of the whole, and at least least.
func newQuota(most int64, share float64, least int64) *quota {
	most = max(most, least)
	return &quota{most: most, each: min(most, max(least, int64(math.Ceil(float64(most)*share)))), by: map[string]int64{}}
}

var (
	errFull  = errors.New("This server has as much to do as it can: try again in a moment.")
	errShare = errors.New("From this address comes as much as this server takes of one: try again in a moment.")
)

// take takes n for an address if both it and all together may have that much.
func (q *quota) take(address string, n int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.by[address]+n > q.each:
		return errShare
	case q.taken+n > q.most:
		return errFull
	}
	q.taken += n
	q.by[address] += n
	return nil
}

// give gives n of what an address took back.
func (q *quota) give(address string, n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= n
	if q.by[address] -= n; q.by[address] == 0 {
		delete(q.by, address)
	}
}

func (q *quota) sum() float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return float64(q.taken)
}

// lease is what one request has taken of the quota of bytes.
type lease struct {
	of      *quota
	address string
	bytes   int64
}

// grow takes more, up to a total.
func (l *lease) grow(total int64) error {
	if total <= l.bytes {
		return nil
	}
	if err := l.of.take(l.address, total-l.bytes); err != nil {
		return err
	}
	l.bytes = total
	return nil
}

// shrink gives back what is more than a total.
func (l *lease) shrink(total int64) {
	if total < l.bytes {
		l.of.give(l.address, l.bytes-total)
		l.bytes = total
	}
}

// gate counts what is under way, until it is shut: then no more comes in.
type gate struct {
	mu    sync.Mutex
	under int
	shut  bool
	empty chan struct{} // closed when it is shut and nothing is under way
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.under++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under--; g.under == 0 && g.shut {
		close(g.empty)
	}
}

// close shuts the gate and returns what tells that the last has left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		if g.shut = true; g.under == 0 {
			close(g.empty)
		}
	}
	return g.empty
}

// allowsOrigin lets in programs, which name no origin, the server's own pages,
// and those of the origins that were listed. That a page's origin is the host
// that was asked says nothing by itself: a name of anybody's can be made to lead
// here. It must be one of the server's own names, or an address.
func (s *Server) allowsOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	for _, allowed := range s.o.Origins {
		if allowed == "*" || strings.EqualFold(allowed, origin) {
			return true
		}
	}
	from, err := url.Parse(origin)
	return err == nil && from.Host != "" && strings.EqualFold(from.Host, r.Host) && s.isOwn(from.Hostname())
}

// isOwn tells whether a host is this server's for sure.
func (s *Server) isOwn(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, name := range append([]string{"localhost"}, s.o.Names...) {
		if strings.EqualFold(name, host) {
			return true
		}
	}
	return false
}

// holders are the tokens by their hashes, and what the log calls who has one.
type holders map[[sha256.Size]byte]string

// bearer looks a token up by its hash: how long that takes tells nothing of the
// tokens. The hash is that of the one that was given.
func (s *Server) bearer(token string, r *http.Request) (hash [sha256.Size]byte, holder string, allowed bool) {
	if kind, given, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "bearer") && token == "" {
		token = strings.TrimSpace(given)
	}
	hash = sha256.Sum256([]byte(token))
	holder, allowed = s.knowsToken(hash)
	return hash, holder, allowed
}

// knowsToken tells whether a client with a token of that hash may come.
func (s *Server) knowsToken(hash [sha256.Size]byte) (holder string, allowed bool) {
	tokens := *s.tokens.Load()
	if len(tokens) == 0 {
		return "", true
	}
	holder, allowed = tokens[hash]
	return holder, allowed
}

// SetTokens replaces the tokens. Clients whose token is not among them are sent away.
func (s *Server) SetTokens(tokens []string) {
	next := holders{}
	for i, token := range tokens {
		next[sha256.Sum256([]byte(token))] = fmt.Sprintf("token %d", i+1)
	}
	s.tokens.Store(&next)
	for _, l := range s.all() {
		if _, allowed := s.knowsToken(l.token); !allowed {
			l.end()
		}
	}
}

// addressOf is where a request comes from. Of IPv6 it is the network: its
// owner has 2^64 addresses.
func (s *Server) addressOf(r *http.Request) string {
	if s.o.Proxied {
		// The last entry is what the proxy itself saw; those before it anybody can write. Proxies may add a line.
		list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if address, ok := parseAddress(list[len(list)-1]); ok {
			return address
		}
	}
	if address, ok := parseAddress(r.RemoteAddr); ok {
		return address
	}
	return r.RemoteAddr
}

// parseAddress reads an IP address with or without a port.
func parseAddress(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return "", false
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String(), true
	}
	network, err := ip.Prefix(64)
	return network.String(), err == nil
}

// clientOf names whose requests are counted together: a token's holder, else an address.
func (s *Server) clientOf(holder string, r *http.Request) string {
	if holder != "" {
		return holder
	}
	return s.addressOf(r)
}

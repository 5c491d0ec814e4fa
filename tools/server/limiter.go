package server

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter counts the requests of each client.
type limiter struct {
	perMinute int // 0: any number

	mu      sync.Mutex
	clients map[string]*rate.Limiter
	swept   time.Time
}

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: perMinute, clients: map[string]*rate.Limiter{}, swept: time.Now()}
}

// allows takes one request off what the client may make: a minute's worth at
// once, and then as they come back.
func (l *limiter) allows(client string) bool {
	if l.perMinute == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.swept) > time.Minute {
		l.swept = time.Now()
		for name, of := range l.clients {
			if of.Tokens() >= float64(l.perMinute) { // as good as new
				delete(l.clients, name)
			}
		}
	}
	of := l.clients[client]
	if of == nil {
		of = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		l.clients[client] = of
	}
	return of.Allow()
}

func (l *limiter) refusal() error {
	return fmt.Errorf("This server takes %d requests a minute from a client: ask again in a moment.", l.perMinute)
}

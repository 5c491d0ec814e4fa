package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/samba-web/samba/wasm/protocol"
)

// metrics are what /metrics tells. No label comes from what a client says.
type metrics struct {
	server      *Server
	registry    *prometheus.Registry
	connections prometheus.Gauge
	requests    *prometheus.CounterVec
	refused     *prometheus.CounterVec
	dropped     *prometheus.CounterVec
	resumed     *prometheus.CounterVec
	prompts     prometheus.Counter
	tokens      prometheus.Counter
	firstToken  prometheus.Histogram
	duration    prometheus.Histogram
	losses      prometheus.Counter
	unsaved     prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	seconds := []float64{.01, .03, .1, .3, 1, 3, 10, 30, 100}
	m := &metrics{
		server:      s,
		registry:    prometheus.NewRegistry(),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "samba_connections", Help: "WebSockets that are open."}),
		requests:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "samba_requests_total", Help: "Requests that ended, by the way they came and how they ended."}, []string{"by", "end"}),
		refused:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "samba_refused_total", Help: "Connections and requests that were refused, by reason."}, []string{"reason"}),
		dropped:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "samba_dropped_total", Help: "Connections that the server ended, by reason."}, []string{"reason"}),
		resumed:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "samba_resumed_total", Help: "Answers that went on after a cut: replayed, or computed again."}, []string{"how"}),
		prompts:     prometheus.NewCounter(prometheus.CounterOpts{Name: "samba_prompt_tokens_total", Help: "Tokens of prompts that were read."}),
		tokens:      prometheus.NewCounter(prometheus.CounterOpts{Name: "samba_tokens_total", Help: "Tokens that were generated."}),
		firstToken:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "samba_first_token_seconds", Help: "From a request to its first token.", Buckets: seconds}),
		losses:      prometheus.NewCounter(prometheus.CounterOpts{Name: "samba_device_losses_total", Help: "Graphics devices that were lost."}),
		unsaved:     prometheus.NewCounter(prometheus.CounterOpts{Name: "samba_states_unsaved_total", Help: "States that could not be written to disk."}),
		duration:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "samba_request_seconds", Help: "From a request to its end.", Buckets: seconds}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m.registry.MustRegister(m.connections, m.requests, m.refused, m.dropped, m.resumed, m.prompts, m.tokens, m.firstToken, m.duration, m.losses, m.unsaved,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("samba_clients", "Clients that are connected or waited for.", s.places.sum),
		gauge("samba_handshakes", "Connections that have not said hello yet.", s.handshakes.sum),
		gauge("samba_requests_under_way", "Requests over HTTP that are under way.", s.requests.sum),
		gauge("samba_waiting_bytes", "Bytes of requests that are not answered.", s.waiting.sum),
		gauge("samba_sessions_in_memory", "Conversations whose state is in memory.", func() float64 { return float64(s.engine.Load().keeper.inMemory()) }),
		gauge("samba_states_bytes", "Bytes of the states on disk, as of the last look.", func() float64 { return float64(s.folder.bytes()) }),
		gauge("samba_states_failing", "1 while the folder of states cannot be written to.", func() float64 {
			if s.folder.failing() != nil {
				return 1
			}
			return 0
		}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// count notes a request's end.
func (m *metrics) count(by, who string, started time.Time, last protocol.Message) {
	end, tokens, read := "done", 0, 0
	switch last := last.(type) {
	case *protocol.Error:
		end = string(last.Code)
	case *protocol.Done:
		if last.FinishReason != "" {
			end = last.FinishReason
		}
		read, tokens = last.Usage.PrefilledTokens, last.Usage.CompletionTokens
		m.prompts.Add(float64(read))
		m.tokens.Add(float64(tokens))
	}
	m.server.log.Info("request", "by", by, "client", who, "end", end, "read", read, "tokens", tokens, "seconds", time.Since(started).Seconds())
	m.requests.WithLabelValues(by, end).Inc()
	m.duration.Observe(time.Since(started).Seconds())
}

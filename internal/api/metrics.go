package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures for operations: requests, live connections, calls,
// queues, agents, alarms and the Go runtime.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	connections *prometheus.GaugeVec
	resyncs     prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "heartline_http_requests_total", Help: "HTTP requests by operation and status.",
		}, []string{"operation", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "heartline_http_request_seconds", Help: "Time to answer HTTP requests.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"operation"}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "heartline_live_connections", Help: "Open WebSockets.",
		}, []string{"kind"}),
		resyncs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "heartline_live_resyncs_total", Help: "Live connections that were too slow or too late and had to read everything again.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.connections, m.resyncs,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) request(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	if status != http.StatusSwitchingProtocols {
		m.seconds.WithLabelValues(operation).Observe(took.Seconds())
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Registry takes the metrics of other packages.
func (s *Server) Registry() prometheus.Registerer { return s.metrics.registry }

// floor reads the live figures of the contact centre when they are asked for.
type floor struct {
	s                                                *Server
	calls, waiting, longest, agents, alarms, journal *prometheus.Desc
}

func newFloor(s *Server) *floor {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("heartline_"+name, help, labels, nil)
	}
	return &floor{
		s:       s,
		calls:   desc("calls_live", "Calls going on, by stage.", "stage"),
		waiting: desc("queue_waiting", "Callers waiting.", "queue"),
		longest: desc("queue_longest_wait_seconds", "Longest present wait.", "queue"),
		agents:  desc("agents", "Signed-in agents by state.", "state"),
		alarms:  desc("alarms_active", "Active alarms.", "severity"),
		journal: desc("events_lost_total", "Facts that a slow subscriber of the event bus missed."),
	}
}

// Describe implements prometheus.Collector.
func (f *floor) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.calls, f.waiting, f.longest, f.agents, f.alarms, f.journal} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *floor) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if tel := f.s.deps.Telephone; tel != nil {
		stages := map[string]int{}
		for _, c := range tel.Live(context.Background()) {
			stages[c.Stage]++
		}
		for stage, n := range stages {
			gauge(f.calls, float64(n), stage)
		}
	}
	if d := f.s.deps.Distributor; d != nil {
		st := d.Snapshot()
		for _, q := range st.Queues {
			gauge(f.waiting, float64(q.Waiting), q.Queue)
			gauge(f.longest, waitedSeconds(q.Oldest, f.s.now()), q.Queue)
		}
		states := map[string]int{}
		for _, a := range st.Agents {
			states[string(a.State)]++
		}
		for state, n := range states {
			gauge(f.agents, float64(n), state)
		}
	}
	if b := f.s.deps.Alarms; b != nil {
		severities := map[string]int{}
		for _, a := range b.Active() {
			severities[string(a.Severity)]++
		}
		for severity, n := range severities {
			gauge(f.alarms, float64(n), severity)
		}
	}
	if b := f.s.deps.Bus; b != nil {
		ch <- prometheus.MustNewConstMetric(f.journal, prometheus.CounterValue, float64(b.Lost()))
	}
}

func waitedSeconds(since, now time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, now.Sub(since).Seconds())
}

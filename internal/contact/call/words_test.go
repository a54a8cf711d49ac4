package call

import (
	"strings"
	"testing"
	"time"
)

func TestQueueWords(t *testing.T) {
	for _, tt := range []struct {
		name      string
		position  int
		low, high time.Duration
		want      string
	}{
		{"next, no estimate", 1, 0, 0, "queue_next"},
		{"next, soon", 1, 10 * time.Second, 50 * time.Second, "queue_next queue_less_than_minute"},
		{"third, some minutes", 3, 2 * time.Minute, 4 * time.Minute,
			"queue_position_prefix n2_measure queue_position_suffix queue_estimate_prefix n3 queue_estimate_minutes"},
		{"estimate rounds up", 2, time.Minute, 2 * time.Minute,
			"queue_position_prefix n1 queue_position_suffix queue_estimate_prefix n2_measure queue_estimate_minutes"},
		{"unknown position", 0, 0, 0, "queue_still_waiting"},
	} {
		if got := strings.Join(queueWords("zh-CN", tt.position, tt.low, tt.high), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAgentWords(t *testing.T) {
	if got := strings.Join(agentWords("1002"), " "); got != "agent_number_prefix n1_phone n0 n0 n2 agent_serves" {
		t.Error(got)
	}
}

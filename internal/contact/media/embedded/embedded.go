// Package embedded is the media engine inside the process: RTP legs over UDP,
// DTMF, players, mixer, recording taps, and browser legs over pion (which no
// other package may import).
//
// On Linux a few pollers read all legs, elsewhere a goroutine each. A leg with one source and no play is relayed
// packet by packet; everything else is mixed in 20 ms frames by a few shared
// pacers. It does not decide anything: routes, plays and recordings are
// ordered by call control through the media interfaces.
package embedded

import (
	"log/slog"
	"time"
)

// Config says where the engine listens. Zero values get sensible defaults.
type Config struct {
	IP             string        // address to bind; "" binds all (and advertises ExternalIP or the first host address)
	ExternalIP     string        // address to advertise when it differs from IP
	PortMin        int           // RTP range, even to odd; default 20000
	PortMax        int           // default 29999
	BrowserUDPPort int           // one UDP port for all browsers; 0 picks a free one
	MediaTimeout   time.Duration // silence of packets until MediaLost; default 3 s
	LatchWindow    time.Duration // how long after the first packet a better source may take over; default 3 s
	RelatchAfter   time.Duration // silence of the locked source until another may take its place; default 5 s
	Shards         int           // pacer goroutines; default half the cores, at least 1
	Log            *slog.Logger
	Now            func() time.Time

	portable bool // a goroutine per socket also where a poller could read them
}

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DataFolder checks that the folder can be written and who may read it.
func DataFolder(dir string) Check {
	return Check{Name: "data folder", Run: func(context.Context) Finding {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return bad("create it, or set HEARTLINE_DATA to a folder that this user may write", "%v", err)
		}
		probe := filepath.Join(dir, ".doctor")
		if err := os.WriteFile(probe, []byte("x"), 0o600); err != nil {
			return bad("make it writable for the user that runs heartline", "%v", err)
		}
		if err := os.Remove(probe); err != nil {
			return warn("remove it by hand", "%s: %v", probe, err)
		}
		return good("%s can be written", dir)
	}}
}

// Keys checks that nobody else can read the encryption keys.
func Keys(dir string) Check {
	return Check{Name: "keys", Run: func(context.Context) Finding {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, os.ErrNotExist) {
			return good("none yet; the first start makes them in %s", dir)
		}
		if err != nil {
			return bad("make the folder readable for the user that runs heartline", "%v", err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				return bad("look at the folder by hand", "%v", err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				return bad("chmod 600 "+filepath.Join(dir, e.Name()), "%s can be read by others (%v)", e.Name(), info.Mode().Perm())
			}
		}
		return good("%d key file(s) in %s, private; keep a copy off this machine: without them the data cannot be read", len(entries), dir)
	}}
}

// Disk checks the free space where recordings grow (about 58 MB an hour of talk).
func Disk(dir string, free func(string) (uint64, error), least uint64) Check {
	return Check{Name: "disk", Run: func(context.Context) Finding {
		n, err := free(dir)
		if err != nil {
			return warn("check the disk by hand", "%v", err)
		}
		hours := n / (58 << 20)
		if n < least {
			return bad("free some space: recording stops below the limit, calls go on", "%d MB free, below %d MB", n>>20, least>>20)
		}
		if n < 10*least {
			return warn("plan for more space", "%d MB free, about %d hours of recorded talk", n>>20, hours)
		}
		return good("%d GB free, about %d hours of recorded talk", n>>30, hours)
	}}
}

// Clock checks that the clock is plausible and the hospital's zone is known.
func Clock(now func() time.Time, zone string, built time.Time) Check {
	return Check{Name: "clock", Run: func(context.Context) Finding {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return bad("set HEARTLINE_TZ to a zone such as Asia/Shanghai", "unknown time zone %q", zone)
		}
		at := now()
		if at.Before(built.Add(-24 * time.Hour)) {
			return bad("set the clock and let chrony or systemd-timesyncd keep it", "the clock says %s, before this program was built", at.Format(time.RFC3339))
		}
		if synced, known := clockSynced(); known && !synced {
			return warn("start chrony or systemd-timesyncd: call times and two-factor codes need a right clock", "%s in %s; the kernel says the clock is not synchronised", at.In(loc).Format("2006-01-02 15:04:05"), zone)
		}
		return good("%s in %s", at.In(loc).Format("2006-01-02 15:04:05"), zone)
	}}
}

// Ready asks a program that may be running already on the HTTP address.
func Ready(ctx context.Context, addr string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+dialable(addr)+"/healthz", nil)
	if err != nil {
		return false
	}
	answer, err := (&http.Client{Timeout: 2 * time.Second}).Do(req)
	if err != nil {
		return false
	}
	return errors.Join(answer.Body.Close()) == nil && answer.StatusCode == http.StatusOK
}

// Port checks that an address can be bound, or is held by Heartline itself.
func Port(name, network, addr string, running bool) Check {
	return Check{Name: name, Run: func(ctx context.Context) Finding {
		if addr == "" {
			return good("switched off")
		}
		err := bind(ctx, network, addr)
		if err == nil {
			return good("%s %s is free", network, addr)
		}
		if running {
			return good("%s %s is held by the running heartline", network, addr)
		}
		return bad(portAdvice(err, network, addr), "%s %s: %v", network, addr, err)
	}}
}

func bind(ctx context.Context, network, addr string) error {
	var lc net.ListenConfig
	if network == "udp" {
		c, err := lc.ListenPacket(ctx, network, addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := lc.Listen(ctx, network, addr)
	if err != nil {
		return err
	}
	return l.Close()
}

func portAdvice(err error, network, addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	if errors.Is(err, os.ErrPermission) {
		return "ports below 1024 need CAP_NET_BIND_SERVICE, or choose a higher port"
	}
	return fmt.Sprintf("find who holds it: ss -lpn 'sport = :%s' (%s); stop that program or change the address in heartline.yaml", port, network)
}

// Certificate checks the TLS pair for SIP and HTTPS.
func Certificate(certFile, keyFile string, now func() time.Time) Check {
	return Check{Name: "certificate", Run: func(context.Context) Finding {
		if certFile == "" && keyFile == "" {
			return warn("browsers give the microphone to https pages only (localhost excepted): set tls_cert and tls_key, or put a TLS proxy in front", "none configured")
		}
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return bad("tls_cert and tls_key must be a PEM pair that belongs together", "%v", err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			return bad("renew the certificate", "%v", err)
		}
		left := leaf.NotAfter.Sub(now())
		names := strings.Join(leaf.DNSNames, ", ")
		switch {
		case left < 0:
			return bad("renew the certificate", "%s expired on %s", names, leaf.NotAfter.Format(time.DateOnly))
		case left < 21*24*time.Hour:
			return warn("renew the certificate", "%s expires on %s", names, leaf.NotAfter.Format(time.DateOnly))
		}
		return good("%s, until %s", names, leaf.NotAfter.Format(time.DateOnly))
	}}
}

// Trunk checks that the name of a trunk's peer resolves and, over TCP and
// TLS, that it accepts connections. The running server's OPTIONS say more.
func Trunk(name, host string, port int, transport string) Check {
	return Check{Name: "trunk " + name, Run: func(ctx context.Context) Finding {
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return bad("check the host name of the trunk and this machine's DNS", "%v", err)
		}
		if strings.EqualFold(transport, "udp") || transport == "" {
			return good("%s resolves; UDP reachability is what OPTIONS shows on the system page", host)
		}
		addr := net.JoinHostPort(host, fmt.Sprint(port))
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return bad("open the firewall towards the carrier, or ask whether the peer is up", "%v", err)
		}
		if err := conn.Close(); err != nil {
			return warn("try again", "%v", err)
		}
		return good("%s accepts connections", addr)
	}}
}

func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// Database reports what opening and migrating the database gave.
func Database(err error) Check {
	return Check{Name: "database", Run: func(context.Context) Finding {
		if err != nil {
			return bad("check database_url, and that the server runs and the user may create tables", "%v", err)
		}
		return good("opens, and its schema is up to date")
	}}
}

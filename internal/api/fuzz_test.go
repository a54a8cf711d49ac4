package api

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/identity"
)

func FuzzPublicData(f *testing.F) {
	f.Add([]byte(`{"from_sealed":"x","patients":["p"]}`))
	f.Add([]byte(`{"from_sealed":1e999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v map[string]json.RawMessage // numbers may be larger than a float
		if err := json.Unmarshal(publicData(identity.Principal{}, journal.Event{Data: data}), &v); err != nil {
			t.Fatal(err)
		}
		for _, hidden := range []string{"from_sealed", "from_index", "patients"} {
			if _, ok := v[hidden]; ok {
				t.Fatalf("%s came through", hidden)
			}
		}
	})
}

func FuzzClientAddress(f *testing.F) {
	f.Add("10.1.1.1:80", "1.2.3.4, 10.0.0.2")
	f.Add("[::1]:1", "::ffff:1.2.3.4")
	s := &Server{deps: Deps{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		ip := s.clientIP(r)
		if !s.trusted(remote) && !strings.Contains(remote, ip) {
			t.Fatalf("%q from an untrusted %q", ip, remote)
		}
	})
}

func FuzzHarmless(f *testing.F) {
	f.Add("=1+1")
	f.Fuzz(func(t *testing.T, v string) {
		if got := harmless(v); got != "" && strings.ContainsRune("=+-@\t\r", rune(got[0])) {
			t.Fatalf("%q", got)
		}
	})
}

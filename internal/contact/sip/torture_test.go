package sip_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heartline/internal/contact/sip"
)

// torture lists all RFC 4475 messages with what we answer: at the edge of a
// hospital (every INVITE and REGISTER needs a password first, so 401 is the
// sign of a message taken as well-formed), and as an open user agent, where
// the content of an INVITE matters too. 0 is silence.
var torture = []struct {
	name       string
	edge, open int
	why        string
}{
	{"wsinv", 481, 481, "valid, folded and spaced; carries a To tag of no dialog of ours"},
	{"intmeth", 501, 501, "valid characters, but a method nobody knows"},
	{"esc01", 401, 200, "valid: escaped @ in the user part"},
	{"escnull", 401, 405, "valid: escaped NUL in the user; an open user agent is no registrar"},
	{"esc02", 501, 501, "escapes in the method do not make it REGISTER"},
	{"lwsdisp", 200, 200, "valid: no space before <"},
	{"longreq", 401, 200, "valid: long values"},
	{"dblreq", 401, 405, "valid: what follows Content-Length 0 in the datagram is ignored"},
	{"semiuri", 200, 200, "valid: ;par= belongs to the user part"},
	{"transports", 200, 200, "valid: transports unknown to us in lower Vias"},
	{"mpart01", 405, 405, "valid MESSAGE, a method not served"},
	{"unreason", 0, 0, "valid response to no request of ours"},
	{"noreason", 0, 0, "valid response with empty reason, to no request of ours"},
	{"badinv01", 400, 400, "separators without parameters in Via and Contact"},
	{"clerr", 400, 400, "Content-Length beyond the datagram"},
	{"ncl", 400, 400, "negative Content-Length"},
	{"scalar02", 400, 400, "CSeq, Max-Forwards and Expires out of range"},
	{"scalarlg", 0, 0, "response with numbers out of range: discarded"},
	{"quotbal", 400, 400, "unbalanced quote in To"},
	{"ltgtruri", 400, 400, "Request-URI in angle brackets"},
	{"lwsruri", 400, 400, "spaces inside the Request-URI"},
	{"lwsstart", 400, 400, "several spaces in the start line"},
	{"trws", 400, 400, "spaces after SIP/2.0"},
	{"escruri", 400, 400, "headers in the Request-URI"},
	{"baddate", 401, 200, "a Date that is not GMT does not matter to us"},
	{"regbadct", 400, 400, "? in a Contact without brackets"},
	{"badaspec", 400, 400, "spaces inside the addr-spec of To"},
	{"baddn", 200, 200, "unquoted comma in a display name: harmless, read liberally"},
	{"badvers", 505, 505, "SIP/7.0"},
	{"mismatch01", 400, 400, "CSeq method differs from the request"},
	{"mismatch02", 501, 501, "unknown method (and CSeq differs)"},
	{"bigcode", 0, 0, "status code out of range: discarded"},
	{"badbranch", 200, 200, "the bare magic cookie is no branch; matched by the RFC 2543 rules"},
	{"insuf", 400, 400, "no Call-ID, From, To"},
	{"unkscm", 416, 416, "unknown scheme in the Request-URI"},
	{"novelsc", 416, 416, "known but inapplicable scheme"},
	{"unksm2", 401, 405, "unknown scheme in To of REGISTER: the password comes first"},
	{"bext01", 420, 420, "Require and Proxy-Require of extensions nobody has"},
	{"invut", 401, 415, "unknown body type: the password comes first"},
	{"regaut01", 401, 405, "unknown Authorization scheme: challenged with ours"},
	{"multi01", 400, 400, "single headers given twice"},
	{"mcl01", 400, 400, "two different Content-Length"},
	{"bcast", 0, 0, "response via broadcast address: discarded"},
	{"zeromf", 200, 200, "Max-Forwards 0 is fine for an OPTIONS that we answer ourselves"},
	{"cparam01", 401, 405, "valid: parameter of the Contact header"},
	{"cparam02", 401, 405, "valid: parameter of the Contact URI"},
	{"regescrt", 401, 405, "valid: escaped Route inside the brackets of Contact"},
	{"sdp01", 401, 406, "Accept without SDP: the password comes first"},
	{"inv2543", 401, 200, "RFC 2543 INVITE without branch and tag"},
	{"test", 0, 0, "neither a version in the start line nor a Via: no SIP, nowhere to answer"},
}

func TestTortureMessagesGetTheirNamedAnswer(t *testing.T) {
	dir := tortureDir(t)
	for _, open := range []bool{false, true} {
		for _, tc := range torture {
			t.Run(fmt.Sprintf("open=%v/%s", open, tc.name), func(t *testing.T) {
				t.Parallel()
				h := startHospital(t, func(c *sip.Config) { c.OpenUA = open }) // many share a branch
				h.handle(answerAll)
				want := tc.edge
				if open {
					want = tc.open
				}
				got, text := provoke(t, h, tortureMessage(t, dir, tc.name))
				if got != want {
					t.Errorf("answered %d, want %d (%s)\n%s", got, want, tc.why, text)
				}
			})
		}
	}
}

func TestTortureTableIsComplete(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(tortureDir(t), "*", "*.dat"))
	must(t, err)
	if len(files) != 50 || len(torture) != 50 {
		t.Fatalf("%d files, %d rows, want 50", len(files), len(torture))
	}
}

func tortureDir(t *testing.T) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	must(t, err)
	return filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")
}

func tortureMessage(t *testing.T, dir, name string) []byte {
	for _, kind := range []string{"valid", "invalid"} {
		if data, err := os.ReadFile(filepath.Join(dir, kind, name+".dat")); err == nil {
			if !bytes.Contains(data, []byte("\r\n\r\n")) {
				data = append(data, "\r\n"...) // baddn has lost its empty line in the archive
			}
			return data
		}
	}
	t.Fatalf("%s.dat is missing", name)
	return nil
}

// provoke sends a message from a socket of its own and returns the first
// final answer before that of a trailing probe.
func provoke(t *testing.T, h *hospital, data []byte) (code int, text string) {
	c, err := net.Dial("udp", h.srv.Addr("udp").String())
	must(t, err)
	defer c.Close()
	_, err = c.Write(data)
	must(t, err)
	buf := make([]byte, 65536)
	probe := "OPTIONS sip:probe@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;rport;branch=z9hG4bKprobe" + t.Name() +
		"\r\nFrom: <sip:p@p>;tag=1\r\nTo: <sip:p@p>\r\nCall-ID: probe-" + t.Name() + "\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	probe = strings.ReplaceAll(probe, "=true", "")
	quiet := time.Now().Add(300 * time.Millisecond) // an answer by a dialog takes a moment
	for probed := false; ; {
		wait := time.Until(quiet)
		if probed {
			wait = 5 * time.Second
		}
		must(t, c.SetReadDeadline(time.Now().Add(wait)))
		n, err := c.Read(buf)
		if err != nil {
			if probed {
				t.Fatal("the server does not answer any more")
			}
			_, err = c.Write([]byte(probe))
			must(t, err)
			probed = true
			continue
		}
		text = string(buf[:n])
		if strings.Contains(text, "Call-ID: probe-") {
			return 0, ""
		}
		if _, err := fmt.Sscanf(text, "SIP/2.0 %d", &code); err == nil && code >= 200 {
			return code, text
		}
	}
}

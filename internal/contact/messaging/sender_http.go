package messaging

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// HTTPConfig describes an operator's gateway. Body is what is posted, with
// {to}, {text}, {id} and {time} (Unix seconds) filled in, escaped for its
// kind. With HMAC the request carries X-Timestamp and X-Signature: SHA-256
// over the time, a dot and the body, in hexadecimal, under Secret.
type HTTPConfig struct {
	URL     string
	Body    string // a JSON document, or a form
	Form    bool
	Auth    string // none, bearer, hmac
	Secret  string
	IDField string // path of the message id in the answer, such as data.id; "" none
	Timeout time.Duration
	Tries   int // of one attempt, when the gateway is in trouble; 3 when 0
	Pause   time.Duration
	Client  *http.Client // nil: one of its own
	Now     func() time.Time
}

// HTTPSender posts messages to a gateway.
type HTTPSender struct {
	cfg  HTTPConfig
	mu   sync.Mutex
	last Health
}

// NewHTTPSender makes a sender after checking its settings.
func NewHTTPSender(cfg HTTPConfig) (*HTTPSender, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Tries <= 0 {
		cfg.Tries = 3
	}
	if cfg.Pause <= 0 {
		cfg.Pause = time.Second
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: cfg.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	s := &HTTPSender{cfg: cfg}
	if _, err := s.body(Parcel{ID: "x", To: "1", Text: "\"&"}); err != nil {
		return nil, err
	}
	return s, nil
}

// Name implements Sender.
func (h *HTTPSender) Name() string { return "http" }

// Start implements Sender.
func (h *HTTPSender) Start(context.Context, Inbox) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = Health{Name: h.Name(), Up: true, Detail: "ready", Since: h.cfg.Now()}
	return nil
}

// Stop implements Sender.
func (h *HTTPSender) Stop(context.Context) error {
	h.cfg.Client.CloseIdleConnections()
	return nil
}

// Health implements Sender: up until a request fails.
func (h *HTTPSender) Health(context.Context) Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// Send implements Sender.
func (h *HTTPSender) Send(ctx context.Context, p Parcel) (Accepted, error) {
	body, err := h.body(p)
	if err != nil {
		return Accepted{}, Permanent(ReasonRejected, err)
	}
	for try := 1; ; try++ {
		id, again, err := h.post(ctx, body)
		h.note(err)
		if err == nil {
			out := Accepted{}
			if id != "" {
				out.RemoteIDs = []string{id}
			}
			return out, nil
		}
		if !again {
			return Accepted{}, Permanent(ReasonRejected, err)
		}
		if try == h.cfg.Tries {
			return Accepted{}, err
		}
		t := time.NewTimer(h.cfg.Pause << (try - 1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return Accepted{}, err
		}
	}
}

// note keeps the condition for the screens.
func (h *HTTPSender) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	up := err == nil
	if up != h.last.Up {
		h.last.Since = h.cfg.Now()
	}
	h.last.Name, h.last.Up = h.Name(), up
	if up {
		h.last.Detail, h.last.LastError = "ready", ""
		h.last.Sent++
		return
	}
	h.last.Detail, h.last.LastError = "failing", err.Error()
	h.last.Failed++
}

// answerLimit is how much of an answer is read.
const answerLimit = 64 << 10

// post makes one request. again says that another may succeed.
func (h *HTTPSender) post(ctx context.Context, body []byte) (id string, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return "", false, errors.New("gateway address is wrong")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if h.cfg.Form {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	req.Header.Set("User-Agent", "Heartline")
	h.sign(req, body)
	resp, err := h.cfg.Client.Do(req)
	if err != nil {
		return "", true, errors.New("gateway cannot be reached: " + plain(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return "", true, errors.New("gateway answer was cut: " + plain(err))
	}
	if resp.StatusCode >= 300 {
		again := resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout
		return "", again, fmt.Errorf("gateway answered %d", resp.StatusCode)
	}
	return field(answer, h.cfg.IDField), false, nil
}

// plain is an error without the address it names: that may hold a number.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

func (h *HTTPSender) sign(req *http.Request, body []byte) {
	switch h.cfg.Auth {
	case "bearer":
		req.Header.Set("Authorization", "Bearer "+h.cfg.Secret)
	case "hmac":
		at := strconv.FormatInt(h.cfg.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(h.cfg.Secret))
		mac.Write([]byte(at + "."))
		mac.Write(body)
		req.Header.Set("X-Timestamp", at)
		req.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	}
}

// body fills the template of the request.
func (h *HTTPSender) body(p Parcel) ([]byte, error) {
	escape := jsonText
	if h.cfg.Form {
		escape = url.QueryEscape
	}
	r := strings.NewReplacer("{to}", escape(p.To), "{text}", escape(p.Text), "{id}", escape(p.ID), "{time}", strconv.FormatInt(h.cfg.Now().Unix(), 10))
	body := []byte(r.Replace(h.cfg.Body))
	if !h.cfg.Form && !json.Valid(body) {
		return nil, errors.New("sms_http_body is no JSON document")
	}
	return body, nil
}

// jsonText escapes for the inside of a JSON string.
func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // a string cannot fail
		return ""
	}
	return string(b[1 : len(b)-1])
}

// field finds a value in a JSON answer by its path.
func field(answer []byte, path string) string {
	if path == "" {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return ""
	}
	for _, name := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	}
	return ""
}

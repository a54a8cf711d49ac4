package sip

import (
	"strings"
)

const (
	allowLine     = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, REGISTER\r\n"
	supportedLine = "Supported: 100rel, timer, replaces\r\n"
	acceptLine    = "Accept: application/sdp, application/dtmf-relay, application/dtmf, message/sipfrag\r\n"
)

// dispatch routes one parsed message. It runs in a reader's goroutine and
// must not wait for anything.
func (s *Server) dispatch(m *message, perr *parseError, f flow) {
	if perr != nil {
		s.stats.malformed.Add(1)
	}
	switch {
	case m == nil:
	case !m.isRequest():
		if perr == nil {
			s.clientResponse(m)
		}
	case perr != nil:
		if m.method != "ACK" && perr.code > 0 && m.via.raw != "" && m.via.host != "" {
			_ = s.send(replyFlow(m, f), s.response(m, replyFlow(m, f), perr.code, perr.reason, newTag(), "", nil))
		}
	case m.method == "ACK":
		s.handleAck(m, f)
	case m.method == "CANCEL":
		s.handleCancel(m, f)
	default:
		if tx := s.begin(m, f); tx != nil {
			s.handleRequest(m, f, tx)
		}
	}
}

func (s *Server) handleAck(m *message, f flow) {
	s.txMu.Lock()
	tx := s.serverTxs[serverKey(m, "ACK")]
	s.txMu.Unlock()
	if tx != nil && tx.ack() {
		return
	}
	if d := s.findDialog(m.to.tag()); d != nil {
		d.post(func() { d.onAck(m, f) })
	}
}

// handleCancel: the 200 to the CANCEL goes first, then the INVITE is ended by
// its owner, who may just have answered it (RFC 3261 §9.2).
func (s *Server) handleCancel(m *message, f flow) {
	s.txMu.Lock()
	tx := s.serverTxs[serverKey(m, "CANCEL")]
	s.txMu.Unlock()
	r := replyFlow(m, f)
	if tx == nil {
		_ = s.send(r, s.response(m, r, 481, "", newTag(), "", nil))
		return
	}
	_ = s.send(r, s.response(m, r, 200, "", tx.tag, "", nil))
	tx.cancel()
}

// handleRequest takes a new request apart by method (RFC 3261 §8.2).
func (s *Server) handleRequest(m *message, f flow, tx *serverTx) {
	if code, extra := s.screen(m); code != 0 {
		tx.reply(code, "", extra)
		return
	}
	if tag := m.to.tag(); tag != "" {
		s.inDialog(tag, m, f, tx)
		return
	}
	switch m.method {
	case "INVITE":
		s.inboundInvite(m, f, tx)
	case "REGISTER":
		s.register(m, f, tx)
	case "OPTIONS":
		tx.reply(200, "", allowLine+supportedLine+acceptLine)
	case "BYE", "PRACK", "UPDATE", "INFO", "REFER":
		tx.reply(481, "", "")
	case "NOTIFY", "SUBSCRIBE":
		tx.reply(489, "", "")
	default: // MESSAGE, PUBLISH: known, not served here
		tx.reply(405, "", allowLine)
	}
}

func (s *Server) inDialog(tag string, m *message, f flow, tx *serverTx) {
	d := s.findDialog(tag)
	if d == nil {
		tx.reply(481, "", "")
		return
	}
	if !d.post(func() { d.onRequest(m, f, tx) }) {
		tx.reply(481, "", "")
	}
}

// screen refuses what no method handler should see.
func (s *Server) screen(m *message) (code int, extra string) {
	if !knownMethod(m.method) {
		return 501, allowLine
	}
	if m.cseqMeth != m.method {
		return 400, ""
	}
	u, err := parseURI(m.uri)
	switch {
	case err != nil || u.headers != "":
		return 400, ""
	case !u.isSIP() && u.scheme != "tel":
		return 416, ""
	}
	if bad := unsupported(m); bad != "" {
		return 420, line("Unsupported", bad)
	}
	if m.to.tag() != "" {
		return 0, ""
	}
	if m.maxFwd == 0 && m.method != "OPTIONS" && m.method != "REGISTER" {
		return 483, ""
	}
	if s.looped(m) {
		return 482, ""
	}
	return 0, ""
}

func knownMethod(m string) bool {
	switch m {
	case "INVITE", "REGISTER", "OPTIONS", "BYE", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY",
		"SUBSCRIBE", "MESSAGE", "PUBLISH":
		return true
	}
	return false
}

// unsupported lists the extensions that a request requires and we lack.
func unsupported(m *message) string {
	var missing []string
	if m.has(hRequire) {
		for _, tag := range m.values(hRequire) {
			switch strings.ToLower(tag) {
			case "100rel", "timer", "replaces":
			default:
				missing = append(missing, tag)
			}
		}
	}
	if m.has(hProxyRequire) {
		missing = append(missing, m.values(hProxyRequire)...)
	}
	return strings.Join(missing, ", ")
}

// looped: one of our own branches below the top Via means that our request
// came back to us.
func (s *Server) looped(m *message) bool {
	if strings.HasPrefix(m.via.branch, s.branchPrefix) {
		return true
	}
	for i := range m.hdrs {
		if m.hdrs[i].id == hVia && strings.Contains(m.hdrs[i].val, s.branchPrefix) {
			return true
		}
	}
	return false
}

package sip

import (
	"strconv"
	"strings"
)

// parseNameAddr reads `"Display" <uri>;params`, `Display <uri>` or `uri;params`.
func parseNameAddr(s string) (na nameAddr, err *parseError) {
	na.raw = s
	rest := s
	if strings.HasPrefix(rest, `"`) {
		end := quotedEnd(rest)
		if end < 0 {
			return na, bad("unbalanced quotes")
		}
		na.display = unquote(rest[:end])
		rest = strings.TrimLeft(rest[end:], " \t")
		if !strings.HasPrefix(rest, "<") {
			return na, bad("no address after display name")
		}
	}
	open := strings.IndexByte(rest, '<')
	if open < 0 {
		// without brackets all parameters belong to the header (RFC 3261 §20)
		text, par, _ := strings.Cut(rest, ";")
		na.uriText = strings.TrimSpace(text)
		na.params = parseParams(par)
		na.uri, err = parseURI(na.uriText)
		return na, err
	}
	if open > 0 {
		na.display = strings.TrimSpace(rest[:open])
		if strings.ContainsAny(na.display, `";,:`) && !looseDisplay(na.display) {
			return na, bad("malformed display name")
		}
	}
	text, after, ok := strings.Cut(rest[open+1:], ">")
	if !ok {
		return na, bad("missing '>'")
	}
	if text == "" || strings.ContainsAny(text, " \t<\"") {
		return na, bad("malformed address")
	}
	na.uriText = text
	if after = strings.TrimLeft(after, " \t"); after != "" {
		if after[0] != ';' {
			return na, bad("text after address")
		}
		na.params = parseParams(after[1:])
	}
	na.uri, err = parseURI(text)
	return na, err
}

// looseDisplay allows "Bell, Alexander <…>": wrong, common and harmless.
func looseDisplay(s string) bool { return !strings.ContainsAny(s, `";:`) }

func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseURI reads a URI. Schemes other than sip, sips and tel stay opaque.
func parseURI(s string) (u uri, err *parseError) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || strings.ContainsAny(s, " \t<>\"") {
		return u, bad("malformed URI")
	}
	u.scheme = strings.ToLower(scheme)
	if !u.isSIP() {
		u.opaque = rest
		if u.scheme == "tel" {
			num, par, _ := strings.Cut(rest, ";")
			u.user, u.params = num, parseParams(par)
		}
		return u, nil
	}
	if i := strings.IndexByte(rest, '?'); i >= 0 && i > strings.IndexByte(rest, '@') {
		rest, u.headers = rest[:i], rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		u.user, u.pass, _ = strings.Cut(rest[:i], ":")
		rest = rest[i+1:]
	}
	hostPort, par, _ := strings.Cut(rest, ";")
	u.params = parseParams(par)
	u.host, u.port, err = parseHostPort(hostPort)
	return u, err
}

func parseHostPort(s string) (host string, port int, err *parseError) {
	rest := ""
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return "", 0, bad("malformed IPv6 address")
		}
		host, rest = s[1:i], s[i+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, rest = strings.TrimSpace(s[:i]), s[i:]
	} else {
		host = s
	}
	if host == "" || strings.ContainsAny(host, " \t@/") {
		return "", 0, bad("malformed host")
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		n, e := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(rest, ":")), 10, 16)
		if e != nil || rest[0] != ':' {
			return "", 0, bad("malformed port")
		}
		port = int(n)
	}
	return host, port, nil
}

// parseParams reads ";"-separated parameters (without the leading one).
// Names become lower case, quoted values lose their quotes.
func parseParams(s string) params {
	if s == "" {
		return nil
	}
	out := make(params, 0, 4)
	for s != "" {
		item := s
		if i := indexOutside(s, ';'); i >= 0 {
			item, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		name, val, _ := strings.Cut(item, "=")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		out = append(out, param{strings.ToLower(name), unquote(strings.TrimSpace(val))})
	}
	return out
}

// unescape undoes %XX; broken escapes stay as they are, %00 and control
// characters too, so that they never match an account.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && n >= 0x20 && n != 0x7f {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const userChars = "-_.!~*'()&=+$,;?/"

// escapeUser makes a user part safe for a URI.
func escapeUser(s string) string {
	safe := true
	for i := 0; i < len(s) && safe; i++ {
		safe = isUserChar(s[i])
	}
	if safe {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if isUserChar(s[i]) {
			b.WriteByte(s[i])
			continue
		}
		const hex = "0123456789ABCDEF"
		b.WriteByte('%')
		b.WriteByte(hex[s[i]>>4])
		b.WriteByte(hex[s[i]&15])
	}
	return b.String()
}

func isUserChar(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte(userChars, c) >= 0
}

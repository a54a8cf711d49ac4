// Package config holds the settings of an installation: one struct, read from
// heartline.yaml, each key overridable by an environment variable. A key that
// does not exist or a value that cannot be is an error that names the line and
// the reason. Settings that the hospital changes while running (queues, flows,
// users) live in the database, not here.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Config is everything that is decided before the start. The doc tags are the
// comments of the example file; docs/operations.md is not repeated there.
type Config struct {
	DataDir        string `yaml:"data_dir" env:"HEARTLINE_DATA" doc:"Folder for everything Heartline stores: database, keys, recordings, prompts."`
	HTTPAddr       string `yaml:"http_addr" doc:"Address of the web app, the API and SIP over WebSocket."`
	PublicURL      string `yaml:"public_url" doc:"URL under which browsers reach the web app, if a proxy stands in front: https://call.example.org. Empty: as the browser says."`
	TLSCert        string `yaml:"tls_cert" doc:"Certificate file (PEM) for HTTPS and SIP over TLS. Empty: no TLS."`
	TLSKey         string `yaml:"tls_key" doc:"Private key file (PEM) of tls_cert."`
	SIPAddr        string `yaml:"sip_addr" doc:"Address for SIP over UDP and TCP."`
	SIPTLSAddr     string `yaml:"sip_tls_addr" doc:"Address for SIP over TLS; used if tls_cert is set. Empty: off."`
	SIPExternalIP  string `yaml:"sip_external_ip" doc:"IP address that phones and trunks see, if the server stands behind NAT. Empty: the address of the network card."`
	SIPRealm       string `yaml:"sip_realm" doc:"Realm of SIP passwords. Changing it makes all phones register anew with a new secret."`
	SIPSourceRate  int    `yaml:"sip_source_rate" doc:"SIP messages a second that one address may send; trunks may send twenty times as many. Raise it if many phones stand behind one NAT address."`
	RTPPorts       string `yaml:"rtp_ports" doc:"UDP ports for sound, first-last."`
	BrowserUDPPort int    `yaml:"browser_udp_port" doc:"One UDP port for the sound of all browsers."`
	MaxCalls       int    `yaml:"max_calls" doc:"Calls at the same time; further ones are refused with 503. 0: as many as RTP ports allow."`
	HospitalName   string `yaml:"hospital_name" doc:"Name of the hospital, shown on every page."`
	HospitalNameEN string `yaml:"hospital_name_en" doc:"The name in English."`
	ServiceNumber  string `yaml:"service_number" doc:"The hospital's hotline number."`
	DatabaseURL    string `yaml:"database_url" doc:"sqlite:/path/heartline.db or postgres://user:password@host/db. Empty: SQLite in data_dir."`
	RecordingDir   string `yaml:"recording_dir" doc:"Folder of the encrypted recordings. Empty: recordings in data_dir."`
	RecordFrom     string `yaml:"record_from" doc:"When the recording of a call that the program answers begins: answer (menu, announcements and music are on it) or conversation (calls that nobody talks to are not recorded)."`
	RecordInternal bool   `yaml:"record_internal" doc:"Record calls between extensions of the house too; calls with the outside are always recorded."`
	TimeZone       string `yaml:"time_zone" env:"HEARTLINE_TZ" doc:"Time zone of the hospital (IANA name)."`
	LogFormat      string `yaml:"log_format" doc:"text or json."`
	LogLevel       string `yaml:"log_level" doc:"debug, info, warn or error."`
	DrainSeconds   int    `yaml:"drain_seconds" doc:"How long a stop waits for calls to end by themselves."`
	SMSSender      string `yaml:"sms_sender" doc:"How short messages leave the house: log (nowhere: they are seen in the outbox only), http (an operator's gateway) or smpp (a message centre)."`
	SMSReminderOff string `yaml:"sms_reminder_quiet" doc:"Hours in which reminders wait, such as 21:30-07:30. Empty: none."`
	SMSMarketOff   string `yaml:"sms_marketing_quiet" doc:"Hours in which marketing messages wait. Empty: none."`
	SMSPerHour     int    `yaml:"sms_per_hour" doc:"Messages to one number in an hour; further ones wait. Sign-in codes have a limit of their own."`
	SMSSecret      string `yaml:"sms_secret" secret:"true" doc:"Password of the message centre, or token or key of the gateway. Better in the environment or in sms_secret_file."`
	SMSSecretFile  string `yaml:"sms_secret_file" doc:"File that holds the secret; used if sms_secret is empty."`
	SMSHTTPURL     string `yaml:"sms_http_url" doc:"Address of the gateway that messages are posted to."`
	SMSHTTPBody    string `yaml:"sms_http_body" doc:"What is posted; {to}, {text}, {id} and {time} are filled in and escaped."`
	SMSHTTPForm    bool   `yaml:"sms_http_form" doc:"The body is a form (a=b&c=d) and no JSON document."`
	SMSHTTPAuth    string `yaml:"sms_http_auth" doc:"none, bearer (Authorization: Bearer) or hmac (X-Timestamp and X-Signature)."`
	SMSHTTPID      string `yaml:"sms_http_id" doc:"Path of the message id in the gateway's answer, such as data.id. Empty: there is none."`
	SMPPAddr       string `yaml:"smpp_addr" doc:"Address of the message centre, host:port."`
	SMPPTLS        bool   `yaml:"smpp_tls" doc:"Speak TLS with the message centre."`
	SMPPSystemID   string `yaml:"smpp_system_id" doc:"Account at the message centre."`
	SMPPSystemType string `yaml:"smpp_system_type" doc:"Kind of account, if the message centre asks for it."`
	SMPPSource     string `yaml:"smpp_source" doc:"Number or name that messages come from."`
	SMPPCountry    string `yaml:"smpp_country_code" doc:"Put before national numbers, such as 86. Empty: numbers are sent as they are."`
	SMPPBind       string `yaml:"smpp_bind" doc:"transceiver (one connection) or separate (a transmitter and a receiver)."`
	SMPPLong       string `yaml:"smpp_long" doc:"How parts of long messages are tied together: udh or sar."`
	SMPPWindow     int    `yaml:"smpp_window" doc:"Requests without an answer that the message centre allows."`
	SMPPPerSecond  int    `yaml:"smpp_per_second" doc:"Short messages a second that the message centre allows."`
	Demo           bool   `yaml:"demo" doc:"A fictional hospital with the caller's page /try, open to anybody who reaches the server. Never with real patients."`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		DataDir:        "./var",
		HTTPAddr:       ":8080",
		SIPAddr:        ":5060",
		SIPTLSAddr:     ":5061",
		SIPRealm:       "heartline",
		SIPSourceRate:  200,
		RTPPorts:       "20000-29999",
		BrowserUDPPort: 19999,
		ServiceNumber:  "96166",
		RecordFrom:     "answer",
		RecordInternal: true,
		TimeZone:       "Asia/Shanghai",
		LogFormat:      "text",
		LogLevel:       "info",
		DrainSeconds:   600,
		SMSSender:      "log",
		SMSReminderOff: "21:30-07:30",
		SMSMarketOff:   "20:00-09:00",
		SMSPerHour:     20,
		SMSHTTPBody:    `{"to":"{to}","text":"{text}","id":"{id}"}`,
		SMSHTTPAuth:    "none",
		SMPPBind:       "transceiver",
		SMPPLong:       "udh",
		SMPPWindow:     10,
		SMPPPerSecond:  50,
	}
}

// Database is the URL for store.Open.
func (c *Config) Database() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return "sqlite:" + filepath.Join(c.DataDir, "heartline.db")
}

// Recordings is the folder of recordings.
func (c *Config) Recordings() string {
	if c.RecordingDir != "" {
		return c.RecordingDir
	}
	return filepath.Join(c.DataDir, "recordings")
}

// KeyDir is the folder of the keys.
func (c *Config) KeyDir() string { return filepath.Join(c.DataDir, "keys") }

// Location is the hospital's time zone.
func (c *Config) Location() *time.Location {
	loc, err := time.LoadLocation(c.TimeZone)
	if err != nil { // Load has checked it; a Config made by hand may be wrong
		return time.FixedZone("CST", 8*3600)
	}
	return loc
}

// RTPRange is the first and the last port of rtp_ports.
func (c *Config) RTPRange() (first, last int) {
	first, last, _ = portRange(c.RTPPorts)
	return first, last
}

// Level is log_level for slog.
func (c *Config) Level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(c.LogLevel)) // checked by Load; otherwise Info
	return l
}

// Drain is drain_seconds.
func (c *Config) Drain() time.Duration { return time.Duration(c.DrainSeconds) * time.Second }

// check is a key of the file with what is wrong with its value.
type check struct {
	key string
	err error
}

// check finds values that cannot be; the key is that of the file.
func (c *Config) check() (key string, err error) {
	for _, v := range append(c.messageChecks(), []check{
		{"data_dir", notEmpty(c.DataDir)},
		{"http_addr", address(c.HTTPAddr)},
		{"public_url", webURL(c.PublicURL)},
		{"tls_key", together(c.TLSCert, c.TLSKey)},
		{"sip_addr", address(c.SIPAddr)},
		{"sip_tls_addr", optional(c.SIPTLSAddr, address)},
		{"sip_external_ip", optional(c.SIPExternalIP, ip)},
		{"sip_realm", realm(c.SIPRealm)},
		{"sip_source_rate", between(c.SIPSourceRate, 1, 1_000_000)},
		{"rtp_ports", rtpPorts(c.RTPPorts)},
		{"browser_udp_port", between(c.BrowserUDPPort, 0, 65535)},
		{"max_calls", between(c.MaxCalls, 0, 100000)},
		{"service_number", digits(c.ServiceNumber)},
		{"database_url", optional(c.DatabaseURL, database)},
		{"record_from", oneOf(c.RecordFrom, "answer", "conversation")},
		{"time_zone", zone(c.TimeZone)},
		{"log_format", oneOf(c.LogFormat, "text", "json")},
		{"log_level", oneOf(c.LogLevel, "debug", "info", "warn", "error")},
		{"drain_seconds", between(c.DrainSeconds, 0, 86400)},
	}...) {
		if v.err != nil {
			return v.key, v.err
		}
	}
	return "", nil
}

func notEmpty(s string) error {
	if s == "" {
		return fmt.Errorf("must not be empty")
	}
	return nil
}

func optional(s string, check func(string) error) error {
	if s == "" {
		return nil
	}
	return check(s)
}

func address(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not host:port or :port", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port number from 0 to 65535", s)
	}
	return nil
}

func ip(s string) error {
	if net.ParseIP(s) == nil {
		return fmt.Errorf("%q is not an IP address", s)
	}
	return nil
}

func webURL(s string) error {
	u, err := url.Parse(s)
	if s == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return fmt.Errorf("%q is not an http or https URL", s)
}

func realm(s string) error {
	if s == "" || strings.ContainsAny(s, "\"\\\r\n") {
		return fmt.Errorf("must not be empty or hold quotes, backslashes or line breaks")
	}
	return nil
}

func together(cert, key string) error {
	if (cert == "") != (key == "") {
		return fmt.Errorf("tls_cert and tls_key are needed together")
	}
	return nil
}

func rtpPorts(s string) error {
	_, _, err := portRange(s)
	return err
}

func portRange(s string) (first, last int, err error) {
	a, b, ok := strings.Cut(s, "-")
	first, err1 := strconv.Atoi(strings.TrimSpace(a))
	last, err2 := strconv.Atoi(strings.TrimSpace(b))
	if !ok || err1 != nil || err2 != nil || first < 1024 || last > 65535 || last-first < 3 {
		return 0, 0, fmt.Errorf("%q is not a range of ports from 1024 to 65535 such as 20000-29999", s)
	}
	return first, last, nil
}

func between(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%d is not from %d to %d", n, low, high)
	}
	return nil
}

func digits(s string) error {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return fmt.Errorf("%q is not a number to dial", s)
	}
	return nil
}

func database(s string) error {
	for _, scheme := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok && rest != "" {
			return nil
		}
	}
	return fmt.Errorf("must begin with sqlite: or postgres://") // the value may hold a password
}

func zone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "" {
		return fmt.Errorf("%q is not a time zone such as Asia/Shanghai", s)
	}
	return nil
}

func oneOf(s string, choices ...string) error {
	for _, c := range choices {
		if s == c {
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", s, strings.Join(choices, ", "))
}

package config

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// messageChecks looks at the settings of short messages.
func (c *Config) messageChecks() []check {
	list := []check{
		{"sms_sender", oneOf(c.SMSSender, "log", "http", "smpp")},
		{"sms_reminder_quiet", optional(c.SMSReminderOff, hours)},
		{"sms_marketing_quiet", optional(c.SMSMarketOff, hours)},
		{"sms_per_hour", between(c.SMSPerHour, 1, 10000)},
		{"sms_http_auth", oneOf(c.SMSHTTPAuth, "none", "bearer", "hmac")},
		{"smpp_bind", oneOf(c.SMPPBind, "transceiver", "separate")},
		{"smpp_long", oneOf(c.SMPPLong, "udh", "sar")},
		{"smpp_country_code", optional(c.SMPPCountry, digits)},
		{"smpp_window", between(c.SMPPWindow, 1, 1000)},
		{"smpp_per_second", between(c.SMPPPerSecond, 1, 10000)},
	}
	switch c.SMSSender {
	case "http":
		list = append(list, check{"sms_http_url", notEmpty(c.SMSHTTPURL)}, check{"sms_http_url", webURL(c.SMSHTTPURL)},
			check{"sms_http_body", notEmpty(c.SMSHTTPBody)})
	case "smpp":
		list = append(list, check{"smpp_addr", address(c.SMPPAddr)}, check{"smpp_system_id", notEmpty(c.SMPPSystemID)})
	}
	return list
}

func hours(s string) error {
	a, b, ok := strings.Cut(s, "-")
	_, err1 := time.Parse("15:04", a)
	_, err2 := time.Parse("15:04", b)
	if !ok || err1 != nil || err2 != nil || a == b {
		return fmt.Errorf("%q are no hours such as 21:30-07:30", s)
	}
	return nil
}

// MessageSecret is the secret of the sender: from the file if it stands in
// one.
func (c *Config) MessageSecret() (string, error) {
	if c.SMSSecret != "" || c.SMSSecretFile == "" {
		return c.SMSSecret, nil
	}
	b, err := os.ReadFile(c.SMSSecretFile)
	if err != nil {
		return "", fmt.Errorf("read sms_secret_file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

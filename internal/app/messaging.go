package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"heartline/internal/app/doctor"
	"heartline/internal/care/patient"
	"heartline/internal/contact/messaging"
	"heartline/internal/contact/messaging/smpp"
	"heartline/internal/platform/config"
	"heartline/internal/platform/store"
)

// openMessages builds the outbox with the sender that the configuration names.
func (a *App) openMessages(context.Context) error {
	sender, err := messageSender(a.cfg, a.log, a.now)
	if err != nil {
		return err
	}
	reminders, err := messaging.ParseQuiet(a.cfg.SMSReminderOff)
	if err != nil {
		return err
	}
	marketing, err := messaging.ParseQuiet(a.cfg.SMSMarketOff)
	if err != nil {
		return err
	}
	a.messages = messaging.New(messaging.Deps{
		DB: a.db, Keys: a.keys, Audit: a.audit, Bus: a.bus, Jobs: a.jobs, Log: a.log, Now: a.now, Sender: sender,
		People: reach{a.patients}, Story: messageStory{a.patients}, Permits: permits{a.consents},
		Settings: messaging.Settings{
			Hospital: a.cfg.HospitalName, HospitalEN: a.cfg.HospitalNameEN, Hotline: a.cfg.ServiceNumber,
			Quiet:   map[messaging.Class]messaging.Quiet{messaging.ClassReminder: reminders, messaging.ClassMarketing: marketing},
			PerHour: a.cfg.SMSPerHour, Zone: a.cfg.Location(),
		},
	})
	a.notices = &notices{messages: a.messages, names: &houseNames{house: a.hospital}, alarms: a.alarms, log: a.log}
	return nil
}

// startMessages lets the sender connect. The directory is read before: names
// are needed in transactions of others.
func (a *App) startMessages(ctx context.Context) error {
	if err := a.startNames(ctx); err != nil {
		return err
	}
	if err := a.messages.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.onClose("messages", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return a.messages.Stop(ctx)
	})
	return nil
}

func messageSender(cfg *config.Config, log *slog.Logger, now func() time.Time) (messaging.Sender, error) {
	secret, err := cfg.MessageSecret()
	if err != nil {
		return nil, err
	}
	switch cfg.SMSSender {
	case "http":
		return messaging.NewHTTPSender(messaging.HTTPConfig{URL: cfg.SMSHTTPURL, Body: cfg.SMSHTTPBody, Form: cfg.SMSHTTPForm,
			Auth: cfg.SMSHTTPAuth, Secret: secret, IDField: cfg.SMSHTTPID, Now: now})
	case "smpp":
		c := smpp.Config{Addr: cfg.SMPPAddr, SystemID: cfg.SMPPSystemID, Password: secret, SystemType: cfg.SMPPSystemType,
			Separate: cfg.SMPPBind == "separate", Source: smpp.SourceAddress(cfg.SMPPSource), CountryCode: cfg.SMPPCountry,
			Long: smpp.Long(cfg.SMPPLong), Window: cfg.SMPPWindow, PerSecond: float64(cfg.SMPPPerSecond), Now: now, Log: log}
		if cfg.SMPPTLS {
			host, _ := splitAddr(cfg.SMPPAddr)
			c.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		}
		return messaging.NewSMPPSender(c), nil
	}
	return messaging.NewLogSender(log, now), nil
}

// reach tells the outbox how a patient gets messages.
type reach struct{ patients *patient.Service }

// Reach implements messaging.People.
func (r reach) Reach(ctx context.Context, tx *store.Tx, patientID string) (messaging.Contact, error) {
	c, err := r.patients.Reach(ctx, tx, patientID)
	return messaging.Contact{Name: c.Name, Number: c.Number, Lang: c.Language}, err
}

// messageStory puts messages on timelines: what they were about, not what
// they said.
type messageStory struct{ patients *patient.Service }

// Message implements messaging.Story.
func (m messageStory) Message(ctx context.Context, tx *store.Tx, msg messaging.Message) error {
	title := msg.Template // screens have words for it
	if msg.Direction == messaging.In {
		title = "message.in"
	} else if title == "" {
		title = "message.out"
	}
	return m.patients.SetTimelineOf(ctx, tx, patient.KindMessage, msg.ID, patient.TimelineEntry{PatientID: msg.PatientID, At: msg.CreatedAt,
		Kind: patient.KindMessage, Title: title, SourceID: msg.ID})
}

// messageChecks are the doctor's look at the sender.
func messageChecks(cfg *config.Config) []doctor.Check {
	switch cfg.SMSSender {
	case "http":
		return []doctor.Check{doctor.Messages("http", strings.TrimSpace(cfg.SMSHTTPURL), secretReadable(cfg), nil)}
	case "smpp":
		return []doctor.Check{doctor.Messages("smpp", cfg.SMPPAddr, secretReadable(cfg), func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", cfg.SMPPAddr)
			if err != nil {
				return err
			}
			return conn.Close()
		})}
	}
	return []doctor.Check{doctor.Messages("log", "", nil, nil)}
}

func secretReadable(cfg *config.Config) error {
	secret, err := cfg.MessageSecret()
	if err == nil && secret == "" && (cfg.SMSSender == "smpp" || cfg.SMSHTTPAuth != "none") {
		err = fmt.Errorf("sms_secret is empty")
	}
	return err
}

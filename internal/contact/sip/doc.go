// Package sip is Heartline's SIP edge: listeners (UDP, TCP, TLS, WebSocket)
// with their limits, digest authentication, the registrar, trunks, and the
// dialog layer. It alone, with its subpackage phone, imports sipgo.
//
// It owns signalling state: who is registered over which flow, which dialogs
// live, what was sent last and must be repeated. It does not own calls (which
// dialogs belong together is package call's business), media, or the meaning
// of session descriptions: SDP passes through as opaque bytes.
//
// Each dialog is one actor goroutine; everything that reaches a dialog, from
// the network or from its user, is queued in order of arrival and handled
// there. Parser, transports and transactions are our own, because they have to
// keep the order of messages, answer what is malformed, bound memory per
// source, and cost little per call (ADR 4); sipgo is the second opinion in tests.
package sip

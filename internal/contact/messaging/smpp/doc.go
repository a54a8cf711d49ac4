// Package smpp speaks SMPP 3.4 as an ESME: it binds to a message centre,
// submits short messages, and takes deliveries and receipts. It owns the
// protocol data units, the alphabets (GSM 7-bit, UCS-2), long messages by
// user data header and by sar_ parameters, and the session with its window,
// pace, keep-alive and reconnection.
//
// Section numbers are those of the Short Message Peer to Peer Protocol
// Specification v3.4, issue 1.2. The package stores nothing and knows no
// templates, consents or people: that is package messaging.
package smpp

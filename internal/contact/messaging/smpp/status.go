package smpp

import "fmt"

// Status is a command_status (§5.1.3).
type Status uint32

// The statuses that are sent or looked at.
const (
	StatusOK                   Status = 0x00000000 // ESME_ROK
	StatusInvalidMessageLength Status = 0x00000001 // ESME_RINVMSGLEN
	StatusInvalidLength        Status = 0x00000002 // ESME_RINVCMDLEN
	StatusInvalidCommand       Status = 0x00000003 // ESME_RINVCMDID
	StatusBindState            Status = 0x00000004 // ESME_RINVBNDSTS
	StatusAlreadyBound         Status = 0x00000005 // ESME_RALYBND
	StatusSystemError          Status = 0x00000008 // ESME_RSYSERR
	StatusInvalidSource        Status = 0x0000000A // ESME_RINVSRCADR
	StatusInvalidDest          Status = 0x0000000B // ESME_RINVDSTADR
	StatusBindFailed           Status = 0x0000000D // ESME_RBINDFAIL
	StatusInvalidPassword      Status = 0x0000000E // ESME_RINVPASWD
	StatusInvalidSystemID      Status = 0x0000000F // ESME_RINVSYSID
	StatusQueueFull            Status = 0x00000014 // ESME_RMSGQFUL
	StatusSubmitFailed         Status = 0x00000045 // ESME_RSUBMITFAIL
	StatusThrottled            Status = 0x00000058 // ESME_RTHROTTLED
	StatusTemporary            Status = 0x00000064 // ESME_RX_T_APPN
	StatusInvalidOptional      Status = 0x000000C0 // ESME_RINVOPTPARSTREAM
	StatusInvalidParamLength   Status = 0x000000C2 // ESME_RINVPARLEN
	StatusUnknown              Status = 0x000000FF // ESME_RUNKNOWNERR
)

// StatusError is a request that the message centre refused.
type StatusError struct{ Status Status }

func (e *StatusError) Error() string {
	return fmt.Sprintf("smpp: message centre answered %08X", uint32(e.Status))
}

// Temporary reports whether the same request may succeed later: the centre is
// full, slow, or in trouble.
func (e *StatusError) Temporary() bool {
	switch e.Status {
	case StatusQueueFull, StatusThrottled, StatusTemporary, StatusSystemError, StatusSubmitFailed, StatusBindState, StatusUnknown:
		return true
	}
	return false
}

// slow reports whether the centre asks for a pause.
func (e *StatusError) slow() bool { return e.Status == StatusQueueFull || e.Status == StatusThrottled }

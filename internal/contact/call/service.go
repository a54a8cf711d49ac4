package call

import (
	"context"

	"heartline/internal/platform/errs"
)

// Service is call control: it takes calls from the SIP server, from agents
// and from /try, and carries out their commands.
type Service struct{}

var errNotReady = errs.New(errs.Unavailable, "call.starting")

// SignIn seats an agent. An agent who is already signed in changes the seat.
func (s *Service) SignIn(ctx context.Context, agent string, seat Seat) error { return errNotReady }

// SignOut takes an agent out; refused while a call is in progress.
func (s *Service) SignOut(ctx context.Context, agent string) error { return errNotReady }

// SetState makes an agent ready, or not ready with a reason code. A browser
// seat can only be ready while its sound is connected.
func (s *Service) SetState(ctx context.Context, agent string, ready bool, reason string) error {
	return errNotReady
}

// Desk returns what the agent's desk shows.
func (s *Service) Desk(ctx context.Context, agent string) (DeskView, error) {
	return DeskView{}, errNotReady
}

// Dial calls a number (extension, service number or outside) for an agent.
func (s *Service) Dial(ctx context.Context, agent, to string) (string, error) {
	return "", errNotReady
}

// Answer takes the call that rings for the agent.
func (s *Service) Answer(ctx context.Context, agent, callID string) error { return errNotReady }

// Reject refuses the call that rings for the agent.
func (s *Service) Reject(ctx context.Context, agent, callID string) error { return errNotReady }

// Hold puts the other parties on hold with music.
func (s *Service) Hold(ctx context.Context, agent, callID string) error { return errNotReady }

// Resume ends the hold.
func (s *Service) Resume(ctx context.Context, agent, callID string) error { return errNotReady }

// Hangup takes the agent out of the call; a call of two ends.
func (s *Service) Hangup(ctx context.Context, agent, callID string) error { return errNotReady }

// Mute stops or restarts the agent's voice.
func (s *Service) Mute(ctx context.Context, agent, callID string, on bool) error {
	return errNotReady
}

// SendDTMF sends digits to the other party.
func (s *Service) SendDTMF(ctx context.Context, agent, callID, digits string) error {
	return errNotReady
}

// Transfer hands the caller on without asking (blind).
func (s *Service) Transfer(ctx context.Context, agent, callID string, to Target) error {
	return errNotReady
}

// Conference asks a further party into the call.
func (s *Service) Conference(ctx context.Context, agent, callID string, who Target) error {
	return errNotReady
}

// RecordingPause stops the recording for a while (card numbers, secrets).
func (s *Service) RecordingPause(ctx context.Context, agent, callID string) error {
	return errNotReady
}

// RecordingResume goes on recording.
func (s *Service) RecordingResume(ctx context.Context, agent, callID string) error {
	return errNotReady
}

// WrapUpDone ends the agent's wrap-up time.
func (s *Service) WrapUpDone(ctx context.Context, agent string) error { return errNotReady }

// Help asks supervisors to look at the agent's current call.
func (s *Service) Help(ctx context.Context, agent string) error { return errNotReady }

// Monitor connects the supervisor's browser to a call, or changes the mode.
func (s *Service) Monitor(ctx context.Context, supervisor, callID, mode string) error {
	return errNotReady
}

// StopMonitor takes the supervisor off the call.
func (s *Service) StopMonitor(ctx context.Context, supervisor, callID string) error {
	return errNotReady
}

// ForceHangup ends a call for a supervisor.
func (s *Service) ForceHangup(ctx context.Context, supervisor, callID string) error {
	return errNotReady
}

// ForceState sets an agent's state for a supervisor.
func (s *Service) ForceState(ctx context.Context, supervisor, agent string, ready bool, reason string) error {
	return errNotReady
}

// ForceSignOut signs an agent out for a supervisor; calls in progress end.
func (s *Service) ForceSignOut(ctx context.Context, supervisor, agent string) error {
	return errNotReady
}

// AgentConnected notes that a browser window of the user is connected; detach
// is called when it goes. When the last one goes, calls are parked.
func (s *Service) AgentConnected(user string) (detach func()) { return func() {} }

// RTCOffer connects (or renegotiates) the user's browser sound.
func (s *Service) RTCOffer(ctx context.Context, user, sdp string) (string, error) {
	return "", errNotReady
}

// RTCCandidate adds an ICE candidate (RTCIceCandidateInit as JSON).
func (s *Service) RTCCandidate(ctx context.Context, user, candidate string) error {
	return errNotReady
}

// RTCLevel returns the loudness of the user's microphone in dBov (0 is the
// loudest, −127 silence) for the microphone test.
func (s *Service) RTCLevel(ctx context.Context, user string) (float64, error) {
	return -127, errNotReady
}

// TryConnect connects the sound of a browser caller.
func (s *Service) TryConnect(ctx context.Context, session, offer string) (string, error) {
	return "", errNotReady
}

// TryCandidate adds an ICE candidate of a browser caller.
func (s *Service) TryCandidate(ctx context.Context, session, candidate string) error {
	return errNotReady
}

// TryDial calls number with the caller id that the visitor chose.
func (s *Service) TryDial(ctx context.Context, session, number, callerID string) (string, error) {
	return "", errNotReady
}

// TryDTMF presses keys.
func (s *Service) TryDTMF(ctx context.Context, session, digits string) error { return errNotReady }

// TryHangup ends the browser caller's call.
func (s *Service) TryHangup(ctx context.Context, session string) error { return errNotReady }

// TryEvents returns the states of a session; the channel is closed by
// TryClose. A slow reader loses the oldest states.
func (s *Service) TryEvents(session string) <-chan TryEvent { return nil }

// TryClose ends a session: its call and its sound.
func (s *Service) TryClose(ctx context.Context, session string) error { return nil }

// Live returns all live calls, oldest first.
func (s *Service) Live(ctx context.Context) []LiveCall { return nil }

// LiveCall returns one live call.
func (s *Service) LiveCall(ctx context.Context, callID string) (LiveCall, error) {
	return LiveCall{}, errs.New(errs.NotFound, "call.not_found")
}

// Drain refuses new calls and waits until the others have ended or ctx is
// done.
func (s *Service) Drain(ctx context.Context) error { return nil }

// Close ends all calls and waits for their goroutines.
func (s *Service) Close(ctx context.Context) error { return nil }

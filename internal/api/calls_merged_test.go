package api

import (
	"testing"

	"heartline/internal/platform/identity"
)

// TestCallsOfMergedRecords: whoever asks for the calls of a person gets those
// of all records that were made one, under either id, and after parting each
// its own.
func TestCallsOfMergedRecords(t *testing.T) {
	e := newEnv(t)
	boss := e.as("boss", identity.RoleSupervisor)
	keep, gone := newPatient(boss, "曾小贤", "13812345678"), newPatient(boss, "曾小贤", "13812345679")
	for _, p := range []Patient{keep, gone} {
		callID, _ := e.record(p.Phones[0].Number, boss.user.ID)
		boss.do("PUT", "/api/calls/"+callID+"/notes", map[string]any{"notes": "复诊", "patient_id": p.ID}).status(200)
	}
	count := func(patientID string) int {
		return len(read[List[CallRow]](boss.get("/api/calls?patient=" + patientID).status(200)).Items)
	}
	wants := func(when string, own, other int) {
		t.Helper()
		if a, b := count(keep.ID), count(gone.ID); a != own || b != other {
			t.Errorf("%s: %d and %d calls, want %d and %d", when, a, b, own, other)
		}
	}
	wants("before", 1, 1)
	m := read[MergeView](boss.do("POST", "/api/patients/merge", map[string]any{"keep": keep.ID, "merge": gone.ID}).status(200))
	wants("merged", 2, 2)
	boss.do("POST", "/api/patients/merges/"+m.ID+"/undo", map[string]any{"reason": "两个人"}).status(200)
	wants("parted", 1, 1)
	if n := count("nobody"); n != 0 {
		t.Errorf("%d calls of nobody", n)
	}
	e.with("clerk", identity.CallRead).get("/api/calls?patient="+keep.ID).fails(403, "auth.denied")
}

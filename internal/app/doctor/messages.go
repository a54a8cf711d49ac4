package doctor

import "context"

// Messages checks how short messages leave the house. reach, if any, connects
// to the message centre.
func Messages(sender, where string, secret error, reach func(ctx context.Context) error) Check {
	return Check{Name: "messages", Run: func(ctx context.Context) Finding {
		if sender == "log" {
			return warn("set sms_sender to http or smpp; until then no message reaches a patient", "sms_sender is log: messages are written to the outbox only")
		}
		if secret != nil {
			return bad("set HEARTLINE_SMS_SECRET or sms_secret_file", "%v", secret)
		}
		if reach == nil {
			return good("%s sender, %s", sender, where)
		}
		if err := reach(ctx); err != nil {
			return bad("open the firewall towards the message centre, or ask whether it is up", "%v", err)
		}
		return good("%s accepts connections", where)
	}}
}

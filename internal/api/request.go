package api

import "context"

const cookieName = "heartline_session"

type requestIDKey struct{}

// requestID is the id under which the access log knows the request.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

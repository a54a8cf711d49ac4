package api

import (
	"context"

	"heartline/internal/platform/errs"
)

// pending answers for operations whose service is being wired.
func pending[I, O any](context.Context, *I) (*O, error) {
	return nil, errs.New(errs.Unavailable, "unavailable")
}

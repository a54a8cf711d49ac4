// Package web holds the built browser application: the desk, the wallboard, the
// administration and the demo telephone. It owns the files below dist and nothing
// else; serving them (headers, caching, the single-page fallback) is the API's work.
package web

import (
	"embed"
	"io/fs"
)

// The prefix all: keeps files whose names start with an underscore, which the
// bundler produces.
//
//go:embed all:dist
var dist embed.FS

// Files returns the built application, rooted at its index.html. The bundler
// writes it to dist/app, which is not committed; without a build the caller gets
// the committed page that says how to make one.
func Files() fs.FS {
	for _, dir := range []string{"dist/app", "dist"} {
		if sub, err := fs.Sub(dist, dir); err == nil {
			if _, err := fs.Stat(sub, "index.html"); err == nil {
				return sub
			}
		}
	}
	return dist
}

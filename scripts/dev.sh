#!/usr/bin/env bash
# Server and Vite side by side; Ctrl-C ends both.
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
go run ./cmd/heartline demo &
(cd web && npm run dev) &
wait -n

#!/usr/bin/env bash
# The last words of `make test`: what passed, and what the user left out.
echo
if [ "${HEARTLINE_SKIP_PEERS:-}" = 1 ]; then echo 'LEFT OUT by HEARTLINE_SKIP_PEERS=1: tests against sipp, baresip and Chromium'; fi
if [ "${HEARTLINE_SKIP_POSTGRES:-}" = 1 ]; then echo 'LEFT OUT by HEARTLINE_SKIP_POSTGRES=1: the store suites on PostgreSQL'; fi
echo 'make test: everything passed'

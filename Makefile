# Heartline 爱心专线. `make` lists the targets.
GO      ?= go
BIN     := bin/heartline
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Packages that hold goroutines are tested under the race detector, the others
# (pure cores, data, the house rules) plainly; together they are all of them.
RACE  := contact/call|contact/sip|contact/acd|contact/journal|contact/messaging|contact/recording|contact/media/embedded|care/booking$$|care/ledger|platform/|/api|/app
PKGS   = $(shell $(GO) list ./... | grep -vE '$(RACE)')
RACED  = $(shell $(GO) list ./internal/... | grep -E '$(RACE)')

.DEFAULT_GOAL := help
.PHONY: help demo build web dev test check peers unit race web-test e2e bench bench-parts soak fuzz openapi screenshots clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## build everything, seed a fictional hospital into ./var and start it
	./$(BIN) demo $(ARGS)

build: web ## build the web app and the program
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/heartline

web: web/dist/.built ## build the web app

web/dist/.built: web/package-lock.json $(shell find web/src web/public web/*.html web/*.ts 2>/dev/null)
	cd web && npm ci --no-audit --no-fund && npm run build
	@touch $@

dev: ## run the server and Vite side by side, with reload of the web app
	cd web && (test -d node_modules || npm ci --no-audit --no-fund)
	scripts/dev.sh

test: peers check build web-test unit race e2e ## everything that CI runs
	@scripts/summary.sh

peers: ## install or name the programs that the tests call
	@scripts/peers.sh

check: ## formatting, vet
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || (gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1)
	$(GO) vet ./...

unit: web/dist/.built ## Go tests of the packages without goroutines
	$(GO) test -timeout 15m $(PKGS)

race: web/dist/.built ## Go tests of the concurrent packages, under the race detector; both databases, real peers
	$(GO) test -race -p 2 -timeout 20m $(RACED)

web-test: web/dist/.built ## rules, types, unit tests and translations of the web app
	cd web && npm run lint && npm run api -- --check && npm run check && npm test && npm run i18n

e2e: build ## the real program with real phones and a real browser
	cd e2e && npm ci --no-audit --no-fund && npx playwright test --project phones && \
		npx playwright test --project screens && npx playwright test --project speed

bench: build ## the whole program against its limits, one table at the end; ten minutes on a quiet machine
	./$(BIN) bench all $(ARGS)

bench-parts: ## Go benchmarks of the parts, beside bare loops and other programs
	$(GO) test -run '^$$' -bench . -benchtime 2s ./internal/...

# The full size of the proofs of booking; override to make them shorter.
HEARTLINE_STRESS_ROUNDS ?= 2000
HEARTLINE_KILL_ROUNDS   ?= 200

soak: build ## long runs: 1,000 bookers for 40 numbers and kill -9, on both databases; calls for a minute, media for five
	HEARTLINE_STRESS_ROUNDS=$(HEARTLINE_STRESS_ROUNDS) HEARTLINE_KILL_ROUNDS=$(HEARTLINE_KILL_ROUNDS) \
		$(GO) test -count 1 -timeout 12h -v -run '^(TestThousandBookers|TestLinearizable|TestKilled)$$' ./internal/care/booking
	./$(BIN) bench calls --rate 400 --seconds 60
	./$(BIN) bench media --calls 100 --seconds 300

fuzz: ## each fuzz target for half a minute
	@scripts/fuzz.sh 30s

openapi: ## write api/openapi.json and the typed client from the operations
	$(GO) run ./internal/api/spec > api/openapi.json
	cd web && npm run api

screenshots: build ## photograph every page into docs/screenshots
	cd e2e && npm ci --no-audit --no-fund && npx playwright test --config screenshots.config.ts

clean: ## remove what was built (never ./var)
	rm -rf bin web/dist/app web/dist/.built web/node_modules e2e/node_modules e2e/out

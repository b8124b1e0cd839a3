# Every target that looks at code loops over every module of the tree; one that cannot be
# entered is a failure. Nested modules build against this checkout by their replace lines.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export GOWORK := off
MODULES      = $(shell git ls-files -co --exclude-standard '*go.mod' go.mod | xargs -n1 dirname | sort -u)
GOLANGCI     := v2.15.0
LINTER       := $(CURDIR)/.bin/golangci-lint-$(GOLANGCI)
CYCLONEDX    := v1.10.0
GOVULNCHECK  := v1.9.0
BOMMER       := $(CURDIR)/.bin/cyclonedx-gomod-$(CYCLONEDX)
FUZZTIME     ?= 30s

# $(call each,command): runs the command in every module.
define each
for m in $(MODULES); do echo "== $$m"; ( cd "$$m" && $(1) ) || { echo "failed in module $$m" >&2; exit 1; }; done
endef

.PHONY: help demo serve web fleet test threats redis e2e lint fuzz chaos soak suite bench bench-verify bench-telemetry bench-fleet bench-scenarios diagrams plots pictures consumers vulns sbom tidy fmt check

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: ## an API that accepts good tokens, refuses bad ones and says why
	@cd examples && go run ./bookstore -demo

web: ## the React page at http://localhost:8081, with KINDE_DOMAIN, KINDE_AUDIENCE, KINDE_CLIENT_ID of a tenant
	@cd examples/bookstore/web && npm ci --no-audit --no-fund --loglevel=error && npm run build
	@cd examples && go run ./bookstore -web bookstore/web/dist

serve: ## the same, stays up; KINDE_DOMAIN and KINDE_AUDIENCE point it at a tenant
	@cd examples && go run ./bookstore

# The tests of e2e start processes and need npm packages: they run in `make e2e`, and are only
# compiled here. Allocations are counted without the race detector, under which sync.Pool
# forgets at random.
test: redis ## vet and test every module with the race detector
	@$(call each,go vet ./... && if [ "$$m" = e2e ]; then go test -run '^$$' ./...; else go test -race -shuffle=on ./...; fi)
	@go test -count=1 -run 'Alloc' ./...

threats: redis ## every row of docs/threat-model.md names its tests, and these pass
	@go run ./internal/threats

redis:
	@command -v redis-server >/dev/null || scripts/install.sh redis-server

e2e: redis ## real parts: a certified OpenID provider, Redis, Chromium, Prometheus, APIs as processes
	@command -v prometheus >/dev/null || scripts/install.sh prometheus
	@command -v chromium chromium-browser google-chrome >/dev/null || [ -d "/Applications/Google Chrome.app" ] || scripts/install.sh chromium
	@cd e2e/provider && npm ci --no-audit --no-fund --loglevel=error
	@cd examples/bookstore/web && npm ci --no-audit --no-fund --loglevel=error
	@cd e2e && go test -race -count=1 ./...

lint: $(LINTER) ## format, vet, golangci-lint, tidy, house rules
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); test -z "$$unformatted" || { echo "gofmt: $$unformatted" >&2; exit 1; }
	@$(call each,go vet ./... && $(LINTER) run --config $(CURDIR)/.golangci.yml ./... && go mod tidy -diff)
	@for s in scripts/*.sh .ci/run; do bash -n "$$s"; done
	@scripts/house-rules.sh

$(LINTER):
	@mkdir -p .bin && GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) && mv .bin/golangci-lint $@

fuzz: ## every fuzz target for FUZZTIME each
	@scripts/fuzz.sh $(FUZZTIME) $(MODULES)

fleet: redis ## a fleet of processes, one Redis, and everything that can go wrong; ends by itself
	@cd examples && go run ./fleet

chaos: redis ## a fleet under load while its issuer, Redis, clocks and processes go wrong; writes docs/chaos.md
	@cd e2e && go test -count=1 -timeout 20m -v -run TestChaos ./chaos -minutes 8 -write $(CURDIR)/docs/chaos.md

soak: redis ## ten million verifications: memory, goroutines and connections stay flat
	@cd benchmarks && go test -count=1 -timeout 60m -v -run TestSoak ./soak -verifications 10000000

suite: ## count the tests and what they cover; writes docs/suite.md and the table of the README
	@scripts/suite.sh

bench-scenarios: ## rotation, flood, outage: this library and others, counted; writes benchmarks/RESULTS.md
	@cd benchmarks && go test -count=1 -run TestScenarios ./scenarios -write $(CURDIR)/benchmarks/RESULTS.md

bench-fleet: redis ## 1 to 1,000 replicas on one Redis, 10,000 in virtual time; writes benchmarks/RESULTS.md
	@cd benchmarks && go test -count=1 -timeout 40m -run TestFleet ./fleet -simulated 10000 -real 1,32,256,1000 -write $(CURDIR)/benchmarks/RESULTS.md

bench-verify: ## this library and others, verifying and refusing; writes benchmarks/RESULTS.md
	@cd benchmarks && go test -count=1 -timeout 40m -run TestVerify ./verify -write $(CURDIR)/benchmarks/RESULTS.md

bench-telemetry: ## what spans and metrics cost a verification; writes benchmarks/RESULTS.md
	@cd benchmarks && go test -count=1 -timeout 40m -run TestCost ./telemetry -write $(CURDIR)/benchmarks/RESULTS.md

bench: bench-verify bench-telemetry ## the benchmarks of verification

pictures: ## take the pictures of the React page for the docs
	@cd e2e && go test -count=1 -run TestPage . -pictures $(CURDIR)/docs/images

plots: ## draw the dashboard, from a real Prometheus, for the docs
	@command -v prometheus >/dev/null || scripts/install.sh prometheus
	@cd e2e && go test -count=1 -run TestDashboard . -plots $(CURDIR)/docs/observability

diagrams: ## render the diagrams of docs (Graphviz)
	@command -v dot >/dev/null || scripts/install.sh graphviz
	@for f in docs/images/*.dot; do dot -Tsvg "$$f" -o "$${f%.dot}.svg"; done

consumers: ## build a program on each published module, as others will get it
	@scripts/consumers.sh

vulns: ## known vulnerabilities in what is called; asks the database of the Go project
	@mkdir -p .bin && GOBIN=$(CURDIR)/.bin go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK)
	@$(call each,$(CURDIR)/.bin/govulncheck ./...)

sbom: $(BOMMER) ## a CycloneDX document for each published module, in .cache/sbom
	@scripts/sbom.sh $(BOMMER) $(CURDIR)/.cache/sbom

$(BOMMER):
	@mkdir -p .bin && GOBIN=$(CURDIR)/.bin go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX) && mv .bin/cyclonedx-gomod $@

tidy: ## go mod tidy everywhere
	@$(call each,go mod tidy)

fmt: ## gofmt everywhere
	@gofmt -w $$(git ls-files -co --exclude-standard '*.go')

check: lint consumers test threats demo e2e ## everything that must be green

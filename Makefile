# Earshot: `make run` for the demonstration, `make test` for the proof. Nothing else needs to be learned.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/earshot
LINT  := $(CACHE)/bin/golangci-lint-2.15.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# need TOOL,HOW: one line that says what is missing and how to get it.
need = command -v $(1) >/dev/null || { echo "make $@: $(1) is missing: $(2)" >&2; exit 1; }
need_go   = $(call need,go,install Go 1.26 or newer (https://go.dev/doc/install))
need_java = $(call need,java,install Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless))
need_mvn  = $(call need,mvn,install Maven (Debian: apt-get install maven))
need_cc   = $(call need,gcc,install a C compiler for the race detector (Debian: apt-get install gcc libc6-dev))

# Packages whose promises depend on concurrency: they are tested under the race detector too.
RACE := ./pipeline/kafka/... ./pipeline/collect/... ./sinks/... ./cmd/...

.PHONY: screenshots bench-boards help setup build run test lint bench bench-lucene bench-jetstream soak-jetstream storm fuzz generate clean

help: ## show this list
	@awk -F':[^#]*## ' '/^[a-z-]+:[^#]*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## fetch and verify what the program needs: the ClickHouse engine (libchdb, 178 MB)
	@deploy/libchdb.sh

build: ## build bin/earshot
	@$(need_go)
	@CGO_ENABLED=0 go build -gcflags=all=-dwarf=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/earshot ./cmd/earshot

run: ## the demonstration: a broker, a ClickHouse server, a simulated market, and what open platforms say now; Ctrl-C ends it
	@$(need_go)
	@$(MAKE) --no-print-directory setup build
	@EARSHOT_PUBLIC=$${EARSHOT_PUBLIC:-on} exec bin/earshot run

test: ## linters, unit, integration and race tests; lists the claims that could not be tested
	@$(need_go)
	@$(need_java)
	@$(need_mvn)
	@$(need_cc)
	@$(MAKE) --no-print-directory setup lint
	@.ci/kafka.sh
	@.ci/test.sh $(RACE)

lint: $(LINT) ## linters alone
	@$(need_go)
	$(LINT) run --allow-parallel-runners ./... ./.ci/claims

$(LINT):
	@$(need_go)
	@.ci/golangci.sh $@

bench: ## posts/s and CPU a post of each part and of the whole line, beside the plainest copy (5 minutes)
	@$(need_go)
	@$(MAKE) --no-print-directory setup
	@! { command -v java && command -v mvn; } >/dev/null || .ci/kafka.sh
	@go test -c -o bin/bench ./cmd/earshot/app/bench
	@bin/bench -test.run '^$$' -test.bench Line -test.benchtime 1x -test.timeout 20m
	@bin/bench -test.run '^$$' -test.bench Queries -test.benchtime 1x -test.cpu 1

bench-lucene: ## queries beside Lucene Monitor: CPU, and each post on which they differ (EARSHOT_DATA; 5 minutes)
	@$(need_go)
	@$(need_java)
	@$(need_mvn)
	@EARSHOT_LUCENE=$$(.ci/lucene.sh) && export EARSHOT_LUCENE && go test -c -o bin/bench ./cmd/earshot/app/bench && \
	  $$(command -v taskset >/dev/null && echo taskset -c 0) bin/bench -test.run '^$$' -test.bench Lucene -test.benchtime 1x -test.cpu 1 -test.timeout 1h

bench-jetstream: ## events/s and CPU an event of one collector on one core
	@$(need_go)
	@go test ./pipeline/collect/bluesky -run '^$$' -bench Collector -benchtime 500000x

soak-jetstream: ## how memory grows at 2,000 events a second, MB an hour (SOAK=10m)
	@$(need_go)
	@go test ./pipeline/collect/bluesky -run '^$$' -bench Soak -benchtime 1x -timeout 24h -soak $${SOAK:-10m}

storm: ## a long storm of crashes against real Kafka and ClickHouse (EARSHOT_STORM_EVENTS, _POSTS, _SEED), and outages of EARSHOT_OUTAGE each
	@$(need_go)
	@$(need_java)
	@$(need_mvn)
	@$(MAKE) --no-print-directory setup
	@.ci/kafka.sh
	@EARSHOT_STORM_EVENTS=$${EARSHOT_STORM_EVENTS:-100} EARSHOT_STORM_POSTS=$${EARSHOT_STORM_POSTS:-1000000} EARSHOT_OUTAGE=$${EARSHOT_OUTAGE:-60s} \
	  go test ./cmd/earshot/app/oracle -run 'TestStorm|TestOutage' -count=1 -v -timeout 3h

fuzz: ## every fuzz target for 20 s
	@$(need_go)
	@.ci/fuzz.sh 20s

screenshots: ## pictures of all boards over a simulated week, in build/screenshots (needs chromium)
	@$(need_go)
	@$(MAKE) --no-print-directory setup
	@EARSHOT_SCREENSHOTS=$(CURDIR)/build/screenshots go test ./cmd/earshot/app/oracle -run TestWebView -count=1

bench-boards: ## the time of every panel over ten million mentions, beside a plain count (EARSHOT_BENCH_MENTIONS, EARSHOT_BENCH_KEEP; half an hour)
	@$(need_go)
	@$(MAKE) --no-print-directory setup
	@go test ./cmd/earshot/app/bench -run '^$$' -bench BenchmarkBoards -benchtime 1x -timeout 2h

generate: ## rewrite the generated schemas and documents from the code
	@$(need_go)
	@$(MAKE) --no-print-directory setup
	@go test ./pipeline ./cmd/earshot -run 'Schemas|Generated' -count=1 -update
	@go test ./sinks/clickhouse -run DataDictionary -count=1 -update

clean: ## remove what was built; what was fetched stays in the cache
	@rm -rf bin

# Every command of the project. `make help` lists them; each can be run again and again.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(TIGEREX_CACHE),$(HOME)/.cache/tigerex)
# uv from PATH, or one of our own from PyPI in the cache: nothing has to be installed first.
UV_VERSION := 0.13.8
export UV := $(or $(shell command -v uv 2>/dev/null),$(CACHE)/uv/bin/uv)
PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m tigerex_local
PYTEST := $(PYTHON) -m pytest

##@ The exchange

up: deps ## bring a Kubernetes cluster and TigerEx up on this machine, with bots trading
	$(LOCAL) up

down: deps ## stop everything that `make up` started and delete it; only caches stay
	$(LOCAL) down --purge

stop: deps ## stop everything; the next `make up` goes on with the data
	$(LOCAL) down

status: deps ## what runs
	@$(LOCAL) status

verify: deps ## check the live journal: hash chain, sums, holds, replay
	@$(LOCAL) verify

##@ The code

deps: $(UV) ## install the dependencies into .venv, generate what is generated
	@$(UV) sync --frozen --quiet
	@$(PYTHON) -m observability.dashboard

lint: deps ## style, types, layers, contracts
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	@deploy/local/buf.sh

format: deps ## format the code and fix what can be fixed
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

unit: deps ## pure tests
	$(PYTEST) -m unit

contract: deps ## contracts: protobuf, CRDs, charts
	$(PYTEST) -m contract

simulation: deps ## the exchange's processes under faults, fixed seeds and a fresh one
	$(PYTEST) -m simulation tests/simulation

simulate: deps ## one simulated run: make simulate SEED=7 STEPS=5000 (a fresh seed by default)
	@$(PYTHON) -m tests.simulation $(if $(SEED),--seed $(SEED)) --steps $(or $(STEPS),5000)

integration: deps packages ## tests with a real PostgreSQL and Redis of this host
	$(PYTEST) -m integration

e2e: up ## tests against the cluster of `make up`
	. .local/env && TIGEREX_E2E=1 $(PYTEST) -m e2e

bounds: deps ## the kernels again, with bounds checked and uncompiled
	@$(MAKE) -j2 -O bounds-checked bounds-uncompiled

bounds-checked:
	NUMBA_BOUNDSCHECK=1 $(PYTEST) -q -m unit tests/unit/core tests/unit/quant

bounds-uncompiled:
	NUMBA_DISABLE_JIT=1 $(PYTEST) -q -m unit tests/unit/core tests/unit/quant

# All of pytest in one run at the end, so that its closing line says everything.
test: lint bounds packages up ## everything: lint, all tests, on a running cluster
	. .local/env && TIGEREX_E2E=1 $(PYTEST) tests/unit tests/contract tests/simulation tests/integration tests/e2e

bench-core: deps ## measure the kernel, and compare it with a base commit's (BASE=<commit>); exit code 2: too noisy
	$(PYTHON) -m tests.bench.core.bench_core

bench-marketdata: deps ## measure history queries over a year of candles (PAIRS=<n> MONTHS=<n>)
	$(PYTHON) -m tests.bench.marketdata.bench_history $(if $(PAIRS),--pairs $(PAIRS)) $(if $(MONTHS),--months $(MONTHS))

bench-gateway: deps packages ## measure reads by REST and the fan-out to sockets, beside bare ones of the same server
	$(PYTHON) -m tests.bench.gateway.bench_rest
	$(PYTHON) -m tests.bench.gateway.bench_mix
	$(PYTHON) -m tests.bench.gateway.bench_fanout

bench: deps packages ## measure; the last of them restarts the sample exchange
	$(PYTEST) tests/bench -o "python_files=bench_*.py" -q -s
	$(PYTHON) -m tests.bench.bots.bench_latency
	$(PYTHON) -m tests.bench.gateway.bench_rest
	$(PYTHON) -m tests.bench.local.bench_up

picture: deps packages ## take the README's picture of the trading page anew
	$(PYTHON) -m tests.support.trade_page_picture

packages: deps
	@$(LOCAL) packages

$(CACHE)/uv/bin/uv:
	@echo "--> Fetching uv $(UV_VERSION) from PyPI"
	@deploy/local/fetch-uv.sh $(UV_VERSION) $(CACHE)/uv

##@ Help

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

.PHONY: up down stop status verify deps lint format unit contract integration e2e bounds bounds-checked bounds-uncompiled test bench bench-core bench-gateway bench-marketdata picture packages help

# `make` lists the targets. Requires GNU make 3.81, npm and Node 20, or later; the dependencies include Node 24.

BIN := node_modules/.bin
IMAGE ?= knative-pod-orchestration:dev
OVERLAY ?= knative/config/overlays/flame
TIMEOUT ?= 600
export PATH := $(CURDIR)/$(BIN):$(PATH)

# npm writes this file last, so it marks a complete installation.
INSTALLED := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help setup run demo demo-dt test test-openapi test-cluster soak bench render verify verify-archive verify-record image deploy undeploy migrate adopt import clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

$(INSTALLED): package-lock.json
	@echo 'Installing dependencies, which happens once …'
	@npm ci --no-fund --no-audit --no-update-notifier --loglevel=error
	@touch $@

setup: $(INSTALLED) ## Install dependencies and the commit hooks
	@git config core.hooksPath .githooks
	@echo 'Commits are checked by .githooks from now on.'

run: $(INSTALLED) ## Run everything on this machine: functions, database, sandbox (or the cluster of KUBECONFIG)
	@$(BIN)/node test/sandbox/run.ts

demo-dt: $(INSTALLED) ## Run a laboratory simulation five times in the digital-twin orchestrator, with outputs and summary
	@$(BIN)/node test/sandbox/demo-dt.ts

demo: $(INSTALLED) ## Run two analyses from create to archive, step by step; one is restarted
	@$(BIN)/node test/sandbox/demo.ts

test: $(INSTALLED) ## Run all tests that need no cluster
	@$(BIN)/vitest run

test-openapi: $(INSTALLED) ## Test the functions against both OpenAPI descriptions with schemathesis (TEST_SCHEMATHESIS=program)
	@$(BIN)/node test/openapi/index.ts

test-cluster: $(INSTALLED) ## End-to-end runs on the cluster of TEST_KUBECONFIG, with functions here and as Knative Services
	@$(BIN)/vitest run --config vitest.cluster.config.ts

soak: $(INSTALLED) ## Simulate faults, seed after seed, until one fails or Ctrl-C
	@$(BIN)/node test/simulation/run.ts

bench: $(INSTALLED) ## Measure against the budgets; writes .run/bench.json
	@$(BIN)/node test/bench/index.ts

render: $(INSTALLED) ## Write the files that are rendered from tables in the code
	@$(BIN)/node knative/render/index.ts

verify: $(INSTALLED) ## Check rendered files, format, lint, types and import rules
	@$(BIN)/node knative/render/index.ts --check
	@$(BIN)/biome check .
	@$(BIN)/tsc
	@$(BIN)/vitest run test/architecture.test.ts test/repository.test.ts test/hooks.test.ts

verify-archive: $(INSTALLED) ## Verify signatures of the archive: KEY=public.pem [ID=analysis] [FILES=exported.json]
	@$(BIN)/node shared/commands/verify-archive.ts --key '$(KEY)' $(if $(ID),--id '$(ID)') $(FILES)

verify-record: $(INSTALLED) ## Verify records of analyses: KEY=public.pem FILES=record.json
	@$(BIN)/node shared/commands/verify-record.ts --key '$(KEY)' $(FILES)

image: ## Build the container image IMAGE with docker or podman
	@tool=$$(command -v docker || command -v podman) \
	  || { echo 'make image: neither docker nor podman is on the PATH' >&2; exit 1; }; \
	  "$$tool" build --tag '$(IMAGE)' .

deploy: $(INSTALLED) ## Deploy OVERLAY to the cluster of kubectl's context: [SECRETS=file.env] [TIMEOUT=600] [PRUNE=1]
	@$(BIN)/node knative/deploy/index.ts deploy --overlay '$(OVERLAY)' --timeout '$(TIMEOUT)' \
	  $(if $(SECRETS),--secrets '$(SECRETS)') $(if $(PRUNE),--prune)

undeploy: $(INSTALLED) ## Remove OVERLAY from the cluster; refuses while analyses run, unless FORCE=1
	@$(BIN)/node knative/deploy/index.ts undeploy --overlay '$(OVERLAY)' $(if $(FORCE),--force)

migrate: $(INSTALLED) ## Migrate the database of the POSTGRES_* settings
	@$(BIN)/node shared/commands/migrate.ts

adopt: $(INSTALLED) ## Adopt analyses of the Python service: [APPLY=1] [FINISH=1] [FORCE=1] [FROM=database] [JSON=1]
	@$(BIN)/node shared/commands/adopt.ts $(if $(APPLY),--apply) $(if $(FINISH),--finish) $(if $(FORCE),--force) \
	  $(if $(FROM),--from '$(FROM)') $(if $(JSON),--output json)

import: $(INSTALLED) ## Import digital twins from a Mongo database (MONGO_URL): [APPLY=1] [JSON=1]
	@$(BIN)/node shared/commands/import.ts $(if $(APPLY),--apply) $(if $(JSON),--output json)

clean: ## Remove build results and files of runs; dependencies stay
	@rm -rf dist .run coverage

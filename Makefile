# `make run` opens the console, `make test` runs the tests; both set everything up first.
PYTHON ?= $(firstword $(foreach v,python3.13 python3.12 python3.11 python3,$(if $(shell command -v $(v) 2>/dev/null && $(v) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(v))))
BIN := .venv/bin
INSTALLED := $(HOME)/.local/share/inferctl/venv

.DEFAULT_GOAL := help
.PHONY: help run install test quick coverage fuzz fuzz-readers check format lock locked package release \
        vllm-cpu study-real bench bench-ab bench-replay bench-peers matrix stream-shapes probe-table \
        providers-page statistics \
        verdict-study stub-matrix kill-matrix agent-matrix failure-matrix places-matrix endurance \
        mutants study-demo study-schema advise-matrix pictures

# Many tests wait for processes, so that half as many again keep the cores busy.
WORKERS ?= $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
PARALLEL = -n $(WORKERS) --dist worksteal
QUICK = tests/backends/domain tests/backends/test_wire.py tests/console/tui/views tests/widgets \
        --ignore=tests/widgets/test_pictures.py --ignore=tests/widgets/test_log_view.py \
        --ignore=tests/widgets/test_lists.py --ignore=tests/backends/domain/startup/raises

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: .venv/run-ready  ## set everything up and open the console
	$(BIN)/inferctl $(ARGS)

install:  ## put the inferctl command into ~/.local/bin, in an environment of its own
	@test -n "$(PYTHON)" || { echo 'inferctl needs Python 3.11 or newer; none was found on PATH'; exit 1; }
	$(PYTHON) -m venv $(INSTALLED) || { echo 'no venv module: install it (Debian: apt-get install python3-venv)'; exit 1; }
	$(INSTALLED)/bin/python -m pip install --quiet --disable-pip-version-check .
	@mkdir -p $(HOME)/.local/bin
	ln -sf $(INSTALLED)/bin/inferctl $(HOME)/.local/bin/inferctl

test: .venv/dev-ready  ## set everything up and run the tests (ARGS picks some)
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest $(PARALLEL) -m 'not (alone or real_vllm or docker)'
	$(BIN)/python -m pytest -n 3 --dist loadgroup -m '(real_vllm or docker) and not alone'
	$(BIN)/python -m pytest -m alone
endif

quick: .venv/dev-ready  ## what answers in seconds: domain, views, widgets without their pictures
	$(BIN)/python -m pytest $(PARALLEL) -q --hypothesis-profile=quick \
		-m 'not (slow or process or terminal or real_vllm or docker)' $(QUICK) $(ARGS)

fuzz: .venv/dev-ready  ## every property test with fifty times the examples (ARGS picks some)
	$(BIN)/python -m pytest $(PARALLEL) -q --hypothesis-profile=fuzz --timeout=0 \
		-m 'hypothesis and not (process or terminal or real_vllm or docker)' $(ARGS)

fuzz-readers: .venv/dev-ready  ## damaged documents for each reader, ten minutes each (ARGS picks some, --minutes)
	$(BIN)/python -m tests.fuzz $(ARGS)

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

lock:  ## pin every dependency with its hashes in requirements.lock (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
		pyproject.toml --output-file requirements.lock

locked:  ## set .venv up with exactly what requirements.lock pins
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python -m pip check
	@touch .venv/run-ready .venv/dev-ready

package: .venv/dev-ready  ## build wheel and sdist, install each alone, and ask the installed command
	rm -rf dist
	$(BIN)/python -m build
	.ci/smoke $(BIN)/python dist/*.whl dist/*.tar.gz

release: .venv/dev-ready  ## refuse shipped prices older than 45 days, then check and package
	$(BIN)/python -m tests.backends.prices.shipped_age
	$(MAKE) check package

vllm-cpu: .venv/dev-ready  ## build the CPU vLLM that tests/real_vllm starts (3.5 GB, kept in the cache)
	$(BIN)/python tests/real_vllm/environment.py

kill-matrix: .venv/dev-ready  ## every signal to every process in every state, as a table (3 min; ARGS=docker for containers, ARGS=real for the true vLLM)
	$(BIN)/python -m tests.backends.keeper.kill_matrix $(ARGS)

failure-matrix: .venv/dev-ready vllm-cpu  ## failures of the true vLLM on the CPU, as a table (20 min; ARGS picks some)
	$(BIN)/python -m tests.real_vllm.failure_matrix $(ARGS)

agent-matrix: .venv/dev-ready  ## the agent struck in every way and state, as a table (20 min)
	$(BIN)/python -m tests.console.agent.kill_matrix $(ARGS)

mutants: .venv/dev-ready  ## 300 small faults, drawn by a printed seed, and those that no test near them notices (1 h; ARGS="--first 60" for a random part)
	$(BIN)/python -m tests.mutants $(ARGS)

places-matrix: .venv/dev-ready  ## every verb where a folder is bad, for every kind of user, as a table (needs root, 3 min)
	$(BIN)/python -m tests.console.cli.places.matrix $(ARGS)

bench: .venv/dev-ready  ## first frame, --help, idle CPU, memory, bytes to the terminal, logs, what-if, verdict's walk, traffic
	$(BIN)/python -m benchmarks.console
	$(BIN)/python -m benchmarks.agent
	$(BIN)/python -m benchmarks.logs
	$(BIN)/python -m benchmarks.hostile_logs
	$(BIN)/python -m benchmarks.flood
	$(BIN)/python -m benchmarks.costs
	$(BIN)/python -m benchmarks.verdict_walk
	$(BIN)/python -m benchmarks.traffic

endurance: .venv/dev-ready  ## eight hours of facts through the real console: what memory grows by (3 min)
	$(BIN)/python -m benchmarks.endurance $(ARGS)

bench-ab: .venv/dev-ready  ## errors of the A/B's figures, beside other tools, against a server that knows the truth
	$(BIN)/python -m benchmarks.ab $(ARGS)

bench-replay: .venv/dev-ready  ## how late a replay's requests leave, beside a bare asyncio timer (2 min)
	$(BIN)/python -m benchmarks.replay $(ARGS)

bench-peers: .venv/dev-ready  ## install the tools that bench-ab compares with (7 GB, kept in the cache)
	$(BIN)/python -m benchmarks.peers

matrix: stub-matrix stream-shapes statistics  ## the matrices that CI does not print, one after another

stream-shapes: .venv/dev-ready  ## what the A/B reports of every shape of stream, beside what was sent
	$(BIN)/python -m tests.backends.prober.shape_table

probe-table: .venv/dev-ready  ## the cold-start probe against every kind of endpoint, on a simulated clock
	$(BIN)/python -m tests.backends.prober.probe_table

providers-page: .venv/dev-ready  ## write docs/providers.md from the presets and the shapes
	$(BIN)/python -m tests.backends.simulated.providers_page

statistics: .venv/dev-ready  ## false alarms and coverage of the A/B's statistics, by simulation
	$(BIN)/python -m tests.backends.domain.ab.simulation

verdict-study: .venv/dev-ready  ## how often a verdict errs and how soon it decides, by simulation (30 min)
	$(BIN)/python -m tests.backends.domain.decision.study $(ARGS)

pictures: .venv/dev-ready  ## draw docs/*.svg from the demo's scenes (9 min; ARGS names some)
	$(BIN)/python -m tests.console.pictures $(ARGS)

study-demo: .venv/dev-ready  ## a study over the demo beside the published figures (25 min; ARGS=--quick: 8 min)
	$(BIN)/python -m tests.console.study_demo --speed 10 $(ARGS)

study-real: .venv/dev-ready vllm-cpu  ## a study of the true vLLM on the CPU, killed half way and resumed (15 min)
	$(BIN)/python -m pytest -s tests/real_vllm/study_resumed.py

study-schema: .venv/dev-ready  ## write docs/study.schema.json from the study's types
	$(BIN)/python -m tests.backends.operations.study.test_files

advise-matrix: .venv/dev-ready  ## bottlenecks planted in simulated servers, and what advise says (5 min; ARGS=--seed N)
	$(BIN)/python -m tests.backends.domain.advise.matrix $(ARGS)

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

# Thin: every target prints the plain commands it runs.
PYTHON ?= python3
BIN = .venv/bin

ROWS ?= 100000
RUNS ?= 3
QUICK_ONLY = floor step ours airbyte-cdk startup
EPISODES ?= 200
PARITY = $(BIN)/python -m tests.parity $(if $(NAMES),--names "$(NAMES)")

# The tests that touch most of what dlt, Dagster, DuckDB and the JSON libraries may change.
TESTS ?= tests/compat tests/spec tests/http/test_retry.py tests/rows/test_coercion.py tests/read/test_window_edges.py \
	tests/load/test_direct_writes.py tests/load/test_missing_rows.py \
	tests/orchestration/test_materialization.py tests/orchestration/test_automation.py
# The tests of what every destination must keep.
DESTINATION_TESTS ?= tests/load/test_every_destination.py tests/load/test_missing_rows.py tests/load/test_late_loads.py \
	tests/load/test_copied_rows.py tests/load/test_lakes.py
# In the order of the folders: reordered by number of tests, the few slow journeys would run last, and alone.
PYTEST = pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo dev test journeys environments machines chart example installed test-lowest test-destinations test-newest soak parity parity-all parity-vendors contract vendor-facts docs site bench postgres redis browser screenshots sbom audit format clean

demo: .venv/installed
	$(BIN)/connectors demo

dev: .venv/installed
	$(BIN)/connectors dev

test: .venv/tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/dg check defs
	$(BIN)/$(PYTEST) -m "not journey and not cdk and not machines"

# What takes long: the whole demo, the UI in a browser, every table of every connector, kills and random episodes.
journeys: .venv/tested
	$(BIN)/$(PYTEST) -m journey

# The environments that other targets need besides that of the tests.
environments: .venv-machines/tested .venv-example/tested .venv-site/installed .venv-airbyte/installed .venv-lowest/tested .venv-lake/tested

# What needs several machines: two workers of Celery with folders of their own, Postgres and Redis; and lakes in a bucket.
machines: .venv-machines/tested redis
	.venv-machines/bin/pytest -m machines tests/machines
	for format in delta iceberg; do \
		.venv-machines/bin/pytest --numprocesses auto tests/load/test_every_destination.py -k "twice or killed" \
			--destination $$format --bucket || exit 1; \
	done

# What Dagster's Helm chart in the folder CHART makes of deploy/kubernetes/values.yaml; needs helm.
chart: .venv-machines/tested
	helm lint "$(CHART)" --values deploy/kubernetes/values.yaml
	CHART="$(CHART)" .venv-machines/bin/pytest -m machines tests/machines/test_kubernetes.py

# The example with dbt, in an environment of its own.
example: .venv-example/tested
	PATH=$(CURDIR)/.venv-example/bin:$$PATH .venv-example/bin/python -m pytest examples/dbt -p no:cacheprovider -W default

# The wheel in a clean environment and an empty folder.
installed:
	.ci/installed

# The lowest versions that pyproject.toml allows; TESTS=tests runs all tests.
test-lowest: .venv-lowest/tested
	.venv-lowest/bin/$(PYTEST) $(TESTS)

# The tests of windows, concurrent loads, kills, children and missing rows, for every destination that is tested here;
# DESTINATION_TESTS=tests/read runs others. DuckLake has an environment of its own, because its extension needs an older DuckDB.
test-destinations: .venv/tested .venv-lake/tested
	for destination in postgres delta iceberg; do \
		$(BIN)/$(PYTEST) $(DESTINATION_TESTS) --destination $$destination || exit 1; \
	done
	.venv-lake/bin/$(PYTEST) $(DESTINATION_TESTS) --destination ducklake

# The newest versions that pyproject.toml allows today; TESTS=tests runs all tests.
test-newest:
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager -e '.[dev]'
	.venv-newest/bin/$(PYTEST) $(TESTS)

# Random episodes of four kinds: rows that change while they are read, ticks of the schedule, loads that are killed, and
# backfills during which all of Dagster is killed. SEED plays the same ones again, ONLY one kind: reading, schedule, crash
# or daemon.
soak: .venv/tested
	$(BIN)/python -m tests.soak --episodes $(EPISODES) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

# What airbyte-cdk reads of manifests from a made-up API, against what this project reads: of manifests that have every
# feature once, or of those in the folder MANIFESTS; NAMES chooses some.
parity: .venv/tested .venv-airbyte/installed
	$(BIN)/$(PYTEST) -m cdk tests/cdk
	$(PARITY) $(if $(MANIFESTS),--manifests "$(MANIFESTS)")
	$(if $(NAMES)$(MANIFESTS),,$(PARITY) --engine airbyte)

# The same of a folder with all manifests, with both engines, in hours; RESULTS is a file with which it goes on if it was
# interrupted. docs/airbyte-connectors.md has the results.
parity-all: .venv/tested .venv-airbyte/installed
	$(PARITY) --engine both --limit 900 --manifests "$(MANIFESTS)" --report docs/airbyte-connectors.md \
		$(if $(RESULTS),--results "$(RESULTS)")

# This project's connectors against manifests for the same vendors, on the sandbox; docs/coming-from-airbyte.md has the result.
parity-vendors: .venv/tested .venv-airbyte/installed
	$(BIN)/python -m tests.parity.vendors --manifests "$(MANIFESTS)" $(if $(NAMES),--names "$(NAMES)")

# The requests and columns of a connector against the vendor's own OpenAPI file; docs/contracts.md has the results.
contract: .venv/tested
	SPEC=$(SPEC) CONNECTOR=$(CONNECTOR) $(BIN)/pytest tests/connectors/test_openapi.py -k vendors_description -vv

# The columns of a connector, both ways, against the vendor's OpenAPI file or folder of TypeScript types.
vendor-facts: .venv/tested
	@$(BIN)/python -m tests.support.vendor_facts "$(VENDOR)" "$(SOURCE)"

# The pages of the connectors, the README's table of them, and the references of public names, commands and settings.
docs: .venv/installed
	$(BIN)/python -m docs.pages
	$(BIN)/python -m docs.reference
	$(BIN)/python -m docs.commands

# The pages in docs/ as a site in site/, which opens from the disk and needs no network; a broken link or anchor fails.
site: .venv-site/installed
	NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict --quiet
	@echo "open site/index.html"

# Some tests load into a Postgres of their own; without it they are skipped.
postgres:
	ls /usr/lib/postgresql/*/bin/initdb || (apt-get update && apt-get install --yes postgresql)

# Requests of several machines are counted in a Redis; without it, tests of that are skipped.
redis:
	command -v redis-server || (apt-get update && apt-get install --yes redis-server)

# The journeys through the UI are clicked in a browser; without it they are skipped.
browser:
	command -v chromium || command -v chromium-browser || command -v google-chrome || (apt-get update && apt-get install --yes chromium)

# The pictures of the README, from those journeys.
screenshots: .venv/tested
	SCREENSHOTS=docs $(BIN)/pytest tests/orchestration/test_browser.py

# With QUICK=1 the ratios that a change is judged by, on fewer orders. SHAPES=1 loads rows of other kinds instead: small
# and large ones, children, rows that the API cannot filter, and into Postgres.
bench: .venv/installed
	$(if $(SHAPES), \
		$(BIN)/python -m benchmarks.by_shape $(if $(QUICK),--scale 0.02 --runs 1,--runs $(RUNS)), \
		$(BIN)/python -m benchmarks $(if $(QUICK),--brief --rows 20000 --runs 2 $(addprefix --only ,$(QUICK_ONLY)),--rows $(ROWS) --runs $(RUNS)))

# What an installation consists of, with versions and licenses, as CycloneDX JSON in sbom.json.
sbom: .venv-sbom/installed .venv-audit/installed
	.venv-audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file sbom.json .venv-sbom/bin/python

# Known vulnerabilities of the pinned versions; asks the advisory database of PyPI.
audit: .venv-audit/installed
	.venv-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

format: .venv/tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-airbyte .venv-lake .venv-lowest .venv-newest .venv-example .venv-site .venv-sbom .venv-audit sbom.json site .benchmarks .connectors demo.duckdb demo.duckdb.* $(filter-out .dagster/dagster.yaml,$(wildcard .dagster/*))

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/tested: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.venv-airbyte/installed: connectors_dagster/airbyte/cdk-requirements.txt
	$(PYTHON) -m venv .venv-airbyte
	.venv-airbyte/bin/pip install --quiet --disable-pip-version-check -r connectors_dagster/airbyte/cdk-requirements.txt
	touch $@

.venv-sbom/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv-audit/installed:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=7,<8' 'pip-audit>=2.10,<3'
	touch $@

.venv-machines/tested: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-machines
	.venv-machines/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,celery,kubernetes]' 'dlt[s3]' 'moto[s3]' flask flask-cors
	touch $@

.venv-example/tested: pyproject.toml constraints.txt examples/dbt/requirements.txt
	$(PYTHON) -m venv .venv-example
	grep -v '^pathspec=' constraints.txt > .venv-example/constraints.txt  # dbt-core needs an older one
	.venv-example/bin/pip install --quiet --disable-pip-version-check -c .venv-example/constraints.txt \
		-e . pytest -r examples/dbt/requirements.txt
	touch $@

.venv-site/installed: docs/requirements.txt
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	touch $@

.venv-lake/tested: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lake
	.venv-lake/bin/pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e '.[dev,ducklake]'
	touch $@

.venv-lowest/tested: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e '.[dev]'
	touch $@

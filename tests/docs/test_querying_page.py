"""The queries of the page run on tables that were loaded, and the notebook reads the same file."""

from collections.abc import Iterator

import duckdb
import pytest

from connectors_dagster.sandbox import environment, generate_tables, running
from tests.cli.conftest import connectors  # noqa: F401  # a fixture
from tests.support.blocks import blocks

BLOCKS = blocks("docs/querying.md")
QUERIES = [block.text for block in BLOCKS if block.kind == "sql"]
[NOTEBOOK] = [block.text for block in BLOCKS if block.kind == "python"]


@pytest.fixture
def loaded(connectors, monkeypatch) -> Iterator[None]:  # noqa: F811
    """Orders of the sandbox and their lines, in the file of the page."""
    with running(generate_tables(scale=0.02)) as port:
        for name, value in environment(port).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P1Y")
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", "connectors.duckdb")
        done = connectors("run", "storefront/orders", "storefront/order_lines")
        assert done.exit_code == 0, done.output
        yield


def test_every_query_and_the_notebook_find_rows(loaded, capsys):
    *selects, copies = QUERIES
    with duckdb.connect("connectors.duckdb", read_only=True) as database:
        for query in selects:
            assert database.execute(query).fetchall(), query
    with duckdb.connect() as database:
        database.execute(copies)
    with duckdb.connect("copy.duckdb", read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM storefront.orders").fetchone()[0] > 0
    exec(compile(NOTEBOOK, "notebook", "exec"), {})
    assert int(capsys.readouterr().out.split()[-1]) > 0

"""Memory does not grow with the number of parents: they are kept as text, and read a few at a time."""

from itertools import count

from connectors_dagster.read.concurrency import Interleaved
from connectors_dagster.read.parent_rows import ParentRows
from connectors_dagster.rows.raw_json import parse


def test_the_sources_of_a_read_are_made_when_they_are_read():
    made: list[int] = []

    def sources():
        for number in count():
            made.append(number)
            yield iter([number])

    pages = iter(Interleaved(sources(), workers=2))
    assert sorted(next(pages) for _ in range(50))[0] == 0
    pages.close()
    assert len(made) < 100


def test_the_fields_of_parents_are_looked_up_as_they_were_written():
    rows = ParentRows(["id", "tags"])
    rows.extend(
        parse(b'[{"id": "\xc3\xbc\\u0000", "tags": [1, {"a": null}], "more": 1}, {"id": 12345678901234567890}]', ()),
        page=1,
    )
    rows.extend([], page=2)
    rows.extend(parse(b'[{"id": true, "tags": ""}]', ()), page=4)
    assert [*rows] == [
        {"id": "ü\0", "tags": [1, {"a": None}]},
        {"id": 12345678901234567890, "tags": None},
        {"id": True, "tags": ""},
    ]
    assert (len(rows), rows[-1], rows[1:2]) == (3, {"id": True, "tags": ""}, [rows[1]])
    assert [rows.page_of(number) for number in range(3)] == [1, 1, 4]

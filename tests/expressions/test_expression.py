"""Expressions against a table of what airbyte-cdk 7.39 made of them, and what is ours alone."""

from datetime import UTC, datetime

import pytest

from connectors_dagster.expressions.expression import Expression, ExpressionError
from connectors_dagster.expressions.macros import NOW

FAILS = object()
SCOPE = {
    "config": {
        "api_key": "007",
        "page": "7",
        "flag": "True",
        "start_date": "2024-01-31T10:00:00Z",
        "lang": ["en", "nl"],
        "credentials": {"id": "a b", "n": 5},
        "empty": "",
        "zero": 0,
        "none": None,
        "name": "Zoë",
        "ratio": 0.5,
        "items": "own",
    },
    "record": {
        "id": 12,
        "name": "Ann",
        "tags": ["x", "y"],
        "owner": {"id": "3", "email": "a@b.example"},
        "gone": None,
        "price": "1e3",
        "when": "2024-02-03",
        "list": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}],
        "text": "[1, 2]",
        "big": 12345678901234567890,
        "quote": "it's",
        "date": "2024-02-03T04:05:06.789+02:00",
        "odd": "1,2",
        "b": "b'x'",
    },
    "response": {"next": "/p?page=3&x=1", "meta": {"more": False, "page": 2, "total": 0}, "data": []},
    "headers": {"link": {"next": {"url": "/n"}}},
    "stream_slice": {"start_time": "2024-01-01", "item": "9"},
}
CASES = [
    ("value", "plain", "plain"),
    ("value", "", None),
    ("value", "7", 7),
    ("value", "007", "007"),
    ("value", "[1, 2]", [1, 2]),
    ("value", "1.50", 1.5),
    ("value", "2024-01-02", "2024-01-02"),
    ("value", "None", None),
    ("value", "{'a': 1}", {"a": 1}),
    ("params", "7", "7"),
    ("params", "[1, 2]", [1, 2]),
    ("value", "{{ config['api_key'] }}", "007"),
    ("value", "{{ config.page }}", 7),
    ("params", "{{ config.page }}", "7"),
    ("value", "{{ config['flag'] }}", True),
    ("value", "{{ config.missing }}", None),
    ("text", "{{ config.missing }}", ""),
    ("value", "{{ config.missing.deep }}", None),
    ("text", "{{ config.missing.deep }}", FAILS),
    ("condition", "{{ config.missing.deep }}", False),
    ("value", "{{ config.empty }}", None),
    ("text", "{{ config.empty }}", ""),
    ("value", "{{ config.zero }}", 0),
    ("value", "{{ config.none }}", None),
    ("params", "{{ config.none }}", "None"),
    ("value", "{{ config.lang }}", ["en", "nl"]),
    ("params", "{{ config.lang }}", ["en", "nl"]),
    ("value", "{{ config.lang[0] }}", "en"),
    ("value", "{{ config.lang[5] }}", None),
    ("value", "{{ ','.join(config.lang) }}", "en,nl"),
    ("value", "{{ config.credentials }}", {"id": "a b", "n": 5}),
    ("params", "{{ config.credentials }}", "{'id': 'a b', 'n': 5}"),
    ("value", "{{ config.name }}", "Zoë"),
    ("value", "{{ config.ratio }}", 0.5),
    ("value", "{{ config['items'] }}", "own"),
    ("value", "https://{{ config.credentials.id }}.example/v{{ config.page }}", "https://a b.example/v7"),
    ("value", "P{{ config.get('days', 30) }}D", "P30D"),
    ("value", "{{ config.get('none') }}", None),
    ("value", "{{ config.get('missing', {}) }}", {}),
    ("value", "{{ config.get('missing', {}).get('x', '') }}", None),
    ("value", "{{ record.id }}", 12),
    ("value", "{{ record['owner']['id'] }}", 3),
    ("value", "{{ record.gone }}", None),
    ("value", "{{ record.gone.id }}", None),
    ("text", "{{ record.gone.id }}", ""),
    ("value", "{{ record.price }}", 1000.0),
    ("value", "{{ record.text }}", [1, 2]),
    ("value", "{{ record.big }}", 12345678901234567890),
    ("value", "{{ record.quote }}", "it's"),
    ("value", "{{ record.odd }}", (1, 2)),
    ("value", "{{ record.b }}", b"x"),
    ("value", "{{ record.tags | length }}", 2),
    ("value", "{{ record.tags | join('-') }}", "x-y"),
    ("value", "{{ record.gone + 1 }}", "{{ record.gone + 1 }}"),
    ("condition", "{{ record.gone|length > 1 }}", True),
    ("value", "{{ record.owner | string }}", '{"id": "3", "email": "a@b.example"}'),
    ("value", "{{ record.owner | tojson }}", {"email": "a@b.example", "id": "3"}),
    ("value", "{{ record.name | hash }}", "82e335f7ac0e0e412b2ae15abe662110"),
    (
        "value",
        "{{ record.name | hash('sha256', 'salt') }}",
        "67fd04b4313fbdfe58e06fd74bc4567a8563fc0ff01724c8cd86d379b93fc014",
    ),
    ("value", "{{ record.name | base64encode }}", "QW5u"),
    ("value", "{{ 'QW5u' | base64decode }}", "Ann"),
    ("value", "{{ record.name | hmac('key') }}", "28492470066575718888055fac51a695f463ced2c8f512313ae89f2610d08db5"),
    ("value", "{{ record.price | float }}", 1000.0),
    ("value", "{{ record.name | lower }}", "ann"),
    ("value", "{{ record.owner.email | urlencode }}", "a%40b.example"),
    ("value", "{{ record.name | default('none') }}", "Ann"),
    ("value", "{{ record.nothing | default('none') }}", "none"),
    ("value", "{{ record.list | selectattr('rel', 'equalto', 'next') | map(attribute='href') | first }}", "/2"),
    ("value", "{{ response.next | regex_search('page=(\\d+)') }}", 3),
    ("value", "{{ 'a-b' | regex_replace('-', '_') }}", "a_b"),
    ("condition", "{{ response.meta.more }}", False),
    ("condition", "{{ not response.meta.more }}", True),
    ("condition", "{{ response.meta.total }}", False),
    ("condition", "{{ response.data }}", False),
    ("condition", "{{ response.next }}", True),
    ("condition", "false", False),
    ("condition", "{{ 'False' }}", False),
    ("condition", "{{ '0.0' }}", False),
    ("condition", "{{ ' ' }}", True),
    ("condition", "{{ 'next' not in headers['link'] }}", False),
    ("value", "{{ headers['link']['next']['url'] }}", "/n"),
    ("condition", "{{ response.nowhere is not defined }}", True),
    ("condition", "{{ response.get('nowhere') is none }}", True),
    ("value", "{{ stream_interval.start_time }}", "2024-01-01"),
    ("value", "{{ stream_partition['item'] }}", 9),
    ("params", "{{ stream_partition['item'] }}", "9"),
    ("value", "{{ now_utc() }}", "2026-03-04 05:06:07.891011+00:00"),
    ("value", "{{ now_utc().strftime('%Y-%m-%d') }}", "2026-03-04"),
    ("value", "{{ today_utc() }}", "2026-03-04"),
    ("value", "{{ today_with_timezone('Pacific/Tarawa') }}", "2026-03-04"),
    ("value", "{{ day_delta(-1, '%Y-%m-%d') }}", "2026-03-03"),
    ("value", "{{ (now_utc() - duration('P1M')).strftime('%Y-%m-%dT%H:%M:%SZ') }}", "2026-02-04T05:06:07Z"),
    ("value", "{{ str_to_datetime(config.start_date) - duration('PT36H') }}", "2024-01-29 22:00:00+00:00"),
    ("value", "{{ format_datetime(config.start_date, '%Y/%m/%d') }}", "2024/01/31"),
    ("value", "{{ format_datetime(record.date, '%s') }}", 1706925906),
    ("value", "{{ format_datetime(record.date, '%Y-%m-%dT%H:%M:%S.%_msZ') }}", "2024-02-03T02:05:06.789Z"),
    ("value", "{{ format_datetime('03.02.2024', '%Y-%m-%d', '%d.%m.%Y') }}", "2024-02-03"),
    ("value", "{{ format_datetime(1700000000, '%Y-%m-%d') }}", "2023-11-14"),
    ("value", "{{ timestamp(record.when) }}", 1706918400.0),
    ("value", "{{ timestamp(1658505815.9) }}", 1658505815),
    ("value", "{{ (timestamp(config.start_date) * 1000) | int }}", 1706695200000),
    ("value", "{{ max(2, 3) }}", 3),
    ("value", "{{ min([4, 2]) }}", 2),
    ("value", "{{ sanitize_url('a b/c') }}", "a+b%2Fc"),
    ("value", "{{ camel_case_to_snake_case('CamelCase') }}", "camel_case"),
    ("value", "{% if config.flag %}yes{% else %}no{% endif %}", "yes"),
    ("value", "{% for tag in record.tags %}{{ tag }}{% endfor %}", "xy"),
    (
        "value",
        "{% set found = [] %}{% for tag in record.tags %}{% set _ = found.append(tag) %}{% endfor %}{{ found }}",
        ["x", "y"],
    ),
    ("value", "{# a remark #}", None),
    ("value", "{{ 'x' if config.missing }}", None),
    ("value", "{{ format_datetime(config.missing, '%Y') }}", None),
    ("value", "{{ timestamp(record.gone) }}", "{{ timestamp(record.gone) }}"),
]


def expression(kind, text):
    return Expression(text, types=(str, list)) if kind == "params" else Expression(text, kind=kind)


@pytest.mark.parametrize(("kind", "text", "expected"), CASES)
def test_an_expression_has_the_value_that_airbyte_gives_it(kind, text, expected):
    scope = {**SCOPE, NOW: datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)}
    if expected is FAILS:
        with pytest.raises(ExpressionError, match=r"undefined|missing"):
            expression(kind, text).render(**scope)
        return
    found = expression(kind, text).render(**scope)
    assert (found, type(found)) == (expected, type(expected))


def test_a_name_that_is_not_in_the_scope_is_an_error_that_shows_no_value():
    with pytest.raises(
        ExpressionError, match=r"reads stream_slice, which is not known here: it may read config"
    ) as error:
        Expression("{{ stream_partition.id }}{{ config.key }}").render(config={"key": "geheim-12345"})
    assert "geheim" not in str(error.value)


def test_a_value_that_a_function_cannot_read_is_an_error_that_does_not_show_it():
    with pytest.raises(ExpressionError, match="cannot be rendered: ValueError") as error:
        Expression("{{ str_to_datetime(config.key) }}").render(config={"key": "geheim-12345"})
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["{{ config.", "{% if %}", "{{ x | nofilter }}", "{{ x | selectattr('name', 'has') | list }}"]
)
def test_what_is_not_an_expression_is_refused_when_it_is_made(text):
    with pytest.raises(ExpressionError, match="is not an expression"):
        Expression(text)


@pytest.mark.parametrize("text", ["{{ ''.__class__.__mro__ }}", "{{ range(3) }}"])
def test_nothing_beyond_the_values_can_be_reached(text):
    with pytest.raises(ExpressionError):
        Expression(text, kind="text").render(**SCOPE)


TOO_LARGE = [
    "{{ 'x' * 10 ** 10 }}",
    "{{ 10 ** 100000 }}",
    "{{ 'x' | indent(config.n, true) }}",
    "{{ [1] * config.n }}",
    "{{ config.n * 'x' }}",
    "{{ 7 ** config.n }}",
    "{{ '%9999999999d' % config.n }}",
    "{{ '%*d' | format(config.n, 1) }}",
    "{{ 'x' | center(config.n) }}",
    "{{ 'x'.ljust(config.n) }}",
    "{{ '{:9999999999}'.format(1) }}",
]


@pytest.mark.parametrize("text", TOO_LARGE)
def test_an_expression_cannot_make_a_value_that_fills_the_memory(text):
    with pytest.raises(ExpressionError, match="OverflowError"):
        assert len(str(Expression(text).render(config={"n": 10**10})))


def test_operators_of_constants_and_numbers_are_computed_as_ever():
    assert Expression("{{ 60 * 60 }}/{{ 2 ** 10 % 7 + 1 }}").parts == ("3600", "/", "3")
    assert Expression("{{ 'a' * config.n }}{{ '%02d' % config.n }}").render(config={"n": 3}) == "aaa03"


def test_an_expression_tells_what_it_reads():
    assert Expression("{{ stream_interval.start_time }}/{{ config.shop }}").names == {"stream_slice", "config"}
    assert Expression("{{ now_utc() }}").names == frozenset()
    assert Expression("plain").is_constant


def test_a_method_of_a_value_is_no_field_that_an_expression_reads():
    expression = Expression("{{ config['url'].rstrip('/') }}{{ config.name.split(config.mark)[0] }}")
    assert [[step.key for step in lookup.steps] for lookup in expression.lookups] == [["url"], ["name"], ["mark"]]


@pytest.mark.parametrize(
    ("text", "is_lookup"),
    [
        ("{{ record['owner'].id }}", True),
        ("{{ record.get('owner', {}).get('id') }}", True),
        ("{{ record.tags[0] }}", True),
        ("{{ record.items }}", False),
        ("{{ record.id }} ", False),
        ("{{ record.id | int }}", False),
    ],
)
def test_what_only_looks_up_a_value_is_read_without_a_template(text, is_lookup):
    assert bool(Expression(text).lookup) is is_lookup


def test_a_default_that_is_changed_later_is_another_one_for_the_next_row():
    expression = Expression("{{ record.get('tags', {}) }}")
    expression.render(record={})["changed"] = True
    assert expression.render(record={}) == {}

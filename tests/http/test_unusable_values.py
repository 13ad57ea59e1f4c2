"""Values of an API that cannot be used as a link, a cursor, the key of a parent or a charset are errors with a name."""

import pytest

from connectors_dagster.errors import ApiError, EnvelopeError, RowError
from connectors_dagster.rows.raw_json import encode
from tests.load.test_missing_rows import family
from tests.support.shop import things
from tests.support.wire import reply

NO_TEXT = [7, True, {"url": "/things?page=2"}, ["/things?page=2"], 1.5]


@pytest.mark.parametrize("value", NO_TEXT, ids=str)
def test_a_next_link_that_is_no_text_is_an_error_with_page_and_field(shop, tmp_path, read, value):
    shop.replies = [
        reply({"data": [{"id": "1"}], "next": f"{shop.url}/things?page=2"}),
        reply({"data": [{"id": "2"}], "next": value}),
    ]
    with pytest.raises(EnvelopeError, match=r"shop/things: page 2 does not fit the paginator \('next' is not a URL\)"):
        read(things(tmp_path, paginator={"type": "json_link", "next_url_path": "next"}))


@pytest.mark.parametrize("value", [{"after": 1}, [1], True], ids=str)
def test_a_cursor_that_is_no_single_value_is_an_error_with_page_and_field(shop, tmp_path, read, value):
    shop.replies = [reply({"data": [{"id": "1"}], "next": "a"}), reply({"data": [{"id": "2"}], "next": value})]
    with pytest.raises(
        EnvelopeError, match=r"shop/things: page 2 does not fit the paginator \('next' is not a single v"
    ):
        read(things(tmp_path, paginator={"type": "cursor", "cursor_path": "next", "cursor_param": "after"}))


@pytest.mark.parametrize(
    ("value", "kind"), [({"a": 1}, "an object"), ([1, 2], "a list"), (True, "a boolean"), (False, "a boolean")], ids=str
)
def test_the_key_of_a_parent_that_is_no_single_value_is_an_error_with_its_page_and_field(
    shop, tmp_path, connected, value, kind
):
    with pytest.raises(RowError, match=f"shop/lines: a row of shop/orders on page 2 has .* as 'id', which is {kind}"):
        connected(family(tmp_path)[1], value)
    assert shop.received == []


@pytest.fixture
def connected():
    """Read the children of a parent with a key, which was on page 2."""
    from connectors_dagster.read.connection import connect
    from connectors_dagster.read.parent_rows import ParentRows
    from connectors_dagster.read.reader import ResourceReader

    def read_(resource, key):
        parents = ParentRows(["id"])
        parents.extend([], page=1)
        parents.extend([{"id": encode(key)}], page=2)
        reader = ResourceReader(resource=resource, connection=connect(resource.connector), parents={None: parents})
        return list(reader.pages())

    return read_


LATIN = '{"data": [{"id": "ü"}]}'.encode("latin-1")


@pytest.mark.parametrize("charset", ["x-unknown", "hex", "rot13"])
def test_an_unknown_charset_is_an_error_that_names_it(shop, tmp_path, read, charset):
    shop.replies = [reply(LATIN, Content_Type=f"application/json; charset={charset}")]
    with pytest.raises(ApiError, match=f"shop/things: GET .*/things failed: .* charset is '{charset}', which is unkn"):
        read(things(tmp_path))


def test_an_unknown_charset_of_a_body_in_utf_8_does_not_matter(shop, tmp_path, read):
    shop.replies = [reply({"data": [{"id": "ü"}]}, Content_Type="application/json; charset=x-unknown")]
    rows, _ = read(things(tmp_path))
    assert [row["id"] for row in rows] == ["ü"]


@pytest.mark.parametrize("charset", ["x-unknown", "hex", "undefined", "latin-1"])
def test_an_error_in_any_charset_is_shown(shop, tmp_path, read, charset):
    shop.replies = [reply(b"no \xff access", "403 Forbidden", Content_Type=f"text/plain; charset={charset}")]
    with pytest.raises(ApiError, match=r"answered 403: no . access"):
        read(things(tmp_path))

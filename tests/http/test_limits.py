"""An API that sends too much, or too slowly, fails by name and with the setting to raise."""

import gzip
import socket
import time
import zlib
from dataclasses import replace

import orjson
import pytest

from connectors_dagster.errors import ApiError, EnvelopeError
from connectors_dagster.http.request_budget import UNCHECKED
from tests.support.numbered import numbered
from tests.support.shop import things
from tests.support.wire import reply

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
DRIPPING = {
    "headers": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "status": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunk": (CHUNKED + b"fffff\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
}
OFFSET = {"type": "offset", "limit": 2, "total_path": None}
ROWS = {"data": [{"id": "1"}]}
MANY = {"data": [{"id": str(number), "name": "x" * 50} for number in range(1_000)]}


def drip(begin: bytes, again: bytes):
    """Send `begin`, and then `again` forever in short intervals, until the caller gives up."""

    def send(connection: socket.socket) -> None:
        connection.sendall(begin)
        connection.settimeout(0.02)
        while True:
            connection.sendall(again)
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    return send


def zipped(body: bytes, encoding: str):
    compressed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    return reply(compressed, Content_Encoding=encoding)


@pytest.mark.parametrize("where", DRIPPING)
def test_a_response_that_arrives_a_byte_at_a_time_ends_when_its_time_is_up(shop, tmp_path, read, monkeypatch, where):
    monkeypatch.setenv("SOURCES__SHOP__MAX_REQUEST_SECONDS", "0.4")
    shop.replies = [drip(*DRIPPING[where])]
    started = time.monotonic()
    with pytest.raises(
        ApiError, match=r"shop/things: GET .*/things took longer than 0\.4 s in total: .*SOURCES__SHOP__MAX_REQUEST_SEC"
    ):
        read(things(tmp_path))
    assert time.monotonic() - started < 15  # a server that hesitates for longer
    assert shop.connections == 1


def test_a_redirect_does_not_begin_the_time_of_a_request_again(shop, tmp_path, read, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__MAX_REQUEST_SECONDS", "0.4")
    half = drip(*DRIPPING["body"])

    def redirect(connection: socket.socket) -> None:
        connection.settimeout(0.1)
        try:
            connection.recv(1)
        except TimeoutError:
            reply({}, "302 Found", Location=shop.url + "/things")(connection)

    shop.replies = [*[redirect] * 20, half]
    with pytest.raises(ApiError, match=r"took longer than 0\.4 s in total"):
        read(things(tmp_path))
    assert shop.connections < 10


def test_a_response_behind_tls_ends_when_its_time_is_up(tls_shop, tmp_path, read, monkeypatch, certificate):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    monkeypatch.setenv("SOURCES__SHOP__MAX_REQUEST_SECONDS", "0.8")
    tls_shop.replies = [drip(*DRIPPING["chunk"])]
    with pytest.raises(ApiError, match="SOURCES__SHOP__MAX_REQUEST_SECONDS"):
        read(things(tmp_path))


@pytest.mark.parametrize(
    "send",
    [
        reply(MANY),
        zipped(orjson.dumps(MANY), "gzip"),
        lambda connection: connection.sendall(
            CHUNKED + b"".join(b"3e8\r\n" + b" " * 1000 + b"\r\n" for _ in range(200))
        ),
    ],
    ids=["plain", "gzip", "chunked"],
)
def test_a_body_that_is_too_large_is_not_read_to_its_end(shop, tmp_path, read, monkeypatch, send):
    monkeypatch.setenv("SOURCES__SHOP__MAX_RESPONSE_BYTES", "10000")
    shop.replies = [send]
    with pytest.raises(
        ApiError,
        match=r"shop/things: GET .* answered with more than 10,000 bytes: .*SOURCES__SHOP__MAX_RESPONSE_BYTES",
    ):
        read(things(tmp_path))
    assert shop.connections == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_grows_too_much_when_it_is_decompressed_fails_early(shop, tmp_path, read, encoding):
    shop.replies = [zipped(b" " * (3 * UNCHECKED), encoding)]
    with pytest.raises(
        ApiError,
        match=r"shop/things: GET .* answered with [\d,]+ bytes that .* raise SOURCES__SHOP__MAX_DECOMPRESSION_R",
    ) as caught:
        read(things(tmp_path))
    assert "more than 200 times" in str(caught.value)


def test_rows_that_compress_well_are_read_if_the_limit_is_raised(shop, tmp_path, read, monkeypatch):
    body = orjson.dumps(ROWS) + b" " * (UNCHECKED + 1_000_000)
    shop.replies = [zipped(body, "gzip")]
    monkeypatch.setenv("SOURCES__SHOP__MAX_DECOMPRESSION_RATIO", "2000")
    rows, stats = read(things(tmp_path))
    assert ([row["id"] for row in rows], stats.bytes) == (["1"], len(body))


def test_a_small_body_may_be_compressed_to_any_ratio(shop, tmp_path, read):
    shop.replies = [zipped(orjson.dumps(ROWS) + b" " * 1_000_000, "gzip")]
    rows, _ = read(things(tmp_path))
    assert [row["id"] for row in rows] == ["1"]


def test_a_list_without_an_end_fails_by_name(listing, tmp_path, read, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__MAX_PAGES", "5")
    listing.body = lambda query: {"data": numbered(int(query["offset"]), int(query["offset"]) + 1)}
    resource = things(tmp_path, paginator=OFFSET)
    with pytest.raises(
        EnvelopeError, match=r"shop/things: there are more than 5 pages: .*SOURCES__SHOP__MAX_PAGES; .*check paginator"
    ):
        read(replace(resource.connector, short_page_is_end=True).graph["things"])


def test_a_list_of_as_many_pages_as_allowed_is_read(listing, tmp_path, read, monkeypatch):
    listing.body = lambda query: {"data": numbered(*range(9))[int(query["offset"]) :][:2]}
    resource = things(tmp_path, paginator=OFFSET)
    resource = replace(resource.connector, short_page_is_end=True).graph["things"]
    _, stats = read(resource)
    monkeypatch.setenv("SOURCES__SHOP__MAX_PAGES", str(stats.pages))
    rows, _ = read(resource)
    assert len(rows) == 9

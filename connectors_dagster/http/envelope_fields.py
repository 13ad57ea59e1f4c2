"""The fields around the rows of a response, in its body and its headers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from connectors_dagster.http.sign_names import ABOUT_THE_LIST, plain
from connectors_dagster.rows.json_codec import load

DEPTH = 4


@dataclass(frozen=True)
class EnvelopeField:
    """A field of the envelope, or a header.

    Args:
        path: where it is, or the name of the header.
        name: its name as `sign_names` compares it.
        value: its value.
        about_the_list: whether it belongs to the list, not to another object.
    """

    path: str
    name: str
    value: Any
    about_the_list: bool


def fields_of_body(
    body: Any, rows_at: Sequence[str] | None, path: str = "", depth: int = 0, *, about_the_list: bool = True
) -> Iterator[EnvelopeField]:
    """Yield the fields of the envelope, also those of objects in it, but not the rows.

    Args:
        body: the parsed body.
        rows_at: the names on the path to the rows; None if the body is no envelope. Then its fields are those of a row.
        path: where `body` is in the response, for objects in it.
        depth: how deep it is there.
        about_the_list: whether it belongs to the list.
    """
    if rows_at is None or not isinstance(body, Mapping) or depth > DEPTH:
        return
    for name, value in body.items():
        on_path, named = name == next(iter(rows_at), None), plain(name)
        within = about_the_list and (on_path or ABOUT_THE_LIST.fullmatch(named) is not None)
        if isinstance(value, Mapping):
            yield EnvelopeField(f"{path}{name}", named, value, about_the_list)
            inner = rows_at[1:] if on_path else ()
            yield from fields_of_body(value, inner, f"{path}{name}.", depth + 1, about_the_list=within)
        elif isinstance(value, list):
            yield from () if on_path else _next_links(f"{path}{name}", value, about_the_list=within)
        else:
            yield EnvelopeField(f"{path}{name}", named, value, about_the_list)


def fields_of_headers(response: requests.Response) -> Iterator[EnvelopeField]:
    """Yield the headers as fields; some APIs write an object into one, or a range with a total."""
    for header, text in response.headers.items():
        name = plain(header).removeprefix("x")
        try:
            inner = fields_of_body(load(text.encode()), ()) if text.startswith("{") else ()
        except ValueError:
            inner = ()
        if name == "contentrange":
            name, text = "count", text.rpartition("/")[2]
        yield EnvelopeField(header, name, text, about_the_list=True)
        yield from (EnvelopeField(header, field.name, field.value, field.about_the_list) for field in inner)


def _next_links(path: str, links: Sequence[Any], *, about_the_list: bool) -> Iterator[EnvelopeField]:
    """Yield the links in a list that say that they lead to the next page."""
    for relation in ("rel", "relation"):
        for link in links:
            if isinstance(link, Mapping) and link.get(relation) == "next":
                yield EnvelopeField(f"{path}[?(@.{relation} == 'next')]", "next", link, about_the_list)

"""A request as people see it before it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MASK = "***"
"""Stands for a secret."""


@dataclass(frozen=True, kw_only=True)
class DryRequest:
    """A request that would be made, with secrets masked.

    In the place of settings there are names in capital letters, or the expressions of a manifest.

    Args:
        method: GET or POST.
        url: the address without its query.
        params: the query parameters.
        headers: those that not every request has.
        body: the body: parsed if it is JSON, else text; None if there is none.
        repeated: what the request is repeated for, in words.
    """

    method: str
    url: str
    params: Mapping[str, str | list[str]]
    headers: Mapping[str, str]
    body: Any
    repeated: Sequence[str] = ()

"""Errors that an API reports in the body of a successful response."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from connectors_dagster.compat.dlt_internals import find_values

FAILED = {"error", "failed", "failure", "fail", "ko", "nok", "ng", "not ok", "false", "partial", "partial_success"}
SUCCESS = re.compile("success|ok|is(?:success|ok)|successful|succeeded")
OUTCOME = re.compile("(?:response|result|return|ret|status)?(?:status|state|result|code)|ret")
ERROR = re.compile(
    "(?:error|err)s?(?:code|messages?|msg|no|details?|description|text|type)?|fault(?:string|code)?|exception"
)
PARTIAL = re.compile("(?:is|has)?(?:incomplete|partial)(?:results?|response|data)?|timedout")
TEXT = re.compile("message|msg|detail|details|description|reason|info")
REFUSED = re.compile(
    "too many|rate.?limit|throttl|quota|exceeded|try again|unavailable|timed? ?out|denied|expired|forbidden"
    "|unauthori[sz]ed|not (?:allowed|permitted)|failed|failure"
)
"""How texts say that a request was refused."""
STATUS = re.compile(r"[45]\d\d+")
NO = {"false", "0", "n", "no", "f"}
SUCCEEDED = re.compile(r"|0|2\d\d+|ok|success|true|none|null|false|no")
NO_ERROR = {"", "0", "200", "ok", "none", "null", "false", "no", "success"}
LONGEST = 40
"""Characters of a value that may say how a request went; longer ones are tokens or text."""


def reports_error(body: Any, error_when: str | None, rows_at: Sequence[str] | None = None) -> bool:
    """Return whether a body reports an error.

    Args:
        body: the parsed body.
        error_when: a JSON path whose value is an error if it is present and not empty; None to look for the shapes
            that APIs commonly use; an empty text to look for none.
        rows_at: the names on the path to the rows; some fields are an error only if there are no rows.
    """
    if error_when is not None:
        return bool(error_when) and any(find_values(error_when, body))
    if not isinstance(body, Mapping):
        return False
    if any(PARTIAL.fullmatch(_plain(field)) and value is True for field, value in body.items()) or _lacks_shards(body):
        return True
    if _has_rows(body, rows_at):
        return any(_fails(name, value) for name, value in _outcomes(body, deep=False))
    return any(_fails(name, value) or _fails_without_rows(name, value) for name, value in _outcomes(body)) and not all(
        ERROR.fullmatch(_plain(name)) for name in body
    )  # an error that is all there is leaves no list, which is reported with the error


def names_an_error(body: Mapping[str, Any]) -> bool:
    """Return whether a body without rows has a field that is an error, also if that is all it has."""
    return any(
        ERROR.fullmatch(_plain(name)) and _fails_without_rows(_plain(name), value) for name, value in body.items()
    )


def outcomes(body: Any) -> Mapping[str, str]:
    """Return the fields of a body that may say how the request went, unless they clearly say that it succeeded."""
    fields = _outcomes(body) if isinstance(body, Mapping) else ()
    found = (
        (name, str(value).lower())
        for name, value in fields
        if not isinstance(value, Mapping | list) and not TEXT.fullmatch(name)
    )
    return {name: text for name, text in found if len(text) <= LONGEST and not SUCCEEDED.fullmatch(text)}


def _has_rows(body: Mapping[str, Any], rows_at: Sequence[str] | None) -> bool:
    """Return whether there are rows, or if the path to them is not simple, whether anything is beside an error."""
    found: Any = body
    for name in rows_at or ("*",):
        if name == "*":
            return any(value for field, value in body.items() if not ERROR.fullmatch(_plain(field)))
        found = found.get(name) if isinstance(found, Mapping) else None
    return bool(found)


def _outcomes(body: Mapping[str, Any], *, deep: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield plain name and value of the fields that may say how the request went, also of the objects in a body."""
    for field, value in body.items():
        name = _plain(field)
        if _may_be_outcome(name):
            yield name, value  # of few fields, so that not all rows are written as text
        if deep and isinstance(value, Mapping):
            yield from _outcomes(value, deep=False)


def _lacks_shards(body: Mapping[str, Any]) -> bool:
    """Return whether a body says that a part of the servers did not answer, as that of Elasticsearch does."""
    shards = body.get("_shards")
    return isinstance(shards, Mapping) and bool(shards.get("failed"))


def _fails(name: str, value: Any) -> bool:
    """Return whether a field says that the request failed, even if there are rows."""
    if SUCCESS.fullmatch(name):
        return value is False
    return isinstance(value, str) and bool(OUTCOME.fullmatch(name)) and value.lower() in FAILED


def _fails_without_rows(name: str, value: Any) -> bool:
    text = str(value).lower()
    if TEXT.fullmatch(name):
        return isinstance(value, str) and bool(REFUSED.search(text))
    if SUCCESS.fullmatch(name):
        return text in NO
    if OUTCOME.fullmatch(name):
        return value is False or bool(STATUS.fullmatch(text))
    return bool(value) and text not in NO_ERROR


@lru_cache(maxsize=10_000)
def _may_be_outcome(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (SUCCESS, OUTCOME, ERROR, TEXT))


@lru_cache(maxsize=10_000)
def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")

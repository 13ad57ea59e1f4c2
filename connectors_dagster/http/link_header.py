"""The `Link` header, read as RFC 8288 defines it."""

import re
from collections.abc import Mapping

TARGET = re.compile(r"<([^>]*)>")
PARAMETER = re.compile(r"""\s*;\s*(?:([\w!#$&+.^`|~*-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;,"]*))?)?""")
ESCAPED = re.compile(r"\\(.)")


def parse_links(header: str) -> Mapping[str, str]:
    """Return the target of each relation, by its name in lower case.

    A link may have several relations; parameters may be quoted or not; targets may contain commas and semicolons. The
    first link of a relation counts. A link with an `anchor` is about another page and is left out, and what is not a
    link is skipped.
    """
    links: dict[str, str] = {}
    at = 0
    while target := TARGET.search(header, at):
        at, parameters = target.end(), dict[str, str]()
        while parameter := PARAMETER.match(header, at):
            at = parameter.end()
            parameters.setdefault((parameter[1] or "").lower(), _unquoted(parameter[2] or ""))
        for relation in () if "anchor" in parameters else parameters.get("rel", "").lower().split():
            links.setdefault(relation, target[1].strip())
    return links


def _unquoted(value: str) -> str:
    return ESCAPED.sub(r"\1", value[1:-1]) if value.startswith(('"', "'")) else value

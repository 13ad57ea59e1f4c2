"""Bodies in XML, for streams whose decoder reads that."""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape


def as_xml(body: Any) -> str:
    """Write a body in which the only field, or else ``root``, is the outermost element; a list repeats its element."""
    whole = body if isinstance(body, Mapping) and len(body) == 1 else {"root": body}
    return "".join(_elements(whole))


def _elements(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            inside = "".join(_elements(one)) if isinstance(one, Mapping) else "" if one is None else escape(str(one))
            yield f"<{name}>{inside}</{name}>"

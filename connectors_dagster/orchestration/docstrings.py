"""Parse docstrings for the schema that editors read and for the reference page."""

from inspect import getdoc

from docstring_parser import Docstring, DocstringStyle, parse


def parsed(documented: object) -> Docstring:
    """Parse a docstring."""
    return parse(getdoc(documented) or "", style=DocstringStyle.GOOGLE)


def summary(documented: object) -> str:
    """Return a docstring without its sections."""
    doc = parsed(documented)
    return "\n\n".join(part for part in (doc.short_description, doc.long_description) if part)


def arguments(documented: object) -> dict[str, str]:
    """Return the description of each argument, each on one line."""
    return {param.arg_name: " ".join((param.description or "").split()) for param in parsed(documented).params}

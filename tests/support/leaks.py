"""Finds secrets where they should not be, in every encoding."""

import base64
import gzip
import html
import json
import re
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.support.escapes import ESCAPES


def forms(secrets: list[str]) -> set[str]:
    """All encodings of the secrets."""
    return _forms(tuple(secrets))


@cache
def _forms(secrets: tuple[str, ...]) -> set[str]:
    pairs = [f"{name}:{password}" for name in ("", *secrets) for password in ("", *secrets)]
    found: set[str] = set()
    for text in (*secrets, *(pair for pair in pairs if len(pair) > 1)):
        raw = text.encode()
        found |= {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    for text in secrets:
        found |= {text, quote(text), quote(text, safe=""), quote_plus(text), html.escape(text), repr(text)[1:-1]}
        found |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], quote(quote(text, safe=""))}
        found |= {escape(text) for escape in ESCAPES.values()}
    return found | {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in found}


def leaks(text: str, secrets: list[str]) -> list[str]:
    return [form for form in forms(secrets) if form in text]


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """All files in a folder and below, decompressed if needed."""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield (
                path,
                (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode(errors="surrogateescape"),
            )


def chain(error: BaseException | None) -> str:
    """Everything a printed exception shows, and all attributes of the exceptions behind it."""
    text = ""
    while error is not None:
        text += "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return text

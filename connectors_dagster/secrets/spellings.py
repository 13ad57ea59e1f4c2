"""What to look for in text whose escapes are undone: a secret, and what base64 makes of it."""

import base64
import json
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from connectors_dagster.secrets.unescaped import plain

SHORTEST = 3
"""Characters. Masking shorter values would make every text unreadable."""
SHORTEST_ENCODED = 4
"""Bytes. Shorter secrets have no part in base64 that is unique to them."""
LONG = 6
"""Characters. If a character is cut off a shorter secret, the rest would match ordinary text."""
BEFORE = ("\\", "%", "&", "=")
_HALF_ESCAPE = re.compile(r"[\\%&+='\"][^\\%&+='\"]?\Z")
IN_HEX = ("", " ", ":", "-", " 0x", ", 0x")
"""What stands between bytes in hex."""


def spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is and as it stands in text whose escapes are undone, if that is not too short.

    A character before or after the secret may join it into an escape that it does not have.
    """
    for value in {secret, secret.strip()}:
        joined = ((before, plain(before + value)) for before in BEFORE)
        found = {value, plain(value), *(form for before, form in joined if not form.startswith(before))}
        if len(value) > LONG:
            found.add(plain(value[1:]))
        found |= {_HALF_ESCAPE.sub("", form) for form in found}
        found = {spelling for form in found for spelling in _in_other_charsets(form)}
        yield from (form for form in found if len(form.strip()) >= SHORTEST)
        for raw in _encoded(value):
            if len(raw) >= SHORTEST_ENCODED:
                bytes_ = [f"{byte:02x}" for byte in raw]
                yield from (between.join(letters) for between in IN_HEX for letters in (bytes_, map(str.upper, bytes_)))


def in_base64(secret: str) -> Iterator[str]:
    """Yield what is in base64 whenever the secret is, whatever stands before and after it."""
    for value in {secret, secret.strip()}:
        escaped = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
        for form in {spelling for text in escaped for spelling in _in_other_charsets(text)}:
            for core in (core for raw in (*_encoded(form), form.encode("latin-1", "ignore")) for core in _cores(raw)):
                yield from (core, core.replace("+", " "), core.replace("+", "-").replace("/", "_"))
                if form == value:
                    yield from _cores(core.encode())  # base64 of base64


def _encoded(text: str) -> tuple[bytes, bytes]:
    """Return the bytes of a text in UTF-8 and in the UTF-16 of Windows."""
    return text.encode(errors="surrogatepass"), text.encode("utf-16-le", "surrogatepass")


def _in_other_charsets(text: str) -> set[str]:
    """Return a text also composed, decomposed, and with a mark for each letter that a charset does not have."""
    if text.isascii():
        return {text}
    forms = {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))}
    return forms | {re.sub(r"[^\x00-\x7f]", lost, text) for lost in "?\ufffd"}


def _cores(raw: bytes) -> Iterator[str]:
    """Yield the part of base64 that some bytes alone determine, for each of their three possible alignments."""
    if len(raw) < SHORTEST_ENCODED:
        return
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        # The characters at both ends also encode bits of the neighbouring text.
        yield encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]

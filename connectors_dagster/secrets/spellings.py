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
BEFORE = ("", "\\", "%", "&")
_HALF_ESCAPE = re.compile(r"[\\%&+'\"][^\\%&+'\"]?\Z")


def spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is and as it stands in text whose escapes are undone, if that is not too short.

    A character before or after the secret may join it into an escape that it does not have.
    """
    for value in {secret, secret.strip()}:
        found = {value, *(plain(before + value) for before in BEFORE)}
        if len(value) > LONG:
            found.add(plain(value[1:]))
        found |= {_HALF_ESCAPE.sub("", form) for form in found}
        found = {spelling for form in found for spelling in _in_other_charsets(form)}
        yield from (form for form in found if len(form.strip()) >= SHORTEST)
        raw = value.encode(errors="surrogatepass")
        if len(raw) >= SHORTEST_ENCODED:
            yield from (raw.hex(), raw.hex().upper())


def in_base64(secret: str) -> Iterator[str]:
    """Yield what is in base64 whenever the secret is, whatever stands before and after it."""
    for value in {secret, secret.strip()}:
        escaped = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
        for form in {spelling for text in escaped for spelling in _in_other_charsets(text)}:
            for core in (*_cores(form.encode(errors="surrogatepass")), *_cores(form.encode("latin-1", "ignore"))):
                yield from (core, core.replace("+", " "), core.replace("+", "-").replace("/", "_"))


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

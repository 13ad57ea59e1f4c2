"""How APIs, languages and formats escape text, for tests of what must be recognized in every spelling."""

import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

Escape = Callable[[str], str]


def _each(pattern: str, write: Callable[[str], str]) -> Escape:
    return lambda text: re.sub(pattern, lambda found: write(found[0]), text)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _units(letter: str) -> list[int]:
    raw = letter.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


def _upper(letter: str) -> str:
    return "".join(f"\\u{unit:04X}" for unit in _units(letter))


def _js_escape(letter: str) -> str:
    return "".join(f"%{unit:02X}" if unit < 256 else f"%u{unit:04X}" for unit in _units(letter))


def _go(text: str) -> str:
    return _each("[&<>\u2028]", lambda one: f"\\u{ord(one):04x}")(_in_json(text))


def _in_utf8(before: str, form: str) -> Callable[[str], str]:
    return lambda letter: "".join(before + format(byte, form) for byte in letter.encode())


ANY = r"(?s)."
ESCAPES: dict[str, Escape] = {
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": _in_json,
    "PHP's json_encode": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "Go's encoding/json": _go,
    ".NET's System.Text.Json": lambda text: _each(r"[\"'&<>+`]|[^\x00-\x7f]", _upper)(text.replace("\\", "\\\\")),
    "Rails' JSON": lambda text: _each("[&<>]", lambda one: f"\\u{ord(one):04x}")(json.dumps(text)[1:-1]),
    "every letter as \\u": _each(ANY, _upper),
    "every letter as \\U": _each(ANY, lambda one: f"\\U{ord(one):08x}"),
    "every letter as \\u{}": _each(ANY, lambda one: f"\\u{{{ord(one):x}}}"),
    "every byte as \\x": _each(ANY, _in_utf8("\\x", "02x")),
    "every byte as octal": _each(ANY, _in_utf8("\\", "03o")),
    "PHP's htmlspecialchars": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "Python's html.escape": html.escape,
    "every letter as an entity": _each(ANY, lambda one: f"&#{ord(one)};"),
    "every letter as a hex entity": _each(ANY, lambda one: f"&#x{ord(one):X};"),
    "every letter as a long entity": _each(ANY, lambda one: f"&#x0000{ord(one):x};"),
    "XML": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "named entities": lambda text: _each(
        r"[/+=%]", {"/": "&sol;", "+": "&plus;", "=": "&equals;", "%": "&percnt;"}.get
    )(html.escape(text)),
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "encodeURIComponent": lambda text: quote(text, safe="!'()*~"),
    "encodeURI": lambda text: quote(text, safe=";,/?:@&=+$!'()*~#"),
    "every byte as percent": _each(ANY, _in_utf8("%", "02x")),
    "percent in upper case": _each(ANY, _in_utf8("%", "02X")),
    "JavaScript's escape": _each(r"[^A-Za-z0-9@*_+./-]", _js_escape),
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "SQL": lambda text: text.replace("'", "''"),
    "CSV": lambda text: text.replace('"', '""'),
    "shell": lambda text: text.replace("'", "'\\''"),
    "UTF-8 read as Latin-1": lambda text: text.encode().decode("latin-1"),
    "Latin-1 read as UTF-8": lambda text: text.encode("latin-1", "replace").decode("utf-8", "replace"),
    "Java properties": _each(r"[:=#!\\ ]", lambda one: f"\\{one}"),
}

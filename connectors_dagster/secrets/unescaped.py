"""Text in plain spelling: escapes of any kind, mixture and depth are undone, and every character knows its origin."""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.entities import html5

MOST_LAYERS = 8
"""Escapes of one kind inside each other count as one layer, so this limits only how often the kinds alternate."""
ENTITIES = "|".join(
    name for name, letter in html5.items() if name.endswith(";") and len(letter) == 1 and letter < "\u0180"
)
# Each alternative begins with a plain character: only then does `re` skip text without escapes quickly.
_IN_ASCII = rf"""
      \\ \\* (?: U (?P<wide>[0-9A-Fa-f]{{8}}) | u (?P<unit>[0-9A-Fa-f]{{4}})
            | [ux] \{{ 0* (?P<braced>[0-9A-Fa-f]{{1,6}}) \}} | x (?P<byte>[0-9A-Fa-f]{{2}})
            | (?P<octal>[0-3][0-7]{{2}}) | [nr] | )
    | % (?:25)* (?: u (?P<script>[0-9A-Fa-f]{{4}}) | (?P<percent>[0-9A-Fa-f]{{2}}) )
    | & (?:amp;)* (?: \# 0* (?P<decimal>[0-9]{{1,7}}) ;? | \# [xX] 0* (?P<hex>[0-9A-Fa-f]{{1,6}}) ;?
                    | (?P<entity>{ENTITIES}) )
    | = (?: (?P<printable>[0-9A-Fa-f]{{2}}) | \r? \n )
    | \x00+ | \x1b \[ [0-9;]{{0,20}} [A-Za-z]
    | ' (?P<quote>'+) | " (?P<quotes>"+) | \+ | \r [ \t\r\n]* | \n [ \t\r\n]*
"""
_WRONG_CHARSET = r"""
    | (?P<utf8> [\xc2-\xdf][\x80-\xbf] | [\xe0-\xef][\x80-\xbf]{2} | [\xf0-\xf4][\x80-\xbf]{3} )
    | (?P<pair> [\ud800-\udbff][\udc00-\udfff] )
    | [\xad\u200b-\u200f\u2060-\u2064\ufeff]+
"""
BASES = {"octal": 8, "decimal": 10}
CHARSETS = {"utf8": ("latin-1", "utf-8"), "pair": ("utf-16-be", "utf-16-be")}


@dataclass
class Layer:
    """What one pass has undone: for each escape, where it ended before and after, and how long its character is."""

    old_ends: list[int] = field(default_factory=list)
    new_ends: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def start(self, position: int) -> int:
        """Return where a character began before the pass."""
        before = bisect_right(self.new_ends, position) - 1
        return position if before < 0 else self.old_ends[before] + position - self.new_ends[before]

    def end(self, position: int) -> int:
        """Return where a character ended before the pass."""
        own = bisect_right(self.new_ends, position)
        is_escape = own < len(self.new_ends) and self.new_ends[own] == position + 1 and self.lengths[own]
        return self.old_ends[own] if is_escape else self.start(position) + 1


@dataclass
class Unescaped:
    """A text after some passes, with the way back."""

    text: str
    layers: tuple[Layer, ...] = ()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of this text, which is not empty, stands in the original text."""
        last = end - 1
        for layer in reversed(self.layers):
            start, last = layer.start(start), layer.end(last) - 1
        return start, last + 1


def unescape(text: str) -> Iterator[Unescaped]:
    """Yield the text as it is, and after each pass that undoes the outermost escapes."""
    found = Unescaped(text)
    yield found
    for _ in range(MOST_LAYERS):
        undone, layer = _undo(found.text)
        if undone == found.text:
            return
        found = Unescaped(undone, (*found.layers, layer))
        yield found


def plain(text: str) -> str:
    """Return a text with all escapes undone."""
    *_, last = unescape(text)
    return last.text


@cache
def _escapes(*, in_ascii: bool) -> re.Pattern[str]:
    """Return what finds escapes; to compile it takes too long for a process that needs none."""
    return re.compile(_IN_ASCII if in_ascii else _IN_ASCII + _WRONG_CHARSET, re.VERBOSE)


def _undo(text: str) -> tuple[str, Layer]:
    parts: list[str] = []
    layer, old, new = Layer(), 0, 0
    for escape in _escapes(in_ascii=text.isascii()).finditer(text):
        character = _character(escape)
        parts += (text[old : escape.start()], character)
        new += escape.start() - old + len(character)
        old = escape.end()
        layer.old_ends.append(old)
        layer.new_ends.append(new)
        layer.lengths.append(len(character))
    return "".join((*parts, text[old:])), layer


def _character(escape: re.Match[str]) -> str:
    """Return the character that an escape stands for, itself if it stands for none.

    Folds, backslashes, and what is not seen between letters stand for nothing: NUL, soft hyphens, colors.
    """
    kind, value = escape.lastgroup, escape[escape.lastgroup or 0]
    if kind is None:
        return " " if value == "+" else ""
    if kind == "entity":
        return html5[value]
    if kind in CHARSETS:
        written, meant = CHARSETS[kind]
        letter = value.encode(written, "surrogatepass").decode(meant, "replace")
        return letter if len(letter) == 1 else value
    if kind in ("quote", "quotes"):
        return value[0]
    number = int(value, BASES.get(kind, 16))
    return chr(number) if number <= sys.maxunicode else escape[0]

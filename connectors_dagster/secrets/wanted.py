"""Finds secrets in text whose escapes are undone, all of them in one pass."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from connectors_dagster.secrets.spellings import SHORTEST, in_base64, spellings

_LATIN = [chr(code) for code in range(0x250)]
_SMALL = str.maketrans({letter: letter.lower() for letter in _LATIN if letter != letter.lower() and letter != "\u0130"})
WORD = re.compile(r"[A-Za-z0-9+/_-]*=*")
WORD_BACKWARDS = re.compile(r"[A-Za-z0-9+/_-]*")
LONG = 12
"""Characters. What is as long is found in capital and small letters: it is no ordinary word."""
LONGEST_WORD = 10_000
"""Characters of a word in base64 before and after a secret that are masked with it."""


@dataclass(frozen=True)
class Wanted:
    """What to find; each form is mapped to whether it is base64, of which the whole word counts."""

    forms: Mapping[str, bool] = field(default_factory=dict)

    def with_secrets(self, secrets: Iterable[str]) -> "Wanted":
        """Return this with more secrets."""
        forms = dict(self.forms)
        for secret in secrets:
            forms |= dict.fromkeys(in_base64(secret), True) | dict.fromkeys(spellings(secret), False)
        return Wanted(forms)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where something wanted stands, also where one overlaps another."""
        small = _small(text)
        at = self._heads.search(small)
        while at:
            start = at.start()
            for form in self._by_head[at[0]]:
                in_base64 = self.forms[form]
                exact = in_base64 or len(form) < LONG
                if text.startswith(form, start) if exact else small.startswith(_small(form), start):
                    yield _word(text, start, start + len(form)) if in_base64 else (start, start + len(form))
            at = self._heads.search(small, start + 1)

    @cached_property
    def _by_head(self) -> Mapping[str, list[str]]:
        heads = sorted((_small(form[:SHORTEST]), form) for form in self.forms)
        return {head: [form for _, form in forms] for head, forms in groupby(heads, lambda found: found[0])}

    @cached_property
    def _heads(self) -> re.Pattern[str]:
        """Match the first characters of every form; a tree, so that most characters of a text are tried once."""
        tree = groupby(self._by_head, lambda head: head[0])
        branches = [f"{re.escape(one)}(?:{'|'.join(re.escape(head[1:]) for head in heads)})" for one, heads in tree]
        return re.compile("|".join(branches) or r"(?!)")


def _small(text: str) -> str:
    """Return a text of the same length with small letters, as far as they are Latin."""
    return text.translate(_SMALL)


def _word(text: str, start: int, end: int) -> tuple[int, int]:
    before = WORD_BACKWARDS.match(text[max(0, start - LONGEST_WORD) : start][::-1])
    after = WORD.match(text, end, end + LONGEST_WORD)
    return start - (before.end() if before else 0), after.end() if after else end

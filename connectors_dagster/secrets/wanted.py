"""Finds secrets in text whose escapes are undone, all of them in one pass."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from connectors_dagster.secrets.spellings import SHORTEST, in_base64, spellings

WORD = re.compile(r"[A-Za-z0-9+/_-]*=*")
WORD_BACKWARDS = re.compile(r"[A-Za-z0-9+/_-]*")
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
        at = self._heads.search(text)
        while at:
            start = at.start()
            for form in self._by_head[at[0]]:
                if text.startswith(form, start):
                    yield _word(text, start, start + len(form)) if self.forms[form] else (start, start + len(form))
            at = self._heads.search(text, start + 1)

    @cached_property
    def _by_head(self) -> Mapping[str, list[str]]:
        return {head: list(forms) for head, forms in groupby(sorted(self.forms), lambda form: form[:SHORTEST])}

    @cached_property
    def _heads(self) -> re.Pattern[str]:
        """Match the first characters of every form; a tree, so that most characters of a text are tried once."""
        tree = groupby(self._by_head, lambda head: head[0])
        branches = [f"{re.escape(one)}(?:{'|'.join(re.escape(head[1:]) for head in heads)})" for one, heads in tree]
        return re.compile("|".join(branches) or r"(?!)")


def _word(text: str, start: int, end: int) -> tuple[int, int]:
    before = WORD_BACKWARDS.match(text[max(0, start - LONGEST_WORD) : start][::-1])
    after = WORD.match(text, end, end + LONGEST_WORD)
    return start - (before.end() if before else 0), after.end() if after else end

"""Repeatable draws: how many rows to make, the random generators, and draws of small values."""

import string
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, TypeVar

Row = dict[str, Any]
T = TypeVar("T")

_LETTERS = string.ascii_letters + string.digits
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The amount of data to make, and the seed."""

    scale: float
    seed: int

    def amount(self, at_scale_one: int) -> int:
        """Return the number of rows to make, at least one."""
        return max(1, round(at_scale_one * self.scale))

    def dice(self, name: str) -> Random:
        """Return a separate random generator for each name, so that no list depends on the length of another."""
        return Random(f"{self.seed}/{name}")


def sometimes(dice: Random, value: T, *, share: float) -> T | None:
    """Return the value in that share of cases, otherwise None."""
    return value if dice.random() < share else None


def token(dice: Random, length: int) -> str:
    """Draw a text of letters and digits."""
    return "".join(dice.choices(_LETTERS, k=length))


def ulid(dice: Random, prefix: str, at: datetime) -> str:
    """Draw an id that sorts by creation time as text: prefix, 48 bits of time, 80 random bits."""
    number = int(at.timestamp() * 1000) << 80 | dice.getrandbits(80)
    return f"{prefix}_" + "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def decimal(cents: int) -> str:
    """Write an amount as a decimal text."""
    return f"{cents // 100}.{cents % 100:02d}"


def ip_address(dice: Random) -> str:
    """Draw an address from the range reserved for documentation (RFC 5737)."""
    return f"203.0.113.{dice.randrange(1, 255)}"

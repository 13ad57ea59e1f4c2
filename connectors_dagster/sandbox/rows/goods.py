"""Goods for sale."""

import re
from random import Random
from typing import NamedTuple
from unicodedata import normalize

_KINDS = (
    "Lamp",
    "Teapot",
    "Backpack",
    "Blanket",
    "Notebook",
    "Bicycle Bell",
    "Wall Clock",
    "Crème Brûlée Dish",
)
_STYLES = ("Oslo", "Kyōto", "São Paulo", "Brno", "Málaga", "Tromsø", "Zürich", "Plain", "Ærø", "Łódź")
COLOURS = ("black", "white", "forest green", "navy", "ochre")


class Thing(NamedTuple):
    """An article with a price."""

    name: str
    sku: str
    cents: int


def thing(dice: Random, number: int) -> Thing:
    """Draw an article; the number keeps stock keeping units unique."""
    kind, style = dice.choice(_KINDS), dice.choice(_STYLES)
    return Thing(f"{kind} “{style}”", f"{kind[:3].upper()}-{number:05d}", dice.randrange(295, 24_995))


def slug(text: str) -> str:
    """Turn a name into the lower-case id a merchant would choose for it."""
    ascii_text = normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", ascii_text))

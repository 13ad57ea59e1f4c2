"""Names and places, with the letters that occur in real names."""

from random import Random
from typing import NamedTuple

_FIRST = (
    ("Zoë", "zoe"), ("Łukasz", "lukasz"), ("José", "jose"), ("Anna", "anna"), ("Björn", "bjorn"),
    ("Siobhán", "siobhan"), ("Ольга", "olga"), ("美咲", "misaki"), ("Nguyễn", "nguyen"), ("Tom", "tom"),
    ("Chloé", "chloe"), ("Müge", "muge"), ("Γιώργος", "giorgos"), ("Amira", "amira"), ("Noah", "noah"),
)  # fmt: skip
_LAST = (
    ("van der Berg", "vandenberg"), ("Kowalski", "kowalski"), ("García Núñez", "garcia"), ("Smith", "smith"),
    ("Åkesson", "akesson"), ("O'Brien", "obrien"), ("Иванова", "ivanova"), ("田中", "tanaka"),
    ("Trần", "tran"), ("Dupont", "dupont"), ("Öztürk", "ozturk"), ("Papadópoulos", "papadopoulos"),
    ("Weiß", "weiss"), ("Jørgensen", "jorgensen"), ("Łoś", "los"),
)  # fmt: skip
_PLACES = (
    ("Keizersgracht", "Amsterdam", "", "1015 CJ", "NL"), ("Hauptstraße", "Köln", "NW", "50667", "DE"),
    ("Rue de l'Église", "Besançon", "", "25000", "FR"), ("Calle Mayor", "A Coruña", "C", "15001", "ES"),
    ("ul. Długa", "Kraków", "", "31-147", "PL"), ("Storgatan", "Malmö", "", "211 42", "SE"),
    ("Main Street", "Springfield", "IL", "62701", "US"), ("High Street", "York", "", "YO1 7EP", "GB"),
)  # fmt: skip
_COMPANIES = (
    "Café Ödegård",
    "Bright Pixel Ltd",
    "Müller & Söhne",
    "Tōkai Trading",
    "Nordlicht GmbH",
    "Acme Oy",
)


class Person(NamedTuple):
    """A buyer."""

    first: str
    last: str
    email: str
    phone: str
    company: str | None

    @property
    def name(self) -> str:
        """The first and last name."""
        return f"{self.first} {self.last}"


class Place(NamedTuple):
    """An address to ship to."""

    street: str
    city: str
    region: str
    postcode: str
    country: str


def person(dice: Random, number: int) -> Person:
    """Draw a person; the number keeps email addresses unique."""
    (first, first_latin), (last, last_latin) = dice.choice(_FIRST), dice.choice(_LAST)
    return Person(
        first=first,
        last=last,
        email=f"{first_latin}.{last_latin}{number}@example.com",
        phone=f"+31 20 555 {dice.randrange(10_000):04d}",
        company=dice.choice(_COMPANIES) if dice.random() < 0.25 else None,
    )


def place(dice: Random) -> Place:
    """Draw a place."""
    street, city, region, postcode, country = dice.choice(_PLACES)
    return Place(f"{street} {dice.randrange(1, 250)}", city, region, postcode, country)

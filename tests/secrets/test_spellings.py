"""A secret is masked in any spelling: however its characters are escaped, in any mixture and depth, and in base64."""

import base64
import quopri
import random
import sys
from collections.abc import Iterator

import pytest

from connectors_dagster.secrets.redaction import MAX_MASKED, excerpt, redact, remember
from tests.support.escapes import ESCAPES
from tests.support.shop import SECRETS

HOSTILE = [
    *SECRETS.values(),
    *("plainkey123", "abc", "a%b?c", "x'y''z&", "k\\n\\u0041%41&amp;z", "<b>&'\"/\\+%", "+aaa+bb", "4142+/cc"),
    *("nnew/xyz", "u0041/bc", "amp;x/y", "'quoted'", "emoji🔑key", "日本語/鍵"),
]
"""Secrets that look like escapes themselves."""


@pytest.mark.parametrize("secret", HOSTILE)
def test_a_secret_is_masked_in_every_escape(forgetful, secret):
    remember([secret])
    for name, escape in ESCAPES.items():
        assert redact(f"before {escape(secret)} after") == "before *** after", name


@pytest.mark.parametrize("secret", HOSTILE)
def test_a_secret_is_masked_in_escapes_inside_escapes(forgetful, secret):
    remember([secret])
    choice = random.Random(secret)
    for _ in range(300):
        chain = choice.choices(list(ESCAPES), k=choice.randint(2, 5))
        text = secret
        for escape in chain:
            text = ESCAPES[escape](text)
        assert redact(f"before {text} after") == "before *** after", chain


@pytest.mark.parametrize("between", ["\0", "\0\0\0", "\u200b", "\ufeff", "\xad", "&shy;", "\x1b[1;31m", "=\r\n", "=\n"])
@pytest.mark.parametrize("name", ["none", "quote all", "PHP's htmlspecialchars"])
def test_a_secret_is_masked_with_something_between_its_letters_that_is_not_seen(forgetful, between, name):
    """As UTF-16 looks that is read as another charset, and long words in HTML, on terminals and in mail."""
    for secret in SECRETS.values():
        remember([secret])
        assert redact(f"before {ESCAPES.get(name, str)(between.join(secret))} after") == "before *** after"


@pytest.mark.parametrize("secret", HOSTILE)
@pytest.mark.parametrize("name", ["none", "JSON", "PHP's htmlspecialchars", "quote all"])
def test_a_secret_is_masked_in_quoted_printable(forgetful, secret, name):
    remember([secret])
    every = "".join(f"={byte:02X}" for byte in secret.encode())
    for text in (every, every.lower(), quopri.encodestring(secret.encode(), quotetabs=True).decode()):
        assert redact(f"before {ESCAPES.get(name, str)(text)} after") == "before *** after"


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_a_long_secret_is_masked_in_capital_and_small_letters(forgetful, change):
    remember(["Secret", *SECRETS.values()])
    for secret in SECRETS.values():
        for name in ("none", "JSON", "quote all"):
            assert redact(f"a {ESCAPES.get(name, str)(change(secret))} b") == "a *** b"
    assert redact("Secret, secret") == "***, secret"


@pytest.mark.parametrize("between", ["", " ", ":", "-", " 0x", ", 0x"])
def test_a_secret_is_masked_in_hex(forgetful, between):
    for secret in SECRETS.values():
        remember([secret])
        for raw in (secret.encode(), secret.encode("utf-16-le")):
            text = between.join(f"{byte:02x}" for byte in raw)
            assert redact(f"before {text} after") == redact(f"before {text.upper()} after") == "before *** after"


@pytest.mark.parametrize("secret", [*SECRETS.values(), "plainkey123"])
def test_a_secret_is_masked_in_base64_of_utf_16_and_of_base64(forgetful, secret):
    remember([secret])
    for before in ("", "u", "us", "user:"):
        text = f"{before}{secret}!"
        for word in (base64.b64encode(text.encode("utf-16-le")), base64.b64encode(base64.b64encode(text.encode()))):
            assert redact(f"b {word.decode()} a") == "b *** a"


@pytest.mark.parametrize("escape", ["JSON", "PHP's json_encode", "quote all", "PHP's htmlspecialchars", "CSV"])
def test_a_secret_is_masked_at_any_depth_of_one_escape(forgetful, escape):
    remember(list(SECRETS.values()))
    for text in SECRETS.values():
        for _ in range(7):
            text = ESCAPES[escape](text)
        assert redact(f"before {text} after") == "before *** after"


@pytest.mark.parametrize("before", ["\\", "%", "&", "'", "=", "\n", "\\n", "Ã", "%2", "\\u00", "\\x", "+"])
def test_what_stands_before_a_secret_does_not_hide_it(forgetful, before):
    remember(HOSTILE)
    for secret in HOSTILE:
        if len(secret) > 6:
            for escape in ESCAPES.values():
                left = redact(f"b {before}{escape(secret)} a").replace("***", "")
                assert len(left) <= len(f"b {before} a") + 12, escape(secret)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
@pytest.mark.parametrize("secret", [one for one in HOSTILE if len(one) > 3])
def test_a_secret_is_masked_in_base64_at_any_alignment_and_escaped(forgetful, secret, encode):
    remember([secret])
    for before in ("", "u", "us", "user:", "user:x"):
        for after in ("", "1", "12", ':"}'):
            for inner in ("JSON", "quote all", "form", "none"):
                word = encode(f"{before}{ESCAPES.get(inner, str)(secret)}{after}".encode()).decode().strip()
                for outer in ("JSON", "PHP's json_encode", ".NET's System.Text.Json", "quote all"):
                    left = redact(f"b {ESCAPES[outer](word)} a")
                    assert "***" in left
                    assert len(left) < 14


def test_both_secrets_are_masked_where_they_overlap(forgetful):
    remember(["abc-def-ghi", "ghi-jkl-mno"])
    assert redact("1abc-def-ghi-jkl-mno2") == "1***2"


def test_text_around_secrets_stays_as_it_is(forgetful):
    remember(list(SECRETS.values()))
    text = 'C:\\new %41 &amp; \\u00e9 "" + \r\n 100% Ã¼ a=b&c=d \\\\ ***'
    assert redact(text) == text
    assert redact(f"{text}{SECRETS['api_key']}{text}") == f"{text}***{text}"


def test_the_beginning_of_a_long_text_shows_no_part_of_a_secret_at_its_end(forgetful):
    secret = "s3cr3t-" * 20
    remember([secret])
    for shift in range(0, len(secret), 40):
        text = "x" * shift + secret * (2 * MAX_MASKED // len(secret))
        assert "s3cr3t" not in excerpt(text, 5000)


def counted_steps(text: str) -> int:
    """Count the calls that masking a text makes."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        redact(text)
    finally:
        sys.setprofile(None)
    return steps


def hard(size: int) -> Iterator[str]:
    """Yield texts that are all escapes, or the beginnings of escapes or of secrets."""
    for piece in ("\\", "%25", "&amp;", "u005c", "'", "\n ", "\\u0026amp;%5C", "Ã", "&#00000", "\\u{0000", "k3y/", "%"):
        yield piece * size
    for start, piece in (("\\", "u005c"), ("&", "amp;"), ("%", "25"), ("", SECRETS["api_key"]), ("", "azN5L3")):
        yield start + piece * size
    yield base64.b64encode(b"x" * size + SECRETS["api_key"].encode() + b"x" * size).decode()


def test_masking_takes_steps_in_proportion_to_the_text(forgetful):
    remember(list(SECRETS.values()))
    redact("compiles what it searches for")
    for short, long in zip(hard(500), hard(2000), strict=True):
        assert counted_steps(long) <= 4 * counted_steps(short) + 200, short[:20]

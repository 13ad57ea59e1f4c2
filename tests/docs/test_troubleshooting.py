"""The messages of the page exist in the code, word for word."""

import re
from pathlib import Path

import pytest

from tests.support.messages import messages

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)
CODE = [message.replace("`", "").strip() for message in messages()]


def test_the_page_has_messages():
    assert len(SHOWN) == len(re.findall(r"^\| (?!message|---)", PAGE, re.MULTILINE)) > 30


@pytest.mark.parametrize("message", SHOWN)
def test_a_message_that_is_explained_is_one_of_the_code(message):
    wanted = message.removesuffix("…").strip()
    assert any(wanted in known for known in CODE), "the message has changed: change the page, too"

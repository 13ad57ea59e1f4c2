from collections.abc import Iterator

import pytest

from tests.support.numbered import Listing
from tests.support.shop import settings


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listing]:
    """The API of `things`, whose responses are a function of the query."""
    with Listing().served() as listing:
        for name, value in settings(listing.url).items():
            monkeypatch.setenv(name, value)
        yield listing

import pytest

from connectors_dagster.secrets import redaction


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember nothing from before, and forget after a test what it has remembered."""
    monkeypatch.setattr(redaction, "_secrets", frozenset())
    monkeypatch.setattr(redaction, "_wanted", redaction.Wanted())

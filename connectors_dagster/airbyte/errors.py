"""What keeps a manifest from being read, and a stream from being translated."""

from dataclasses import dataclass

from connectors_dagster.errors import MaskedError


class ManifestError(MaskedError, ValueError):
    """A file is not a manifest; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Reason:
    """Why a stream cannot be translated.

    Args:
        piece: what is missing, in the same words for all streams.
        detail: what the manifest says there.
    """

    piece: str
    detail: str = ""

    def __str__(self) -> str:
        """Return both for people."""
        return f"{self.piece}: {self.detail}" if self.detail else self.piece


class NotNativeError(Exception):
    """A feature of a stream has no translation."""

    def __init__(self, piece: str, detail: object = "") -> None:
        """Say what is missing."""
        super().__init__(piece)
        self.reason = Reason(piece, str(detail)[:200])

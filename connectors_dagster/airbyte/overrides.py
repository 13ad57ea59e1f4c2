"""What a user says instead of a manifest: keys, cursors and windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors_dagster.airbyte.manifest import Component, Manifest
from connectors_dagster.airbyte.names import identifiers
from connectors_dagster.spec.suggestion import suggest


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What to change in a manifest before it is translated.

    Args:
        keys: the fields of the primary key, by the name of the stream; an empty list for rows without a key.
        cursors: the field that is the cursor, by the name of the stream; None to read the stream whole.
        start_date: start of the first window, an ISO 8601 date.
        step: length of a window, an ISO 8601 duration.
    """

    keys: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    cursors: Mapping[str, str | None] = field(default_factory=dict)
    start_date: str | None = None
    step: str | None = None

    def apply(self, manifest: Manifest) -> Manifest:
        """Return a manifest with other keys, cursors and windows.

        Raises:
            ValueError: a stream does not exist, or has no cursor that could read another field.
        """
        names = identifiers(str(one.get("name")) for one in manifest.streams)
        for given in (*self.keys, *self.cursors):
            if given not in names.values():
                hint = suggest(given, list(names.values()))
                raise ValueError(f"{given!r} is not a stream of the manifest; {hint}")
        streams = tuple(self._changed(names[str(one.get("name"))], one) for one in manifest.streams)
        return replace(manifest, streams=streams, start_date=self.start_date, step=self.step)

    def _changed(self, name: str, stream: Component) -> Component:
        changed = dict(stream)
        if name in self.keys:
            key = self.keys[name]
            changed["primary_key"] = [key] if isinstance(key, str) else list(key)
        if name in self.cursors:
            cursor = self.cursors[name]
            written = changed.pop("incremental_sync", None)
            if cursor is not None and not written:
                raise ValueError(f"{name} has no cursor in the manifest, so it cannot be read by {cursor!r}")
            if cursor is not None:
                changed["incremental_sync"] = {**written, "cursor_field": cursor}
        return changed

"""The result of all manifests as a page of the documentation."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.airbyte.translation import Engine, TranslatedStream
from connectors_dagster.cdk.translation import translate_with
from tests.parity import ours
from tests.parity.comparison import Compared, Reader

MOST_REASONS = 3
LONGEST = 90


@dataclass(kw_only=True)
class ManifestResult:
    """What became of a manifest: its streams, and what came of their comparison, by what read them."""

    name: str
    streams: Sequence[TranslatedStream] = ()
    error: str = ""
    compared: dict[Reader, Sequence[Compared]] = field(default_factory=dict)

    @property
    def all_compared(self) -> list[Compared]:
        """What came of all comparisons."""
        return [one for compared in self.compared.values() for one in compared]

    def equal(self, engine: Reader) -> int:
        """Return how many of the streams that an engine read were equal."""
        return sum(one.verdict == "equal" for one in self.compared.get(engine, ()))


def described(name: str, document: Mapping[str, Any], folder: Path | None) -> ManifestResult:
    """Describe the streams of a manifest."""
    try:
        if folder:
            return ManifestResult(name=name, streams=translate_with(read_manifest(folder)).streams)
        with tempfile.TemporaryDirectory() as made:
            return ManifestResult(name=name, streams=ours.translated(document, Path(made))[1].streams)
    except ManifestError as error:
        return ManifestResult(name=name, error=str(error))


def write_report(page: Path, results: Sequence[ManifestResult]) -> None:
    """Write the page."""
    native = sum(_native(result) for result in results)
    streams = sum(len(result.streams) for result in results)
    whole = sum(bool(result.streams) and _native(result) == len(result.streams) for result in results)
    by_reader = sum(_read_by(result, "airbyte") for result in results)
    readable = sum(bool(result.streams) and not _read_by(result, "none") for result in results)
    share = f"{native / streams:.1%}" if streams else "none"
    lines = [
        "# Connectors of Airbyte",
        "",
        "This page is the result of `make parity-all` for the manifests that Airbyte published under the MIT license",
        "in July 2025. This project has none of them.",
        "",
        f"- There are {len(results)} manifests with {streams} streams.",
        f"- {native} streams ({share}) are [native](airbyte.md#native-streams).",
        f"- {by_reader} more are read [by airbyte-cdk](airbyte.md#streams-that-airbyte-cdk-reads) if you allow it "
        "(`engine: auto`), without Python of the connectors' own.",
        f"- {whole} manifests have only native streams; of {readable}, all streams are read by one or the other.",
        "",
        "They were read from a made-up API, by this project and by airbyte-cdk on its own.",
        "",
        *_verdicts(results, "native", "native streams"),
        *_verdicts(results, "airbyte", "streams that airbyte-cdk reads for this project"),
        "",
        "Streams are equal if both read the same rows in each window and make the same requests, and keys are unique.",
        "`connectors explain` shows for each stream why it is not native; here, the reasons are counted.",
        "",
        "| connector | streams | native | equal | by airbyte-cdk | equal | not native, because |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
        *map(_row, results),
        "",
    ]
    page.write_text("\n".join(lines), encoding="utf-8")


def _verdicts(results: Sequence[ManifestResult], engine: Reader, what: str) -> Iterator[str]:
    """Yield how many streams that an engine read are equal, and why others are not."""
    compared = [(result.name, one) for result in results for one in result.compared.get(engine, ())]
    counts = Counter(one.verdict for _, one in compared)
    yield f"- {counts['equal']} {what} are equal."
    yield f"- {counts['different']} {what} differ."
    yield f"- {counts['not compared']} {what} were not compared, mostly because airbyte-cdk did not get to their end:"
    found: dict[str, list[str]] = {}
    for name, one in compared:
        if one.verdict == "not compared":
            why = one.why.removeprefix("airbyte-cdk: ").removeprefix("RuntimeError: ").split(". ")[0]
            found.setdefault(re.sub(r"[\w'/.:-]*\d[\w'/.:-]*|\./\S+", "…", why)[:LONGEST], []).append(name)
    for why, names in sorted(found.items()):
        yield f"  - {why}: {', '.join(f'{name} ({count})' for name, count in Counter(names).items())}"


def _native(result: ManifestResult) -> int:
    return _read_by(result, "native")


def _read_by(result: ManifestResult, engine: Engine) -> int:
    return sum(one.engine == engine for one in result.streams)


def _row(result: ManifestResult) -> str:
    cells = (
        result.name,
        len(result.streams),
        _native(result),
        result.equal("native"),
        _read_by(result, "airbyte"),
        result.equal("airbyte"),
        (result.error and "it cannot be read") or _reasons(result),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _reasons(result: ManifestResult) -> str:
    found = Counter(one.reasons[0].piece for one in result.streams if one.reasons)
    texts = [f"{piece[:LONGEST]} ({count})" for piece, count in found.most_common(MOST_REASONS)]
    others = found.total() - sum(count for _, count in found.most_common(MOST_REASONS))
    return "; ".join([*texts, *([f"others ({others})"] if others else [])]).replace("|", "\\|")

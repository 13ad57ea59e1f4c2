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
from tests.parity.comparison import Compared

MOST_REASONS = 3
LONGEST = 90


@dataclass(kw_only=True)
class ManifestResult:
    """What became of a manifest: its streams, and what came of the comparison of those that are native."""

    name: str
    streams: Sequence[TranslatedStream] = ()
    error: str = ""
    compared: list[Compared] = field(default_factory=list)


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
    verdicts = Counter(one.verdict for result in results for one in result.compared)
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
        f"- {verdicts['equal']} native streams are equal in this project and in airbyte-cdk, against a made-up API.",
        f"- {verdicts['different']} native streams differ.",
        f"- {verdicts['not compared']} native streams were not compared, because airbyte-cdk did not get to their end:",
        *_not_compared(results),
        "",
        "Streams are equal if both read the same rows in each window and make the same requests, and keys are unique.",
        "`connectors explain` shows for each stream why it is not native; here, the reasons are counted.",
        "",
        "| connector | streams | native | equal | by reader | not native, because |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        *map(_row, results),
        "",
    ]
    page.write_text("\n".join(lines), encoding="utf-8")


def _not_compared(results: Sequence[ManifestResult]) -> Iterator[str]:
    """Yield how often airbyte-cdk stopped for what reason, and in which connectors."""
    found: dict[str, list[str]] = {}
    for result in results:
        for one in result.compared:
            if one.verdict == "not compared":
                why = one.why.removeprefix("airbyte-cdk: ").removeprefix("RuntimeError: ").split(". ")[0]
                found.setdefault(re.sub(r"[\w'/.:-]*\d[\w'/.:-]*|\./\S+", "…", why)[:LONGEST], []).append(result.name)
    for why, names in sorted(found.items()):
        counts = Counter(names)
        yield f"  - {why}: {', '.join(f'{name} ({count})' for name, count in counts.items())}"


def _native(result: ManifestResult) -> int:
    return _read_by(result, "native")


def _read_by(result: ManifestResult, engine: Engine) -> int:
    return sum(one.engine == engine for one in result.streams)


def _row(result: ManifestResult) -> str:
    equal = sum(one.verdict == "equal" for one in result.compared)
    cells = (
        result.name,
        len(result.streams),
        _native(result),
        equal,
        _read_by(result, "airbyte"),
        (result.error and "it cannot be read") or _reasons(result),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _reasons(result: ManifestResult) -> str:
    found = Counter(one.reasons[0].piece for one in result.streams if one.reasons)
    texts = [f"{piece[:LONGEST]} ({count})" for piece, count in found.most_common(MOST_REASONS)]
    others = found.total() - sum(count for _, count in found.most_common(MOST_REASONS))
    return "; ".join([*texts, *([f"others ({others})"] if others else [])]).replace("|", "\\|")

"""Compares what this project and airbyte-cdk read of manifests: ``python -m tests.parity --help``."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
import yaml

from connectors_dagster.cdk import stream
from connectors_dagster.cdk.translation import EngineOption
from tests.parity.cases import CASES
from tests.parity.cdk import PYTHON, Cdk
from tests.parity.comparison import Compared, Comparison, Reader
from tests.parity.coverage import uncovered
from tests.parity.expression_cases import EXPRESSIONS, missing
from tests.parity.expressions import differences, expressions_of
from tests.parity.kept import Kept
from tests.parity.report import ManifestResult, described, write_report
from tests.parity.vendor import Vendor

HURRIED = Path(__file__).with_name("hurried.py")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@click.command()
@click.option("--names", default="", help="Only these manifests, separated by commas or spaces.")
@click.option("--manifests", type=click.Path(path_type=Path, exists=True), help="A folder with a folder per connector.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the result to this page of the documentation.")
@click.option("--python", type=click.Path(path_type=Path), default=PYTHON, help="Of the environment of airbyte-cdk.")
@click.option(
    "--engine", type=click.Choice(["native", "airbyte", "both"]), default="native", help="What reads for this project."
)
@click.option("--limit", default=120.0, help="Seconds that airbyte-cdk may take for one manifest and engine.")
@click.option(
    "--results", type=click.Path(path_type=Path), help="Keep results in this file; what has some is left out."
)
def main(
    names: str,
    manifests: Path | None,
    report: Path | None,
    python: Path,
    engine: Literal["native", "airbyte", "both"],
    limit: float,
    results: Path | None,
) -> None:
    """Read each native stream from a made-up API with both, and compare rows, requests and keys.

    With the engine airbyte: each stream that airbyte-cdk reads for this project beside them, without its own Python.

    Without a folder of manifests, the project's own cases are read, all streams of which must be native; with the
    engine airbyte, airbyte-cdk reads all of them for this project.
    """
    stream.CHILD = HURRIED
    engines: tuple[Reader, ...] = ("native", "airbyte") if engine == "both" else (engine,)
    wanted = names.replace(",", " ").split()
    documents = _of_folder(manifests, wanted) if manifests else _of_cases(wanted)
    failed = False if manifests or wanted else _reports_uncovered()
    found, cdk, kept = list[ManifestResult](), Cdk(python), Kept(file=results)
    with Vendor().served() as vendor:
        comparisons = [_comparison(one, cdk, vendor, of_cases=not manifests) for one in engines]
        for name, document, folder in documents:
            result = described(name, document, folder)
            for comparison in comparisons:
                cdk.begin(limit)
                result.compared[comparison.engine] = _compared(name, document, comparison, kept)
            found.append(result)
            failed |= any(one.verdict == "different" for one in result.all_compared)
            if not manifests and engine == "native":
                failed |= _reports_unproven(result)
    click.echo(_summary(found))
    if report:
        write_report(report, found)
    cdk.begin(None)
    if not wanted:
        failed |= _compare_expressions(cdk, expressions_of(manifests) if manifests else EXPRESSIONS)
    cdk.close()
    sys.exit(failed)


def _comparison(engine: Reader, cdk: Cdk, vendor: Vendor, *, of_cases: bool) -> Comparison:
    chosen: EngineOption = engine if of_cases or engine == "native" else "auto"
    now = datetime.now(UTC).replace(microsecond=0)
    return Comparison(cdk=cdk, vendor=vendor, now=now, engine=engine, chosen=chosen)


def _compared(name: str, document: Mapping[str, Any], comparison: Comparison, kept: Kept) -> list[Compared]:
    """Compare a manifest, unless that is already done."""
    before = kept.of(name, comparison.engine)
    if before is not None:
        return before
    found = []
    for compared in comparison.compare(document):
        found.append(compared)
        _show(name, compared)
    kept.add(name, comparison.engine, found)
    return found


def _of_cases(wanted: list[str]) -> Iterator[tuple[str, Mapping[str, Any], Path | None]]:
    for case in CASES:
        name = case.name.replace(" ", "-")
        if not wanted or name in wanted:
            yield name, case.manifest, None


def _of_folder(folder: Path, wanted: list[str]) -> Iterator[tuple[str, Mapping[str, Any], Path | None]]:
    for file in sorted(folder.glob("*/manifest.yaml")):
        if not wanted or file.parent.name in wanted:
            yield file.parent.name, yaml.load(file.read_text(encoding="utf-8"), LOADER), file.parent


def _show(name: str, compared: Compared) -> None:
    counts = f"{compared.rows} rows on {compared.pages} pages" + (
        f", {compared.windows} windows" if compared.windows > 1 else ""
    )
    why = f": {compared.why}" if compared.why else f" ({counts})"
    click.echo(f"{compared.verdict:13} {name}/{compared.name}{why}")


def _reports_uncovered() -> bool:
    found = [f"feature of docs/airbyte.md: {row}" for row in uncovered(CASES)]
    found += [f"filter or macro: {name}" for name in missing()]
    for what in found:
        click.echo(f"no case has this {what}", err=True)
    return bool(found)


def _compare_expressions(cdk: Cdk, texts: Sequence[str]) -> bool:
    """Compare expressions; tell whether any has another value."""
    found = list(differences(cdk, texts))
    for what, text in found:
        click.echo(f"{what:13} {text}")
    counts = Counter(what for what, _ in found)
    click.echo(f"{len(texts)} expressions: {counts['different']} different, {counts['not compared']} not compared")
    return bool(counts["different"])


def _reports_unproven(result: ManifestResult) -> bool:
    """Tell whether a stream of a case was not compared, or without rows."""
    unproven = [f"{one.name}: {one.reasons[0]}" for one in result.streams if one.engine != "native"]
    unproven += [
        f"{one.name}: {one.why or 'no rows'}"
        for one in result.all_compared
        if one.verdict == "not compared" or not one.rows
    ]
    for text in unproven:
        click.echo(f"not proven: {result.name}/{text}", err=True)
    return bool(unproven)


def _summary(results: list[ManifestResult]) -> str:
    compared = [one for result in results for one in result.all_compared]
    counts = {
        verdict: sum(one.verdict == verdict for one in compared) for verdict in ("equal", "different", "not compared")
    }
    return f"{len(results)} manifests, {len(compared)} streams: " + ", ".join(
        f"{n} {what}" for what, n in counts.items()
    )


if __name__ == "__main__":
    main()

"""The medians as bars, in SVG."""

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.results import Result, at

WIDTH, MARGIN, NAMES, NUMBERS = 900, 20, 300, 80
BAR, STEP, HEAD = 18, 26, 44
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 } .head { font-weight: 600 }
.bar { fill: #9aa5b1 } .ours { fill: #0b7285 } .floor { fill: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .bar { fill: #6e7781 } .ours { fill: #3bc9db } .floor { fill: #444c56 }
}
"""


def draw(results: Sequence[Result]) -> str:
    """Draw a panel of bars per latency."""
    panels: list[str] = []
    top = MARGIN
    for latency in dict.fromkeys(result.trial.latency for result in results):
        fastest = _fastest(at(results, latency))
        panels.extend(_panel(fastest, latency, top))
        top += HEAD + STEP * len(fastest)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img">',
            "<title>Seconds to load all orders, lower is better</title>",
            f"<style>{STYLE}</style>",
            *panels,
            "</svg>\n",
        )
    )


def _fastest(results: Sequence[Result]) -> list[Result]:
    by_name: dict[str, Result] = {}
    for result in sorted(results, key=lambda result: result.seconds):
        by_name.setdefault(result.trial.entrant.name, result)
    return list(by_name.values())


def _panel(results: Sequence[Result], latency: int, top: int) -> Iterator[str]:
    yield f'<text class="head" x="{MARGIN}" y="{top + 14}">seconds, the server responds after {latency} ms</text>'
    scale = (WIDTH - 2 * MARGIN - NAMES - NUMBERS) / max(result.seconds for result in results)
    for number, result in enumerate(results):
        y, length = top + HEAD - 16 + STEP * number, max(1.0, result.seconds * scale)
        left = MARGIN + NAMES
        name = escape(_name(result))
        yield f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{name}</text>'
        yield f'<rect class="{_kind(result)}" x="{left}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
        yield f'<text x="{left + length + 6:.1f}" y="{y + 13}">{result.seconds:.1f}</text>'


def _name(result: Result) -> str:
    connections = result.trial.connections
    return f"{result.trial.entrant.label}, {connections} connections" if connections > 1 else result.trial.entrant.label


def _kind(result: Result) -> str:
    return {"ours": "ours", "step": "ours", "floor": "floor"}.get(result.trial.entrant.name, "bar")

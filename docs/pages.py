"""Writes the pages of the connectors, and the README's table of them, from the connectors themselves: `make docs`."""

from collections.abc import Iterable
from pathlib import Path

from connectors_dagster import Connector, Resource, Secret, Setting, load_connectors
from connectors_dagster.config.settings import environment_name
from connectors_dagster.spec.placeholders import KINDS, as_text
from docs.markdown import code, table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = ROOT / "docs" / "connectors"
START, END = "<!-- connectors -->\n", "<!-- /connectors -->"
CODE = "../../connectors_dagster/connectors"


def build_readme(text: str, connectors: Iterable[Connector]) -> str:
    """Return the README with the table of connectors that it should have."""
    before, _, rest = text.partition(START)
    rows = [
        (
            f"[{connector.name}](docs/connectors/{connector.name}.md)",
            connector.description,
            str(len(connector.graph)),
            str(sum(resource.windowed for resource in connector.graph.values())),
            "yes" if connector.enabled else "",
        )
        for connector in connectors
    ]
    listed = table(("connector", "what it reads", "resources", "in windows", "enabled by default"), rows)
    return f"{before}{START}{listed}{END}{rest.partition(END)[2]}"


def build_page(connector: Connector) -> str:
    """Return the page of a connector, as Markdown."""
    name, schema = connector.name, connector.schema.name
    return f"""\
<!-- Written by `make docs` from connectors/{name}.py: change that. -->
# {name}

{connector.description}. {_enabling(connector)}

[`{name}.py`]({CODE}/{name}.py) names the sources with address and date, and explains why each table loads the way it
does. The columns are in [`{schema}`]({CODE}/{schema}).

## Tables

{_resources(connector)}
{_requests(connector)}

## Settings

{_settings(connector)}
## Excluded

{_excluded(connector)}"""


def _enabling(connector: Connector) -> str:
    if connector.enabled:
        return "It is enabled by default, unless `CONNECTORS__ENABLED` lists other connectors."
    return (
        f"It is disabled by default. Enable it with `CONNECTORS__ENABLED={connector.name}`, or list several names "
        "separated by commas; connectors that are not listed are disabled."
    )


def _resources(connector: Connector) -> str:
    heads = ("table", "key", "cursor", "window", "how it loads", "known limitations")
    rows = [
        (
            resource.name,
            code(resource.primary_key),
            code([str(resource.incremental["cursor_path"])]) if resource.incremental else "",
            f"`{connector.step}`" if resource.windowed else "",
            _loading(resource),
            resource.options.known_limitations,
        )
        for resource in connector.graph.values()
    ]
    return table(heads, rows)


def _loading(resource: Resource) -> str:
    """Describe how a resource is read and what happens to rows that the API no longer returns."""
    if resource.list_of:
        return f"in the rows of `{resource.list_of.parent.name}`"
    if resource.parent:
        one_by_one = f"one request per row of `{resource.parent.name}`"
        shared = resource.options.shared_list
        return f"from `{shared.path}` if the API has it, else {one_by_one}" if shared else one_by_one
    gone = {"keep": "", "mark": "; missing rows are marked", "delete": "; missing rows are deleted"}
    if not resource.windowed:
        return f"whole{gone[resource.missing_rows]}"
    if not resource.filtered:
        return "read whole, filtered after reading"
    return f"filtered by the API with {code(resource.filter_params)}"


def _requests(connector: Connector) -> str:
    retry = connector.retry
    statuses = ", ".join(str(status) for status in sorted(retry.statuses))
    per_minute = f", at most {connector.requests_per_minute} per minute" if connector.requests_per_minute else ""
    return (
        f"Responses with status {statuses} are retried up to {retry.attempts} times. The first wait is "
        f"{retry.factor:g} s and doubles with each retry; `Retry-After` takes precedence.\n"
        f"Concurrent requests: at most {connector.max_parallel_requests}{per_minute}."
    )


def _settings(connector: Connector) -> str:
    heads = ("setting", "secret", "meaning", "default")
    rows = [
        (
            f"`{environment_name(connector, setting)}`",
            "yes" if isinstance(setting, Secret) else "",
            _meaning(setting),
            "" if setting.required else f"`{as_text(setting.default)}`" if setting.default is not None else "none",
        )
        for setting in connector.settings
    ]
    shown = 4 if any(row[2] or row[3] for row in rows) else 2  # most settings say by their names what they are
    advice = f"\n{connector.credentials_help}\n" if connector.credentials_help else ""
    return table(heads[:shown], [row[:shown] for row in rows]) + advice


def _meaning(setting: Setting) -> str:
    words = {kind: name for name, kind in KINDS.items()}
    choices = f"one of {', '.join(f'`{as_text(one)}`' for one in setting.choices)}" if setting.choices else ""
    return "; ".join(
        filter(None, (setting.description, choices, words[setting.type] if setting.type is not str else ""))
    )


def _excluded(connector: Connector) -> str:
    if not connector.excluded:
        return "Nothing is excluded.\n"
    return table(("what", "why"), connector.excluded.items())


def main() -> None:
    """Write all pages and delete those of connectors that no longer exist."""
    connectors = load_connectors()
    PAGES.mkdir(exist_ok=True)
    for left in PAGES.glob("*.md"):
        left.unlink()
    for name, connector in connectors.items():
        (PAGES / f"{name}.md").write_text(build_page(connector), encoding="utf-8")
    README.write_text(build_readme(README.read_text(encoding="utf-8"), connectors.values()), encoding="utf-8")


if __name__ == "__main__":
    main()

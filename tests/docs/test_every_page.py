"""Whatever a page names exists: links, commands, settings, public names, tests."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

import connectors_dagster
from connectors_dagster.cli import main
from connectors_dagster.config.explained_settings import OF_A_CONNECTOR, OF_ALL
from connectors_dagster.config.settings import LIMITS
from connectors_dagster.config.shops import SHOPS
from connectors_dagster.orchestration.assets import ReadConfig
from connectors_dagster.orchestration.checks import CHECKS

ROOT = Path(__file__).parents[2]
FILES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "facts" / "README.md"]
PAGES = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in FILES}
PACKAGE = {file: file.read_text(encoding="utf-8") for file in (ROOT / "connectors_dagster").rglob("*.py")}
DECISIONS = {Path(name).name: text for name, text in PAGES.items() if re.match(r"docs/decisions/\d", name)}
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)```", re.DOTALL | re.MULTILINE)


def wrong(find: Callable[[str], Iterable[str]], exists: Callable[[str, str], bool]) -> Mapping[str, list[str]]:
    """Find names on all pages and return, by page, those that do not exist."""
    found = {name: list(find(text)) for name, text in PAGES.items()}
    assert any(found.values()), "nothing was found on any page"
    lists = {name: [item for item in items if not exists(name, item)] for name, items in found.items()}
    return {name: items for name, items in lists.items() if items}


def links(text: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text)) if "://" not in link]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub writes them."""
    heads = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def leads_somewhere(page: str, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = ROOT / page if not name else (ROOT / page).parent / name
    if not target.resolve().exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


def test_every_link_leads_to_an_existing_file_and_heading():
    assert wrong(links, leads_somewhere) == {}


def lines(text: str, program: str) -> Iterator[str]:
    """Yield the arguments of a program in console blocks and inline code, without comments and output."""
    shown = [line[1:] for kind, block in BLOCK.findall(text) if kind == "console" for line in block.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    for line in (*shown, *inline):
        words = [word for word in line.split("#")[0].split() if not re.match(r"\$?$|[A-Z_]+=", word)]
        if len(words) > 1 and words[0].removeprefix(".venv/bin/") == program:
            yield " ".join(words[1:])


def is_command(_: str, line: str) -> bool:
    """Return whether `connectors` has a command with these options."""
    name, *words = line.split()
    if name.startswith("--"):
        return name in {option for parameter in main.params for option in parameter.opts}
    command = main.get_command(click.Context(main), name)
    options = {option for parameter in command.params for option in parameter.opts} if command else set()
    return command is not None and {word for word in words if word.startswith("--")} <= options


def test_every_command_and_option_exists():
    assert wrong(lambda text: lines(text, "connectors"), is_command) == {}


def test_every_command_is_shown_somewhere():
    shown = {line.split()[0] for text in PAGES.values() for line in lines(text, "connectors")}
    assert set(main.list_commands(click.Context(main))) - shown == set()


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    assert wrong(lambda text: lines(text, "make"), lambda _, line: line.split()[0] in targets) == {}


def test_every_test_named_on_a_page_exists():
    tests = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")]
    known = {name for text in tests for name in re.findall(r"def (test_\w+)", text)}
    assert wrong(lambda text: re.findall(r"`(test_\w+)`", text), lambda _, name: name in known) == {}


def settings_in_code() -> set[str]:
    """List every setting of this project that the code reads, as an environment variable."""
    code = "\n".join(PACKAGE.values())
    keys = re.findall(r"\b(?:dlt\.(?:config|secrets)\.get|look_up|read)\(f?\"((?:sources|connectors)\.[^\"]+)\"", code)
    keys += [f"connectors.{name}" for name in re.findall(r"\bseconds\(\"(\w+)\"", code)]
    of_a_connector = re.findall(r"\b(?:_read|configured)\(connector, \"(\w+)\"", code)
    keys += [f"sources.{{}}.{name}" for name in of_a_connector]
    keys.append(SHOPS)
    keys += [f"sources.{{}}.{limit.name}" for limit in LIMITS]
    named = [re.sub(r"^sources\.\{[^}]*\}", "sources.<connector>", key) for key in keys]
    return {key.replace(".", "__").upper() for key in named if "{" not in key}


def test_the_page_of_settings_has_every_setting_that_is_read_and_no_other():
    address_and_credentials = {"SOURCES__<CONNECTOR>__BASE_URL"}
    shown = set(re.findall(r"^\| `((?:SOURCES|CONNECTORS)__[A-Z_<>]+)`", PAGES["docs/settings.md"], re.MULTILINE))
    assert shown - address_and_credentials == settings_in_code()


def test_a_misspelled_setting_is_compared_with_every_setting_that_is_read():
    of_connectors = {f"SOURCES__<CONNECTOR>__{name}".upper() for name in OF_A_CONNECTOR}
    assert of_connectors | {f"CONNECTORS__{name}".upper() for name in OF_ALL} == settings_in_code()


def test_every_setting_of_the_project_named_on_a_page_exists():
    known = settings_in_code()
    named = wrong(
        lambda text: re.findall(r"\bCONNECTORS__[A-Z_]+\b", text),
        lambda _, name: name in known or name.startswith("CONNECTORS__SHOPS__"),
    )
    assert named == {}


def imported(text: str) -> Iterator[str]:
    """Yield what the Python on a page imports from this package."""
    for kind, block in BLOCK.findall(text):
        for node in ast.walk(ast.parse(block)) if kind == "python" else ():
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("connectors_dagster"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_python_on_a_page_imports_public_names_only():
    public = {f"connectors_dagster.{name}" for name in connectors_dagster.__all__}
    assert wrong(imported, lambda _, name: name in public) == {}


def test_the_page_about_loading_names_every_option_of_a_run_and_every_check():
    named = set(re.findall(r"^\| `(\w+)` \|", PAGES["docs/loading.md"], re.MULTILINE))
    assert {*ReadConfig.model_fields, *CHECKS} - named == set()


def test_the_page_about_the_architecture_describes_every_room():
    page = PAGES["docs/architecture.md"]
    walled = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(re.findall(r"^- `(\w+)` \w+", page, re.MULTILINE)) == sorted(walled)


def test_decisions_are_numbered_and_listed_and_have_the_same_headings():
    index = PAGES["docs/decisions/README.md"]
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", index, re.MULTILINE)
    titles = {name: text.splitlines()[0] for name, text in DECISIONS.items()}
    assert {file: f"# {number}. {title}" for number, title, file in listed} == titles
    assert [int(number) for number, *_ in listed] == list(range(1, len(DECISIONS) + 1))
    forms = {name: re.findall(r"^## (.+)$", text, re.MULTILINE) for name, text in DECISIONS.items()}
    assert {name: form for name, form in forms.items() if form != ["Context", "Decision", "Consequences"]} == {}

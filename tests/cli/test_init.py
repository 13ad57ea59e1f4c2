"""The command `init`: settings are asked for, written beside what is there, and checked."""

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from connectors_dagster.config.toml_file import write_settings
from connectors_dagster.errors import SettingError
from connectors_dagster.sandbox import environment


@pytest.fixture
def answers(api, monkeypatch) -> str:
    """What a person types for WooCommerce; no setting is in the environment."""
    values = environment(api.port)
    for name in values:
        monkeypatch.delenv(name, raising=False)
    asked = ("BASE_URL", "CONSUMER_KEY", "CONSUMER_SECRET")
    return "".join(f"{values[f'SOURCES__WOOCOMMERCE__{name}']}\n" for name in asked) + "\ny\n"


def init(*arguments: str, typed: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal: hidden input is then read from stdin."""
    command = [sys.executable, "-W", "ignore", "-m", "connectors_dagster.cli", "init", *arguments]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, check=False, timeout=180, start_new_session=True
    )


def test_init_writes_what_is_asked_for_and_checks_it(answers, project: Path):
    done = init("woocommerce", typed=answers)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {name: tomllib.loads((project / ".dlt" / name).read_text()) for name in ("config.toml", "secrets.toml")}
    assert written["config.toml"]["sources"]["woocommerce"]["start_date"] == "2024-01-01"
    assert written["config.toml"]["connectors"]["enabled"] == ["woocommerce"]
    assert written["config.toml"]["sources"]["woocommerce"]["base_url"].startswith("http://127.0.0.1:")
    assert written["secrets.toml"]["sources"]["woocommerce"]["consumer_secret"] == "cs_sandbox"
    for name in written:
        assert stat.S_IMODE((project / ".dlt" / name).stat().st_mode) == 0o600
    assert "ok      woocommerce/orders" in done.stdout
    assert "Next: `connectors run woocommerce` loads it, rows with a cursor since 2024-01-01" in done.stdout
    assert "cs_sandbox" not in done.stdout + done.stderr


@pytest.mark.journey
def test_an_answer_that_cannot_be_used_is_asked_for_again_and_not_stored(answers, project: Path):
    address, key, secret, _, enabled = answers.splitlines()
    lines = [
        "shop.example",
        "http://shop.example",
        address,
        key,
        secret,
        "last year",
        "2999-01-01",
        "2021-05-01",
        enabled,
    ]
    done = init("woocommerce", typed="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error: base_url 'shop.example' is not an http(s) URL" in done.stdout + done.stderr
    assert "Error: start date 'last year'" in done.stdout + done.stderr
    assert "Error: the start date 2999-01-01 is in the future" in done.stdout + done.stderr
    [written] = tomllib.loads((project / ".dlt" / "config.toml").read_text())["sources"].values()
    assert written == {"base_url": address, "start_date": "2021-05-01"}
    assert "rows with a cursor since 2021-05-01" in done.stdout


def test_what_is_in_the_files_stays_with_its_comments(project: Path):
    file = project / "secrets.toml"
    file.write_text('# of the shop\n[sources.storefront]\napi_key = "a"  # read only\n')
    file.chmod(0o644)
    write_settings(file, {"sources.woocommerce.consumer_key": "b", "sources.storefront.api_key": "c"}, secret=True)
    text = file.read_text()
    assert "# of the shop" in text and "# read only" in text
    assert tomllib.loads(text) == {"sources": {"storefront": {"api_key": "c"}, "woocommerce": {"consumer_key": "b"}}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in project.iterdir()] == ["secrets.toml"]


@pytest.mark.parametrize("text", ["[sources.storefront\nkey = t0p", "sources = 1\n"])
def test_a_file_that_is_not_as_it_should_be_is_named_and_not_changed(project: Path, text: str):
    file = project / "config.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=r"config\.toml") as failure:
        write_settings(file, {"sources.woocommerce.base_url": "b"})
    assert file.read_text() == text
    assert "t0p" not in str(failure.value)


def test_a_project_is_begun_once_and_what_is_there_is_kept(project, connectors):
    begun = connectors("init", "--project")
    assert begun.exit_code == 0 and "wrote  .dagster/dagster.yaml" in begun.output
    assert "default_limit: 1" in (project / ".dagster" / "dagster.yaml").read_text()
    (project / "workspace.yaml").write_text("load_from: []\n")
    assert "kept   workspace.yaml" in connectors("init", "--project").output
    assert (project / "workspace.yaml").read_text() == "load_from: []\n"


def test_init_without_a_name_says_what_it_needs(connectors):
    done = connectors("init")
    assert done.exit_code == 2 and "name a connector, or begin a project with --project" in done.output


@pytest.mark.journey
def test_without_a_terminal_init_names_the_settings_and_writes_nothing(answers, project):
    done = init("woocommerce", typed="")
    assert done.returncode == 1 and "SOURCES__WOOCOMMERCE__CONSUMER_KEY" in done.stderr
    assert "Aborted" not in done.stderr and not (project / ".dlt" / "secrets.toml").exists()

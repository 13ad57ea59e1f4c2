"""The Dagster UI of this project with a sandbox to load from, and a browser to look at it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from connectors_dagster.cli.dev import ui_command
from connectors_dagster.cli.sandbox_process import free_port, wait_until_up
from connectors_dagster.sandbox import environment, generate_tables, running

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 240_000
"""The longest wait in milliseconds; starting a run alone takes seconds."""
PAGE = {"width": 1600, "height": 900}


def find_browser() -> str | None:
    """Find an installed Chromium."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium's sandbox needs rights that containers and root do not have; pages come from this machine only.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@dataclass(frozen=True, kw_only=True)
class Served:
    """A UI that is served: its address, and the settings as environment variables."""

    address: str
    settings: Mapping[str, str]

    def connectors(self, *arguments: str, fails: bool = False, **settings: str) -> None:
        """Run the command line on the instance of the UI; some settings may differ."""
        command = [sys.executable, "-m", "connectors_dagster.cli", *arguments]
        environment = {**os.environ, **self.settings, **settings}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=PATIENCE // 1000)
        assert (done.returncode != 0) == fails


@contextmanager
def served_ui() -> Iterator["Served"]:
    """Serve the UI on an empty instance, with the daemons."""
    with tempfile.TemporaryDirectory(prefix="demo-") as home, running(generate_tables()) as sandbox:
        shutil.copy(ROOT / ".dagster" / "dagster.yaml", home)
        settings = {
            **environment(sandbox),
            "DAGSTER_HOME": home,
            "DESTINATION__DUCKDB__CREDENTIALS": f"{home}/warehouse.duckdb",
            "CONNECTORS__WORK_FOLDER": f"{home}/work",
            "CONNECTORS__ENABLED": "billing fulfillment paddle storefront",
            "SOURCES__PADDLE__RESOURCES": "transactions",
            "SOURCES__PADDLE__REQUESTS_PER_MINUTE": "12",  # so that there is time to cancel what reads 16 windows
            # 16 windows; the last opened ten days ago, so that midnight does not add another.
            "SOURCES__PADDLE__START_DATE": f"{datetime.now(UTC) - timedelta(days=15 * 30 + 10):%Y-%m-%d}",
            "SOURCES__FULFILLMENT__AUTOMATION": "declarative",
            "SOURCES__FULFILLMENT__START_DATE": f"{datetime.now(UTC) - timedelta(days=65):%Y-%m-%d}",
            "SOURCES__FULFILLMENT__SCHEDULE": "0 0 29 2 *",  # nothing is requested a second time
            "FRESHNESS_DAEMON_INTERVAL_SECONDS": "3",
        }
        port = free_port()
        # A process started in the background ignores SIGINT, and so would its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with (Path(home) / "log").open("w") as log:
            process = subprocess.Popen(
                ui_command(port),
                cwd=ROOT,
                env={**os.environ, **settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_up(process, f"{address}/server_info", seconds=PATIENCE // 1000)
            yield Served(address=address, settings=settings)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a server as Ctrl-C does, and kill what is left of it."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Ui:
    """The actions of a person in the UI."""

    def __init__(self, address: str, page: Page, pictures: Path | None) -> None:
        """Use a page of the browser; save pictures in a folder, if there is one."""
        self.address, self.page, self.pictures = address, page, pictures
        page.set_default_timeout(PATIENCE)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def asset(self, key: str, view: str) -> None:
        """Open an asset and one of its tabs."""
        self.open(f"/assets/{key}")
        self.page.get_by_role("tab", name=view, exact=True).click()

    def text(self, text: str) -> Locator:
        return self.page.get_by_text(text, exact=True).first

    def sees(self, *texts: str) -> None:
        """Wait until every text is visible."""
        for text in texts:
            expect(self.text(text)).to_be_visible(timeout=PATIENCE)

    def click(self, text: str) -> None:
        self.text(text).click()

    def choose_windows(self, search: str, *, count: int) -> None:
        """Open the dialog to materialize windows and choose all whose key contains a text."""
        self.page.get_by_role("button", name="Materialize").first.click()
        self.page.get_by_text("Select a partition or create one").click()
        self.page.keyboard.type(search)
        self.click(f"Select all ({count})")
        self.page.keyboard.press("Escape")

    def act(self, action: str) -> None:
        """Choose an action of the backfill that is open."""
        self.page.get_by_role("button").filter(has=self.page.locator("[aria-label=expand_more]")).last.click()
        self.page.get_by_role("menuitem", name=action).click()

    def view_run(self, text: str) -> None:
        """Open the latest run with a text in its row of the list."""
        row = self.text(text).locator("xpath=ancestor::*[.//a[normalize-space()='View']][1]")
        row.get_by_role("link", name="View", exact=True).click()

    def launch(self, config: str) -> None:
        """Materialize the asset that is open, with a configuration that is written into the launchpad."""
        self.page.get_by_role("button", name="Materialize").first.locator("xpath=following::button[1]").click()
        self.click("Open launchpad")
        self.page.locator(".CodeMirror").first.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(config)
        self.sees("No errors")
        self.page.get_by_role("button", name="Materialize").last.click()

    def photograph(self, name: str) -> None:
        if self.pictures:
            self.page.mouse.move(0, 0)
            self.page.evaluate("document.activeElement.blur()")
            self.page.wait_for_load_state("networkidle")
            self.page.screenshot(path=self.pictures / f"{name}.png", animations="disabled")

"""The README's first promise: `make demo`, a bought pack a minute later, Ctrl-C, and on again where it ended."""

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.billing_portal.processes import ROOT, environment

PATIENCE_SECONDS = 400
PASSWORD = "correct horse battery staple"


class Demo:
    """One demo with ports and files of its own."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.output = var_dir / "output.txt"
        self.port, self.sandbox_port = _free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """What it printed until it was ready."""
        variables = {
            "DEMO": "1",
            "PORT": str(self.port),
            "STRIPE_SANDBOX_URL": f"http://127.0.0.1:{self.sandbox_port}",
            "VAR_DIR": str(self.var_dir),
        }
        everything = environment(**variables)
        for given in ("DATABASE_URL", "REDIS_URL"):
            everything.pop(given, None)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=ROOT,
                env=everything,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while "Ctrl-C stops everything." not in self.output.read_text():
            assert time.monotonic() < deadline, self.output.read_text()
            try:
                self.process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"The demo ended:\n{self.output.read_text()}")
        return self.output.read_text()

    def interrupt(self) -> None:
        """Ctrl-C, and wait for it to have ended."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)

    def assert_ended(self) -> None:
        """Nothing is left. The database's keeper has a last moment of its own after it stopped the server."""
        deadline = time.monotonic() + 20
        while (left := self.processes()) and time.monotonic() < deadline:
            pass
        assert left == []

    def processes(self) -> list[str]:
        """The commands of the machine that name this demo's files."""
        listing = subprocess.run(["ps", "-Aww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listing.splitlines() if str(self.var_dir) in line]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def demo() -> Iterator[Demo]:
    # Not pytest's folder: it is closed to the user that root runs PostgreSQL as.
    with tempfile.TemporaryDirectory(prefix="portal-demo-", ignore_cleanup_errors=True) as folder:
        demo = Demo(Path(folder).resolve())
        yield demo
        if demo.process is not None and demo.process.poll() is None:
            demo.interrupt()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def dollars(page: Page, demo: Demo) -> str:
    """The balance of dollar credits on the overview."""
    page.goto(f"{demo.url}/")
    balance = page.locator(".balance", has_text="US dollar credits")
    return balance.locator("strong").inner_text().strip()


@pytest.mark.browser
@pytest.mark.long
def test_a_newcomer_buys_a_pack_and_finds_it_again_after_a_restart(demo, page):
    printed = demo.start()
    assert f"{demo.url}/" in printed
    logins = re.findall(r"\S+@\S+\.example", printed)
    assert len(logins) >= 2
    with urllib.request.urlopen(f"{demo.url}/readyz") as ready:
        assert json.load(ready)["ok"] is True

    declined = re.search(r"(\S+@\S+) .*its card was declined", printed)
    page.goto(f"{demo.url}/accounts/login/")
    page.fill("input[name=login]", declined[1])
    page.fill("input[name=password]", re.search(r"password is always (\S+)", printed)[1])
    page.press("input[name=password]", "Enter")
    page.get_by_text("$29.00 for Pro could not be collected").wait_for()
    page.context.clear_cookies()

    page.goto(f"{demo.url}/accounts/signup/")
    page.fill("input[name=email]", "newcomer@example.com")
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=organization_name]", "Newcomers")
    page.press("input[name=organization_name]", "Enter")
    page.get_by_role("link", name="Buy credits").first.click()
    page.locator("form", has=page.locator("[value='usd-20']")).get_by_role("button").click()
    page.wait_for_url(f"http://127.0.0.1:{demo.sandbox_port}/**")
    page.locator("form button").last.click()
    page.get_by_text("Your credits are here").wait_for()
    assert dollars(page, demo) == "$20.00"

    demo.interrupt()
    demo.assert_ended()

    again = demo.start()
    assert re.findall(r"\S+@\S+\.example", again) == logins
    page.goto(f"{demo.url}/")
    assert dollars(page, demo) == "$20.00"
    demo.interrupt()
    demo.assert_ended()

"""What tests may need of the machine besides a database: a Redis server and a browser.

Where one is missing, the tests that need it are skipped and say so; the header of every run says what was found.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

HEIGHTS = {375: 812}
# WCAG 2.2 AA and everything below it.
ACCESSIBILITY_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PageAt = Callable[..., Page]


def chromium_path() -> str | None:
    """A Chromium of the system; Playwright's own downloads are not counted on."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


def pytest_report_header() -> list[str]:
    database = settings.DATABASES["default"]
    embedded = "EMBEDDED_DATA_DIR" in database
    given, server = urlsplit(os.environ.get("REDIS_URL", "")), shutil.which("redis-server")
    return [
        f"database: {'embedded PostgreSQL' if embedded else 'DATABASE_URL, host ' + (database['HOST'] or 'local')}",
        f"redis: {f'REDIS_URL, host {given.hostname}' if given.hostname else server or 'none; its tests are skipped'}",
        f"browser: {chromium_path() or 'none; its tests are skipped'}",
    ]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Redis of REDIS_URL, or one of our own. Its keys outlive a test: use new names."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs Redis: set REDIS_URL, or install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, one for the whole run."""
    path = chromium_path()
    if path is None:
        pytest.skip("needs a browser: install chromium")
    # Playwright's synchronous interface runs an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    arguments = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page_at(browser: Browser, live_server: Any, signed_in: Callable[..., Any]) -> Iterator[PageAt]:
    """`page_at(375, "dark", user=alice)`: a page of that width and colour scheme, signed in as that user.

    Addresses are relative to the live server. At the end the test fails if a page broke the content security policy,
    raised an error in a script, or asked another machine for anything.
    """
    contexts, trouble = [], []

    def open_page(width: int = 1280, scheme: str = "light", user: Any = None, javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            color_scheme=scheme,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        if user is not None:
            session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(f"script error: {error}"))
        page.on("console", lambda line: trouble.append(line.text) if "Content Security Policy" in line.text else None)
        page.on("request", lambda request: _is_local(request.url) or trouble.append(f"asked for {request.url}"))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def _is_local(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme in {"data", "blob", "about"} or address.hostname in {"127.0.0.1", "localhost"}


@pytest.fixture
def assert_accessible() -> Callable[[Page], None]:
    """`assert_accessible(page)`: axe finds nothing against WCAG 2.2 AA, and the page does not scroll sideways."""

    def check(page: Page) -> None:
        report = Axe().run(page, options={"runOnly": ACCESSIBILITY_RULES, "resultTypes": ["violations"]})
        found = [
            f"{violation['id']}: {violation['help']} — {', '.join(str(node['target']) for node in violation['nodes'])}"
            for violation in report.response["violations"]
        ]
        assert found == [], f"{page.url}\n" + "\n".join(found)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{page.url} is {overflow} px wider than the window"

    return check

"""The style guide in Chromium: nothing inaccessible, nothing blocked, nothing too wide; scripts do what they say."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.billing_portal.styleguide_urls"),
]

OpenPage = Callable[..., Page]


@pytest.fixture
def styleguide(live_server, browser: Browser) -> Iterator[OpenPage]:
    """`styleguide(width=360, color_scheme="dark")`: the page, opened; a message in the console fails the test."""
    complaints, contexts = [], []

    def open_page(*, width: int = 1280, query: str = "", **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{live_server.url}/styleguide/{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_accessibility_violation(styleguide, width, color_scheme):
    page = styleguide(width=width, color_scheme=color_scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_interval_can_be_chosen_without_javascript(styleguide):
    page = styleguide(java_script_enabled=False)
    page.get_by_role("link", name="Yearly 2 months free").click()
    assert page.get_by_text("$290 a year").is_visible()
    assert page.get_by_text("$29 a month").is_hidden()


def test_interval_is_switched_without_a_round_trip(styleguide):
    page = styleguide()
    page.evaluate("window.stayed = true")
    page.get_by_role("link", name="Yearly 2 months free").click()
    assert page.get_by_text("$290 a year").is_visible()
    assert page.url.endswith("?interval=year")
    assert page.evaluate("window.stayed")


def test_slider_number_and_total_say_the_same(styleguide):
    page = styleguide()
    page.get_by_role("slider", name="Instances").fill("10")
    assert page.get_by_role("spinbutton", name="Instances").input_value() == "10"
    assert page.get_by_text("10 instances = $150.00 a month").is_visible()
    page.get_by_role("spinbutton", name="Instances").fill("20")
    assert page.get_by_role("slider", name="Instances").input_value() == "20"
    assert page.get_by_text("20 instances = $300.00 a month").is_visible()


def test_second_click_does_not_send_a_form_again(styleguide):
    page = styleguide()
    page.evaluate("""() => {
        window.sent = 0;
        const form = document.querySelector("form[data-once]");
        addEventListener("submit", (event) => { if (!event.defaultPrevented) sent++; event.preventDefault(); });
        form.requestSubmit(); form.requestSubmit();
    }""")
    assert page.evaluate("window.sent") == 1


def test_chosen_theme_is_kept(styleguide):
    page = styleguide(color_scheme="light")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"

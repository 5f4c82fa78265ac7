"""Takes the README's pictures from a running demo: `make demo` in one terminal, `make screenshots` in another."""

import os
import sys
from pathlib import Path
from typing import Literal

import django
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.plugins_services import chromium_path

django.setup()

from django.urls import reverse  # noqa: E402  models and addresses need the apps

from credits.models import Purchase  # noqa: E402
from demo import cast  # noqa: E402

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"
WIDTH, HEIGHT, PHONE = 1280, 860, 375
OWNER, BOSS = cast.NORTHWIND.members[0][0], cast.STAFF[0][0]


def sign_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", cast.PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def take(page: Page, name: str, address: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(IMAGES.parent.parent)}: {path.stat().st_size // 1024} KB")


def open_page(browser: Browser, *, scheme: Literal["light", "dark"], width: int = WIDTH) -> Page:
    context = browser.new_context(
        base_url=settings.PORTAL_URL, viewport={"width": width, "height": HEIGHT}, color_scheme=scheme
    )
    return context.new_page()


def _refundable() -> Purchase:
    """The newest purchase of the cast's first organization that can still be refunded."""
    return Purchase.objects.filter(organization__name=cast.NORTHWIND.name, paid_at__isnull=False).latest("paid_at")


def main() -> int:
    chromium = chromium_path()
    if chromium is None:
        print("Install chromium first.")
        return 1
    refund = reverse("admin:credits_purchase_refund", args=[_refundable().pk])  # asked before the browser's event loop
    IMAGES.mkdir(parents=True, exist_ok=True)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        customer = open_page(browser, scheme="light")
        sign_in(customer, OWNER)
        overview = customer.url
        take(customer, "overview", overview)
        take(customer, "buy", f"{overview}credits/buy/")
        take(open_page(browser, scheme="light"), "pricing", "/pricing/")
        phone = open_page(browser, scheme="dark", width=PHONE)
        sign_in(phone, OWNER)
        take(phone, "overview-phone-dark", overview)
        staff = open_page(browser, scheme="light")
        sign_in(staff, BOSS)
        take(staff, "refund", refund)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

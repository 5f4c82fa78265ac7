"""The hosted pages in a real browser: accessible, from 360 px, light and dark, with JavaScript and without."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.stripe_sandbox.shop import Shop

pytestmark = pytest.mark.browser


def addresses(shop: Shop) -> dict[str, str]:
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2900, interval="month", name="Pro"))
    shop.sandbox.pay(shop.session(), card="bank_debit")
    adjustable = {"enabled": True, "minimum": 1, "maximum": 9}
    lines = [{"price": shop.price(500).id, "quantity": 2, "adjustable_quantity": adjustable}]
    waiting = shop.session()
    bank = shop.sandbox.pay(waiting, card="4000000000003220")["url"]
    return {
        "checkout": shop.session(line_items=lines, allow_promotion_codes=True).url,
        "bank": bank,
        "invoice": shop.latest_invoice(sub).hosted_invoice_url,
        "receipt": shop.v1.charges.list().data[-1].receipt_url,
        "portal": shop.v1.billing_portal.sessions.create({"customer": customer.id}).url,
        "dashboard": f"{shop.sandbox.url}/_sandbox/",
        "missing": f"{shop.sandbox.url}/elsewhere",
    }


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_every_page_is_accessible_and_fits(
    shop: Shop, browser: Any, assert_accessible: Callable[[Any], None], width: int, scheme: str
) -> None:
    # Without the content security policy, which would keep the checker's own script out.
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for address in addresses(shop).values():
        page.goto(address)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    context.close()


def test_a_customer_pays_without_javascript_by_keyboard(shop: Shop, browser: Any) -> None:
    session = shop.session(success_url=f"{shop.sandbox.url}/_sandbox/healthz")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(session.url)
    page.get_by_label("Card number").press("Enter")
    page.wait_for_url("**/healthz")
    context.close()
    assert shop.reload(session).payment_status == "paid"

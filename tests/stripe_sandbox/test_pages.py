"""The hosted pages, as a browser without JavaScript sees them."""

import re
import urllib.error
import urllib.parse
import urllib.request

from tests.stripe_sandbox.shop import Shop


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


_browser = urllib.request.build_opener(_NoRedirect)


def visit(url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """(status, body, location) of one request; redirects are not followed."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    try:
        with _browser.open(urllib.request.Request(url, data=data)) as answer:
            return answer.status, answer.read().decode(), ""
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(), answer.headers.get("Location") or ""


def filled_in(page: str) -> dict[str, str]:
    """The form as it comes: pressing the button sends exactly this."""
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    checked = re.search(r'<input type="radio" name="method" value="([^"]+)" checked', page)
    return fields | ({"method": checked[1]} if checked else {})


def test_the_page_says_what_is_bought_and_that_it_is_a_sandbox(shop: Shop) -> None:
    shop.sandbox.settings(account_name="Ada & Sons")
    status, page, _ = visit(shop.session(quantity=2).url)
    assert status == 200
    for text in ("Sandbox.", "Ada &amp; Sons", "Pack", "$40.00", "Quantity 2", "4242 4242 4242 4242"):
        assert text in page
    assert '<a href="https://shop.example/cart">' in page
    assert "<script" not in page


def test_one_click_pays_and_leads_back(shop: Shop) -> None:
    session = shop.session()
    _, page, _ = visit(session.url)
    status, _, location = visit(session.url, filled_in(page))
    assert (status, location) == (303, f"https://shop.example/thanks?session={session.id}")
    assert shop.reload(session).payment_status == "paid"


def test_submitting_twice_charges_once(shop: Shop) -> None:
    session = shop.session()
    form = filled_in(visit(session.url)[1])
    assert [visit(session.url, form)[0] for _ in range(2)] == [303, 303]
    assert len(shop.v1.charges.list().data) == 1
    assert "Nothing more will be charged" in visit(session.url)[1]


def test_a_declined_card_is_explained_on_the_page(shop: Shop) -> None:
    session = shop.session()
    form = filled_in(visit(session.url)[1])
    status, page, _ = visit(session.url, form | {"card": "4000 0000 0000 9995"})
    assert status == 200
    assert "insufficient funds. Nothing was charged" in page
    assert shop.reload(session).status == "open"


def test_an_unknown_card_number_is_explained(shop: Shop) -> None:
    session = shop.session()
    form = filled_in(visit(session.url)[1])
    assert "not one of the test cards" in visit(session.url, form | {"card": "1234"})[1]
    assert shop.v1.charges.list().data == []


def test_nothing_is_charged_that_was_not_shown(shop: Shop) -> None:
    adjustable = {"enabled": True, "minimum": 1, "maximum": 9}
    lines = [{"price": shop.price(500).id, "quantity": 1, "adjustable_quantity": adjustable}]
    session = shop.session(line_items=lines)
    form = filled_in(visit(session.url)[1])
    quantity = next(name for name in form if name.startswith("quantity-"))
    status, page, _ = visit(session.url, form | {quantity: "4"})
    assert status == 200
    assert "The total has changed" in page
    assert "$20.00" in page
    assert shop.v1.charges.list().data == []
    assert visit(session.url, filled_in(page))[0] == 303
    assert shop.v1.charges.list().data[0].amount == 2000


def test_the_bank_asks_and_its_answer_counts(shop: Shop) -> None:
    session = shop.session()
    form = filled_in(visit(session.url)[1])
    status, _, bank = visit(session.url, form | {"card": "4000000000003220"})
    assert status == 303
    assert "Do you approve $20.00" in visit(bank)[1]
    assert "did not approve" in visit(bank, {"outcome": "fail"})[1]
    assert shop.reload(session).status == "open"
    _, _, bank = visit(session.url, form | {"card": "4000000000003220"})
    assert visit(bank, {"outcome": "complete"})[2].startswith("https://shop.example/thanks")
    assert shop.reload(session).payment_status == "paid"


def test_an_expired_page_leads_back(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.expire(session)
    status, page, _ = visit(session.url)
    assert status == 410
    assert 'href="https://shop.example/cart"' in page


def test_an_open_invoice_can_be_paid_where_its_link_leads(shop: Shop) -> None:
    customer = shop.customer()
    sub = shop.subscription(customer, shop.price(2900, interval="month"), payment_behavior="default_incomplete")
    invoice = shop.latest_invoice(sub)
    status, page, _ = visit(invoice.hosted_invoice_url)
    assert status == 200
    assert "$29.00" in page
    assert "declined" in visit(invoice.hosted_invoice_url, {"card": "4000000000000002"})[1]
    assert visit(invoice.hosted_invoice_url, {"card": "4242424242424242"})[0] == 303
    assert shop.reload(invoice).status == "paid"
    assert shop.reload(sub).status == "active"


def test_an_invoice_has_a_pdf(shop: Shop) -> None:
    session = shop.paid_session(customer=shop.customer().id, invoice_creation={"enabled": True})
    invoice = shop.v1.invoices.retrieve(session.invoice)
    with urllib.request.urlopen(invoice.invoice_pdf) as answer:
        body = answer.read()
    assert answer.headers["Content-Type"] == "application/pdf"
    assert body.startswith(b"%PDF-1.4")
    assert body.rstrip().endswith(b"%%EOF")
    assert invoice.number.encode() in body


def test_a_receipt_opens(shop: Shop) -> None:
    shop.paid_session()
    assert "$20.00" in visit(shop.v1.charges.list().data[0].receipt_url)[1]


def test_the_portal_changes_the_card_and_cancels_and_keeps(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2900, interval="month", name="Pro"))
    portal = shop.v1.billing_portal.sessions.create({"customer": customer.id, "return_url": "https://shop.example/"})
    page = visit(portal.url)[1]
    assert "Visa ending in 4242" in page
    assert "1 × Pro" in page
    visit(f"{portal.url}/card", {"card": "5555555555554444"})
    assert "Mastercard ending in 4444" in visit(portal.url)[1]
    visit(f"{portal.url}/cancel", {"subscription": sub.id})
    assert shop.reload(sub).cancel_at_period_end is True
    visit(f"{portal.url}/keep", {"subscription": sub.id})
    assert shop.reload(sub).cancel_at_period_end is False


def test_a_portal_link_reaches_only_its_own_customer_and_not_for_long(shop: Shop) -> None:
    stranger = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    portal = shop.v1.billing_portal.sessions.create({"customer": shop.customer().id})
    visit(f"{portal.url}/cancel", {"subscription": stranger.id})
    assert shop.reload(stranger).cancel_at_period_end is False
    shop.sandbox.advance(hours=2)
    assert visit(portal.url)[0] == 410


def test_pages_that_do_not_exist_are_404(shop: Shop) -> None:
    for path in ("/c/pay/cs_none", "/i/in_none", "/receipts/ch_none", "/elsewhere"):
        assert visit(shop.sandbox.url + path)[0] == 404

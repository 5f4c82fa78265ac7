"""Checkout sessions, from creation to payment, expiry and what they leave behind."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop


def test_paying_completes_the_session_and_says_so_in_order(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.session(customer=customer.id, client_reference_id="p-1", metadata={"purchase": "1"})
    before = len(shop.sandbox.events())
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    answer = shop.sandbox.pay(session)
    assert answer["url"] == f"https://shop.example/thanks?session={session.id}"
    paid = shop.reload(session)
    assert (paid.status, paid.payment_status, paid.amount_total, paid.url) == ("complete", "paid", 2000, None)
    assert paid.client_reference_id == "p-1"
    assert [kind for kind in shop.sandbox.event_types()[before:] if not kind.startswith("customer.")] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    event = shop.sandbox.events("checkout.session.completed")[0]
    assert event["data"]["object"]["payment_status"] == "paid"


def test_second_submit_charges_nothing(shop: Shop) -> None:
    session = shop.session()
    for _ in range(3):
        assert shop.sandbox.pay(session)["status"] == "complete"
    assert len(shop.v1.charges.list().data) == 1


def test_eight_at_once_charge_once(shop: Shop) -> None:
    session = shop.session()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.sandbox.pay(session)["status"], range(8)))
    assert answers == ["complete"] * 8
    assert len(shop.v1.charges.list().data) == 1
    assert shop.sandbox.event_types().count("checkout.session.completed") == 1


def test_a_decline_leaves_the_session_open_for_another_card(shop: Shop) -> None:
    session = shop.session()
    refused = shop.sandbox.pay(session, card="4000000000009995")
    assert (refused["status"], refused["decline_code"]) == ("declined", "insufficient_funds")
    assert shop.reload(session).status == "open"
    assert shop.sandbox.pay(session)["status"] == "complete"
    charges = shop.v1.charges.list().data
    assert sorted(charge.status for charge in charges) == ["failed", "succeeded"]
    assert len({charge.payment_intent for charge in charges}) == 1


def test_authentication_completed_pays_and_failed_does_not(shop: Shop) -> None:
    session = shop.session()
    assert shop.sandbox.pay(session, card="4000000000003220")["status"] == "requires_action"
    assert shop.reload(session).status == "open"
    assert shop.sandbox.pay(session, card="4000000000003220", authenticate=False)["status"] == "declined"
    assert shop.reload(session).payment_status == "unpaid"
    assert shop.sandbox.pay(session, card="4000000000003220", authenticate=True)["status"] == "complete"
    assert shop.reload(session).payment_status == "paid"


def test_a_delayed_payment_is_unpaid_until_it_arrives_by_the_clock(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.pay(session, card="bank_debit")
    pending = shop.reload(session)
    assert (pending.status, pending.payment_status) == ("complete", "unpaid")
    assert shop.sandbox.events("checkout.session.completed")[0]["data"]["object"]["payment_status"] == "unpaid"
    shop.sandbox.advance(days=2)
    assert shop.reload(session).payment_status == "unpaid"
    shop.sandbox.advance(days=2)
    assert shop.reload(session).payment_status == "paid"
    assert len(shop.sandbox.events("checkout.session.async_payment_succeeded")) == 1


def test_a_delayed_payment_can_fail(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.pay(session, card="bank_debit")
    shop.sandbox.fail_delayed(session)
    assert shop.reload(session).payment_status == "unpaid"
    assert len(shop.sandbox.events("checkout.session.async_payment_failed")) == 1
    shop.sandbox.advance(days=9)
    assert shop.sandbox.events("checkout.session.async_payment_succeeded") == []


def test_a_session_expires_after_a_day_and_cannot_be_paid_then(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.advance(hours=25)
    assert shop.reload(session).status == "expired"
    assert shop.sandbox.pay(session)["status"] == "expired"
    assert shop.v1.charges.list().data == []
    assert shop.sandbox.event_types()[-1] == "checkout.session.expired"


def test_only_an_open_session_can_be_expired(shop: Shop) -> None:
    session = shop.paid_session()
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.checkout.sessions.expire(session.id)
    assert shop.reload(session).status == "complete"


def test_expiring_cancels_the_unfinished_intent(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.decline(session)
    shop.v1.checkout.sessions.expire(session.id)
    assert shop.v1.payment_intents.list().data[0].status == "canceled"


def test_sessions_are_found_by_what_they_led_to(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.paid_session(customer=customer.id)
    shop.paid_session()
    for filters in ({"payment_intent": session.payment_intent}, {"customer": customer.id}):
        assert [found.id for found in shop.v1.checkout.sessions.list(filters).data] == [session.id]


def test_the_chosen_quantity_is_charged_within_its_limits(shop: Shop) -> None:
    lines = [
        {
            "price": shop.price(500).id,
            "quantity": 1,
            "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 5},
        }
    ]
    session = shop.session(line_items=lines)
    with pytest.raises(Exception, match="from 1 to 5"):
        shop.sandbox.pay(session, quantity=6)
    shop.sandbox.pay(session, quantity=4)
    assert shop.reload(session).amount_total == 2000
    assert shop.v1.checkout.sessions.line_items.list(session.id).data[0].quantity == 4


def test_an_open_amount_is_charged_within_its_limits(shop: Shop) -> None:
    price = shop.price(None, custom_unit_amount={"enabled": True, "minimum": 500, "maximum": 50000, "preset": 2000})
    session = shop.session(price)
    assert session.amount_total == 2000
    with pytest.raises(Exception, match="outside"):
        shop.sandbox.pay(session, amount=499)
    shop.sandbox.pay(session, amount=1234)
    assert shop.reload(session).amount_total == 1234
    assert shop.v1.charges.list().data[0].amount == 1234


def test_a_saved_card_can_be_charged_again_without_its_owner(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.paid_session(customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"})
    cards = shop.v1.customers.payment_methods.list(customer.id).data
    intent = shop.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": cards[0].id,
            "off_session": True,
            "confirm": True,
        }
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 900)
    assert shop.v1.payment_intents.retrieve(session.payment_intent).setup_future_usage == "off_session"


def test_metadata_goes_where_it_was_meant(shop: Shop) -> None:
    session = shop.paid_session(metadata={"on": "session"}, payment_intent_data={"metadata": {"on": "intent"}})
    intent = shop.v1.payment_intents.retrieve(session.payment_intent, {"expand": ["latest_charge"]})
    assert session.metadata.to_dict() == {"on": "session"}
    assert intent.metadata.to_dict() == intent.latest_charge.metadata.to_dict() == {"on": "intent"}


def test_a_one_off_payment_gets_its_paid_invoice(shop: Shop) -> None:
    session = shop.paid_session(
        customer=shop.customer().id, invoice_creation={"enabled": True, "invoice_data": {"metadata": {"p": "1"}}}
    )
    invoice = shop.v1.invoices.retrieve(session.invoice, {"expand": ["payments"]})
    assert (invoice.status, invoice.total, invoice.amount_paid) == ("paid", 2000, 2000)
    assert invoice.billing_reason == "manual"
    assert invoice.payments.data[0].payment.payment_intent == session.payment_intent
    assert invoice.metadata.to_dict() == {"p": "1"}


def test_a_promotion_code_typed_on_the_page_counts(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"amount_off": 300, "currency": "usd", "duration": "once"})
    shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "THREE"})
    session = shop.session(allow_promotion_codes=True)
    with pytest.raises(Exception, match="invalid"):
        shop.sandbox.pay(session, promotion_code="FOUR")
    shop.sandbox.pay(session, promotion_code="three")
    assert shop.reload(session).amount_total == 1700


def test_tax_is_added_where_it_is_switched_on(shop: Shop) -> None:
    shop.sandbox.settings(tax_percent="19")
    assert shop.session().amount_total == 2000
    taxed = shop.session(automatic_tax={"enabled": True})
    assert (taxed.amount_total, taxed.total_details.amount_tax) == (2380, 380)


def test_nothing_to_pay_needs_no_payment(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 100, "duration": "once"})
    session = shop.session(discounts=[{"coupon": coupon.id}])
    shop.sandbox.pay(session)
    free = shop.reload(session)
    assert (free.status, free.payment_status, free.payment_intent) == ("complete", "no_payment_required", None)


def test_setup_mode_saves_a_card_and_takes_nothing(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.session(mode="setup", customer=customer.id, currency="usd")
    shop.sandbox.pay(session)
    assert shop.v1.setup_intents.retrieve(shop.reload(session).setup_intent).status == "succeeded"
    assert len(shop.v1.customers.payment_methods.list(customer.id).data) == 1
    assert shop.v1.charges.list().data == []


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"line_items": []}, "line_items"),
        ({"success_url": ""}, "success_url"),
        ({"expires_at": 1}, "expires_at"),
        ({"subscription_data": {"description": "x"}}, "subscription_data"),
    ],
)
def test_an_impossible_session_is_refused(shop: Shop, change: dict, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.session(**change)
    assert refusal.value.param == param
    assert shop.v1.checkout.sessions.list().data == []


def test_a_recurring_price_needs_subscription_mode(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="recurring price"):
        shop.session(shop.price(interval="month"))


def test_a_price_no_longer_sold_cannot_be_bought(shop: Shop) -> None:
    price = shop.price()
    shop.v1.prices.update(price.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.session(price)

"""Each operation does at Stripe what its name says. Parameters are checked there against Stripe's own types."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from payments import stripe_objects
from payments.errors import CardDeclined, StripeNotFound
from payments.gateway import catalogue, checkout, customers, events, invoices, meters, payments, portal, subscriptions
from payments.services.customers import ensure_customer

HERE = {"success_url": "https://portal.example/thanks", "cancel_url": "https://portal.example/back"}


@pytest.fixture
def customer(sandbox, acme):
    return ensure_customer(organization=acme)


@pytest.fixture
def price(sandbox):
    product = sandbox.client.v1.products.create({"name": "Thing"}).id

    def make(amount, interval=None):
        recurring = {"recurring": {"interval": interval}} if interval else {}
        fields = {"product": product, "currency": "usd", "unit_amount": amount, **recurring}
        return sandbox.client.v1.prices.create(fields).id

    return make


@pytest.fixture
def save_card(sandbox, customer):
    """`save_card("4242…")`: the customer's default from now on."""

    def save(number="4242424242424242"):
        session = checkout.create_setup(
            customer=customer, currency="usd", metadata={}, idempotency_key=f"setup-{number}", **HERE
        )
        sandbox.pay(session["id"], card=number)
        newest = customers.payment_methods(customer=customer)[0]["id"]
        customers.update(customer=customer, default_payment_method=newest, idempotency_key=f"default-{number}")
        assert customers.saved_payment_method(customer=customer) == newest
        return newest

    return save


@pytest.fixture
def subscription(customer, price, save_card):
    """Monthly, 29.00, paid with the saved card."""
    save_card()
    return subscriptions.create(
        customer=customer,
        items=[{"price": price(2900, "month"), "quantity": 1}],
        metadata={"plan": "pro"},
        idempotency_key="subscribe-1",
    )


def test_checkout_saves_nothing_it_was_not_asked_to(sandbox, customer, price):
    session = checkout.create_payment(
        customer=customer,
        line_items=[{"price": price(500), "quantity": 1}],
        metadata={},
        idempotency_key="purchase-1",
        expires_at=timezone.now() + timedelta(hours=1),
        description="Credits",
        **HERE,
    )
    sandbox.pay(session["id"])
    assert customers.saved_payment_method(customer=customer) is None
    assert [each["id"] for each in checkout.list_since(since=timezone.now() - timedelta(hours=1))] == [session["id"]]


def test_an_open_session_can_be_closed(sandbox, customer, price):
    session = checkout.create_payment(
        customer=customer,
        line_items=[{"price": price(500), "quantity": 1}],
        metadata={},
        idempotency_key="purchase-1",
        **HERE,
    )
    assert checkout.expire(session=session["id"], idempotency_key="expire-1")["status"] == "expired"


def test_promotion_codes_and_tax_are_asked_for_by_setting(sandbox, customer, price, settings):
    settings.STRIPE_PROMOTION_CODES = settings.STRIPE_AUTOMATIC_TAX = True
    session = checkout.create_payment(
        customer=customer,
        line_items=[{"price": price(500), "quantity": 1}],
        metadata={},
        idempotency_key="purchase-1",
        **HERE,
    )
    assert session["allow_promotion_codes"] is True
    assert session["automatic_tax"]["enabled"] is True


def test_a_trial_starts_with_checkout(sandbox, customer, price):
    session = checkout.create_subscription(
        customer=customer,
        line_items=[{"price": price(2900, "month"), "quantity": 1}],
        metadata={"plan": "pro"},
        idempotency_key="subscribe-1",
        trial_days=14,
        **HERE,
    )
    sandbox.pay(session["id"])
    made = subscriptions.retrieve(subscription=checkout.retrieve(session=session["id"])["subscription"])
    assert stripe_objects.StripeSubscription.of(made).status == "trialing"


def test_a_subscription_with_the_saved_card(subscription, customer):
    view = stripe_objects.StripeSubscription.of(subscription)
    assert (view.status, view.metadata) == ("active", {"plan": "pro"})
    assert [each["id"] for each in subscriptions.list_all(customer=customer)] == [view.id]


def test_a_declined_card_leaves_no_subscription(sandbox, customer, price, save_card):
    save_card("4000000000000341")
    with pytest.raises(CardDeclined):
        subscriptions.create(
            customer=customer,
            items=[{"price": price(2900, "month"), "quantity": 1}],
            metadata={},
            idempotency_key="subscribe-1",
        )
    assert [each["status"] for each in subscriptions.list_all(customer=customer) if each["status"] == "active"] == []


def test_cancelling_with_the_period_and_changing_ones_mind(subscription):
    name = subscription["id"]
    ending = subscriptions.update(subscription=name, cancel_at_period_end=True, idempotency_key="cancel-1")
    assert ending["cancel_at_period_end"] is True
    staying = subscriptions.update(subscription=name, cancel_at_period_end=False, idempotency_key="stay-1")
    assert staying["cancel_at_period_end"] is False
    assert subscriptions.cancel(subscription=name, idempotency_key="end-1")["status"] == "canceled"


def test_a_change_at_renewal_waits_in_a_schedule_and_can_be_dropped(sandbox, subscription, price):
    schedule = subscriptions.create_schedule(subscription=subscription["id"], idempotency_key="schedule-1")
    now_running = schedule["phases"][0]
    item = {"price": now_running["items"][0]["price"], "quantity": 1}
    planned = subscriptions.update_schedule(
        schedule=schedule["id"],
        phases=[
            {"items": [item], "start_date": now_running["start_date"], "end_date": now_running["end_date"]},
            {"items": [{"price": price(900, "month"), "quantity": 1}]},
        ],
        idempotency_key="plan-1",
    )
    assert len(planned["phases"]) == 2
    view = stripe_objects.StripeSubscription.of(subscriptions.retrieve(subscription=subscription["id"]))
    assert (view.schedule, view.items[0].unit_amount) == (schedule["id"], 2900)
    released = subscriptions.release_schedule(schedule=schedule["id"], idempotency_key="release-1")
    assert released["status"] == "released"
    assert subscriptions.retrieve_schedule(schedule=schedule["id"])["status"] == "released"


def test_previews_charge_nothing(sandbox, subscription, customer, price):
    charges = len(sandbox.client.v1.charges.list().data)
    first = invoices.preview_new(customer=customer, items=[{"price": price(4900, "month"), "quantity": 2}])
    renewal = invoices.preview_next(subscription=subscription["id"])
    assert stripe_objects.StripeInvoice.of(first).total == 9800
    assert stripe_objects.StripeInvoice.of(renewal).total == 2900
    assert len(sandbox.client.v1.charges.list().data) == charges


def test_an_extra_item_comes_with_the_next_invoice(sandbox, subscription, customer):
    invoices.create_item(
        customer=customer,
        amount=-300,
        currency="usd",
        description="Correction",
        metadata={"correction": "1"},
        subscription=subscription["id"],
        period=(timezone.now() - timedelta(days=1), timezone.now()),
        idempotency_key="item-1",
    )
    sandbox.advance(days=32)
    newest = stripe_objects.StripeInvoice.of(invoices.list_for(customer=customer)[0])
    assert newest.total == 2600
    assert {line.description: line.amount for line in newest.lines}["Correction"] == -300


@pytest.fixture
def unpaid(sandbox, subscription, customer, save_card):
    """The second month's invoice: the card was declined."""
    broken = save_card("4000000000000341")
    subscriptions.update(subscription=subscription["id"], default_payment_method=broken, idempotency_key="card-1")
    sandbox.advance(days=32)
    view = stripe_objects.StripeInvoice.of(invoices.list_for(customer=customer)[0])
    assert (view.status, view.attempt_count) == ("open", 1)
    return view.id


def test_an_open_invoice_is_paid_with_another_card(unpaid, save_card):
    with pytest.raises(CardDeclined):
        invoices.pay(invoice=unpaid, idempotency_key="pay-1")
    good = save_card("5555555555554444")
    assert invoices.pay(invoice=unpaid, payment_method=good, idempotency_key="pay-2")["status"] == "paid"


def test_an_open_invoice_is_voided(unpaid):
    assert invoices.void(invoice=unpaid, idempotency_key="void-1")["status"] == "void"


def test_usage_is_reported_to_a_meter_once(sandbox, customer):
    meter = catalogue.create_meter(name="Sessions", event_name="sessions", formula="last", idempotency_key="meter-1")
    now = timezone.now()
    for _ in range(2):
        meters.report(event_name="sessions", customer=customer, value=Decimal("12.50"), identifier="w1:1", at=now)
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=5)
    [summary] = meters.summaries(meter=meter["id"], customer=customer, start=start, end=start + timedelta(minutes=10))
    assert Decimal(str(summary["aggregated_value"])) == Decimal("12.5")


def test_the_customer_portal_opens(sandbox, customer):
    session = portal.create_session(
        customer=customer,
        return_url="https://portal.example/",
        flow="payment_method_update",
        idempotency_key="portal-1",
    )
    assert session["url"].startswith(sandbox.url)


def test_cards_can_be_removed(sandbox, customer, save_card):
    method = save_card()
    payments.detach_payment_method(payment_method=method, idempotency_key="detach-1")
    assert customers.payment_methods(customer=customer) == []
    payments.attach_payment_method(payment_method="pm_card_visa", customer=customer, idempotency_key="attach-1")
    assert len(customers.payment_methods(customer=customer)) == 1


def test_an_attempt_that_needs_the_customer_can_be_given_up(sandbox, customer, save_card):
    session = checkout.create_setup(customer=customer, currency="usd", metadata={}, idempotency_key="setup-1", **HERE)
    sandbox.pay(session["id"], card="4000002760003184", authenticate=True)
    with pytest.raises(CardDeclined) as declined:
        payments.charge_off_session(
            customer=customer,
            payment_method=customers.saved_payment_method(customer=customer),
            amount=500,
            currency="usd",
            description="Top-up",
            metadata={},
            idempotency_key="topup-1",
        )
    given_up = payments.cancel(payment_intent=declined.value.payment_intent, idempotency_key="cancel-1")
    assert given_up["status"] == "canceled"
    found = payments.list_since(since=timezone.now() - timedelta(hours=1), customer=customer)
    assert [each["id"] for each in found] == [given_up["id"]]


def test_events_can_be_read_back(sandbox, customer):
    [event] = events.list_since(since=timezone.now() - timedelta(hours=1))
    assert events.retrieve(event=event["id"])["type"] == "customer.created"
    with pytest.raises(StripeNotFound):
        events.retrieve(event="evt_nowhere")

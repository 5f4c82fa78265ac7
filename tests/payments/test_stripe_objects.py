"""The views read Stripe's present shapes, from the API and from dj-stripe's copy alike."""

from datetime import UTC, datetime

import pytest
from djstripe import models as djstripe

from payments import stripe_objects
from payments.gateway import checkout, invoices, payments, refunds, subscriptions
from payments.gateway.customers import saved_payment_method
from payments.models import StripeEvent
from payments.services.customers import ensure_customer

HERE = {"success_url": "https://portal.example/thanks", "cancel_url": "https://portal.example/back"}


@pytest.fixture
def customer(sandbox, acme):
    return ensure_customer(organization=acme)


@pytest.fixture
def price(sandbox):
    """`price(2000)` once, `price(2900, interval="month")` recurring; its id."""
    product = sandbox.client.v1.products.create({"name": "Thing"}).id

    def make(amount, interval=None, **more):
        recurring = {"recurring": {"interval": interval}} if interval else {}
        fields = {"product": product, "currency": "usd", "unit_amount": amount, **recurring, **more}
        return sandbox.client.v1.prices.create(fields).id

    return make


@pytest.fixture
def bought(sandbox, customer, price):
    """A session that was paid, saving the card."""
    session = checkout.create_payment(
        customer=customer,
        line_items=[{"price": price(2000), "quantity": 2}],
        metadata={"purchase": "pur_1"},
        idempotency_key="purchase-1",
        client_reference_id="pur_1",
        save_card=True,
        **HERE,
    )
    sandbox.pay(session["id"])
    return checkout.retrieve(session=session["id"])


@pytest.fixture
def subscribed(sandbox, customer, price):
    """A running subscription: 5 seats and a base price."""
    session = checkout.create_subscription(
        customer=customer,
        line_items=[
            {"price": price(2900, "month", lookup_key="base"), "quantity": 1},
            {"price": price(1500, "month"), "quantity": 5},
        ],
        metadata={"plan": "team"},
        idempotency_key="subscribe-1",
        **HERE,
    )
    sandbox.pay(session["id"])
    return checkout.retrieve(session=session["id"])


def copied(model, object_id):
    return model.objects.get(id=object_id).stripe_data


def test_an_open_session_leads_to_the_page_and_is_not_paid(sandbox, customer, price):
    data = checkout.create_payment(
        customer=customer,
        line_items=[{"price": price(2000), "quantity": 1}],
        metadata={"purchase": "pur_1"},
        idempotency_key="purchase-1",
        **HERE,
    )
    view = stripe_objects.StripeCheckoutSession.of(data)
    assert view.url.startswith(sandbox.url)
    assert (view.status, view.payment_status, view.is_paid, view.is_processing) == ("open", "unpaid", False, False)


def test_a_paid_session_with_its_intent_and_charge(bought, customer):
    view = stripe_objects.StripeCheckoutSession.of(bought)
    assert (view.is_paid, view.mode, view.amount_total, view.currency) == (True, "payment", 4000, "usd")
    assert (view.customer, view.client_reference_id, view.metadata) == (customer, "pur_1", {"purchase": "pur_1"})
    assert view.intent.id == view.payment_intent
    assert (view.intent.succeeded, view.intent.amount_received) == (True, 4000)
    assert view.intent.metadata == {"purchase": "pur_1"}
    assert view.intent.charge.amount == 4000
    assert view.invoice.startswith("in_")
    assert view.created.tzinfo is UTC
    assert view.url is None


def test_a_delayed_payment_is_processing_until_the_money_is_there(sandbox, customer, price):
    session = checkout.create_payment(
        customer=customer,
        line_items=[{"price": price(2000), "quantity": 1}],
        metadata={},
        idempotency_key="purchase-1",
        **HERE,
    )["id"]
    sandbox.pay(session, card="bank_debit")
    view = stripe_objects.StripeCheckoutSession.of(checkout.retrieve(session=session))
    assert (view.is_paid, view.is_processing) == (False, True)
    sandbox.complete_delayed(session)
    view = stripe_objects.StripeCheckoutSession.of(checkout.retrieve(session=session))
    assert (view.is_paid, view.is_processing) == (True, False)


def test_the_copy_reads_like_the_original(sandbox, bought):
    sandbox.deliver()
    session = stripe_objects.StripeCheckoutSession.of(bought)
    assert stripe_objects.StripeCheckoutSession.of(copied(djstripe.Session, session.id)).is_paid
    intent = stripe_objects.StripePaymentIntent.of(copied(djstripe.PaymentIntent, session.payment_intent))
    assert (intent.amount, intent.latest_charge) == (4000, session.intent.latest_charge)
    assert stripe_objects.StripeCharge.of(copied(djstripe.Charge, intent.latest_charge)).amount == 4000
    assert stripe_objects.StripeInvoice.of(copied(djstripe.Invoice, session.invoice)).total == 4000


def test_a_saved_card_is_charged_and_described(sandbox, bought, customer):
    method = saved_payment_method(customer=customer)
    data = payments.charge_off_session(
        customer=customer,
        payment_method=method,
        amount=700,
        currency="usd",
        description="Top-up",
        metadata={"purchase": "pur_2"},
        idempotency_key="topup-1",
    )
    view = stripe_objects.StripePaymentIntent.of(data)
    assert (view.succeeded, view.amount_received, view.payment_method) == (True, 700, method)
    card = stripe_objects.StripePaymentMethod.of(payments.retrieve_payment_method(payment_method=method))
    assert (card.brand, card.last4, card.customer) == ("visa", "4242", customer)
    assert str(card) == "Visa ending in 4242"


def test_refunds_partial_and_failing(sandbox, bought):
    intent = bought["payment_intent"]["id"]
    refund = stripe_objects.StripeRefund.of(
        refunds.create(payment_intent=intent, amount=1500, metadata={"refund": "ref_1"}, idempotency_key="refund-1")
    )
    assert (refund.amount, refund.payment_intent, refund.metadata) == (1500, intent, {"refund": "ref_1"})
    assert refund.has_failed is False
    charge = stripe_objects.StripeCharge.of(payments.retrieve_charge(charge=refund.charge))
    assert (charge.amount_refunded, [each.id for each in charge.refunds]) == (1500, [refund.id])

    sandbox.fail_refund(refund.id)
    failed = stripe_objects.StripeRefund.of(refunds.retrieve(refund=refund.id))
    assert (failed.status, failed.has_failed) == ("failed", True)
    assert failed.failure_reason


def test_disputes_opened_won_and_lost(sandbox, bought):
    dispute = sandbox.open_dispute(bought["payment_intent"]["id"])
    view = stripe_objects.StripeDispute.of(refunds.retrieve_dispute(dispute=dispute["id"]))
    assert (view.is_open, view.is_won, view.is_lost, view.amount) == (True, False, False, 4000)
    assert view.payment_intent == bought["payment_intent"]["id"]
    sandbox.lose_dispute(view.id)
    view = stripe_objects.StripeDispute.of(refunds.retrieve_dispute(dispute=view.id))
    assert (view.is_open, view.is_won, view.is_lost) == (False, False, True)


def test_a_subscription_with_its_items_and_periods(subscribed, customer):
    session = stripe_objects.StripeCheckoutSession.of(subscribed)
    view = stripe_objects.StripeSubscription.of(subscriptions.retrieve(subscription=session.subscription))
    assert (view.status, view.customer, view.metadata) == ("active", customer, {"plan": "team"})
    assert [(item.unit_amount, item.quantity, item.interval) for item in view.items] == [
        (2900, 1, "month"),
        (1500, 5, "month"),
    ]
    assert view.items[0].lookup_key == "base"
    assert view.current_period_start < view.current_period_end
    assert (view.cancel_at_period_end, view.has_ended, view.schedule) == (False, False, None)


def test_an_invoice_with_its_lines_and_payments(subscribed):
    session = stripe_objects.StripeCheckoutSession.of(subscribed)
    view = stripe_objects.StripeInvoice.of(invoices.retrieve(invoice=session.invoice))
    assert (view.is_paid, view.total, view.billing_reason) == (True, 2900 + 5 * 1500, "subscription_create")
    assert (view.subscription, view.subscription_metadata) == (session.subscription, {"plan": "team"})
    assert [(line.amount, line.quantity, line.is_proration) for line in view.lines] == [
        (2900, 1, False),
        (7500, 5, False),
    ]
    assert all(line.subscription == session.subscription and line.subscription_item for line in view.lines)
    assert all(line.price.startswith("price_") for line in view.lines)
    assert len(view.payment_intents) == 1
    assert view.number
    assert view.paid_at is not None


def test_proration_lines_are_told_apart(sandbox, subscribed):
    subscription = subscribed["subscription"]
    seats = stripe_objects.StripeSubscription.of(subscriptions.retrieve(subscription=subscription)).items[1]
    sandbox.advance(days=10)
    preview = stripe_objects.StripeInvoice.of(
        invoices.preview_change(subscription=subscription, items=[{"id": seats.id, "quantity": 10}])
    )
    changed = subscriptions.update(
        subscription=subscription,
        items=[{"id": seats.id, "quantity": 10}],
        proration_behavior="always_invoice",
        payment_behavior="error_if_incomplete",
        idempotency_key="change-1",
    )
    charged = stripe_objects.StripeInvoice.of(invoices.retrieve(invoice=changed["latest_invoice"]["id"]))
    assert all(line.is_proration for line in charged.lines)
    assert charged.total == preview.total > 0
    assert [item.quantity for item in stripe_objects.StripeSubscription.of(changed).items] == [1, 10]


def test_a_long_invoice_comes_with_all_its_lines(sandbox, customer, bought):
    for number in range(14):
        invoices.create_item(
            customer=customer,
            amount=100 + number,
            currency="usd",
            description=f"Item {number}",
            metadata={},
            idempotency_key=f"item-{number}",
        )
    draft = sandbox.client.v1.invoices.create(
        {"customer": customer, "pending_invoice_items_behavior": "include", "auto_advance": False}
    )
    view = stripe_objects.StripeInvoice.of(invoices.retrieve(invoice=draft.id))
    assert len(view.lines) == 14
    assert sum(line.amount for line in view.lines) == view.total


def test_dj_stripe_copies_a_whole_life_without_complaint(sandbox, bought, subscribed, customer):
    """Every kind of object that we mirror goes through dj-stripe's own sync."""
    intent = bought["payment_intent"]["id"]
    refunds.create(payment_intent=intent, amount=100, metadata={}, idempotency_key="refund-1")
    sandbox.win_dispute(sandbox.open_dispute(intent)["id"])
    subscription = subscribed["subscription"]
    seats = stripe_objects.StripeSubscription.of(subscriptions.retrieve(subscription=subscription)).items[1]
    subscriptions.update(
        subscription=subscription,
        items=[{"id": seats.id, "quantity": 6}],
        proration_behavior="always_invoice",
        idempotency_key="change-1",
    )
    schedule = subscriptions.create_schedule(subscription=subscription, idempotency_key="schedule-1")
    subscriptions.release_schedule(schedule=schedule["id"], idempotency_key="release-1")
    sandbox.advance(days=32)
    subscriptions.cancel(subscription=subscription, idempotency_key="cancel-1")

    outcome = sandbox.deliver()

    assert outcome["failed"] == 0
    complaints = StripeEvent.objects.exclude(mirror_error="").values_list("type", "mirror_error")
    assert list(complaints) == []
    assert stripe_objects.StripeSubscription.of(copied(djstripe.Subscription, subscription)).has_ended
    assert djstripe.Dispute.objects.count() == 1


def test_times_are_utc(subscribed):
    view = stripe_objects.StripeSubscription.of(subscriptions.retrieve(subscription=subscribed["subscription"]))
    assert abs((view.created - datetime.now(UTC)).total_seconds()) < 3600

"""Subscriptions: beginning, paying, trials, cancelling."""

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop, iso


def test_checkout_starts_a_subscription_with_its_paid_invoice(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.session(
        shop.price(2900, interval="month"),
        mode="subscription",
        customer=customer.id,
        subscription_data={"metadata": {"organization": "org_1"}},
    )
    before = len(shop.sandbox.events())
    shop.sandbox.pay(session)
    done = shop.reload(session)
    assert (done.payment_status, done.payment_intent) == ("paid", None)
    sub = shop.v1.subscriptions.retrieve(done.subscription, {"expand": ["default_payment_method"]})
    assert (sub.status, sub.metadata.to_dict()) == ("active", {"organization": "org_1"})
    assert sub.default_payment_method.customer == customer.id
    invoice = shop.v1.invoices.retrieve(done.invoice, {"expand": ["payments.data.payment.payment_intent"]})
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == ("paid", 2900, "subscription_create")
    assert invoice.parent.subscription_details.subscription == sub.id
    assert invoice.parent.subscription_details.metadata.to_dict() == {"organization": "org_1"}
    line = invoice.lines.data[0]
    assert line.pricing.price_details.price == sub["items"].data[0].price.id
    assert line.parent.subscription_item_details.subscription_item == sub["items"].data[0].id
    assert line.parent.subscription_item_details.proration is False
    assert invoice.payments.data[0].payment.payment_intent.status == "succeeded"
    for gone in ("charge", "payment_intent", "subscription", "paid"):
        assert gone not in invoice
    assert "current_period_end" not in sub
    assert sub["items"].data[0].current_period_end == line.period.end
    kinds = shop.sandbox.event_types()[before:]
    assert kinds[-1] == "checkout.session.completed"
    for earlier, later in (
        ("customer.subscription.created", "invoice.created"),
        ("invoice.created", "invoice.finalized"),
        ("invoice.finalized", "invoice.paid"),
        ("invoice.paid", "customer.subscription.updated"),
    ):
        assert kinds.index(earlier) < kinds.index(later)


def test_a_declined_checkout_leaves_no_subscription(shop: Shop) -> None:
    session = shop.session(shop.price(2900, interval="month"), mode="subscription", customer=shop.customer().id)
    assert shop.sandbox.decline(session)["status"] == "declined"
    assert shop.v1.subscriptions.list({"status": "all"}).data == []
    assert shop.v1.invoices.list().data == []


def test_a_delayed_first_payment_settles_the_invoice_later(shop: Shop) -> None:
    session = shop.session(shop.price(2900, interval="month"), mode="subscription", customer=shop.customer().id)
    shop.sandbox.pay(session, card="bank_debit")
    done = shop.reload(session)
    assert done.payment_status == "unpaid"
    assert shop.v1.invoices.retrieve(done.invoice).status == "open"
    shop.sandbox.complete_delayed(session)
    assert shop.v1.invoices.retrieve(done.invoice).status == "paid"
    assert shop.reload(session).payment_status == "paid"


@pytest.mark.parametrize(
    ("card", "behaviour", "status", "intent"),
    [
        ("pm_card_visa", "allow_incomplete", "active", "succeeded"),
        ("pm_card_visa", "default_incomplete", "incomplete", "requires_payment_method"),
        ("pm_card_chargeCustomerFail", "allow_incomplete", "incomplete", "requires_payment_method"),
        ("pm_card_authenticationRequired", "allow_incomplete", "incomplete", "requires_action"),
    ],
)
def test_payment_behavior_decides_how_a_subscription_begins(
    shop: Shop, card: str, behaviour: str, status: str, intent: str
) -> None:
    sub = shop.subscription(shop.customer(card), shop.price(2900, interval="month"), payment_behavior=behaviour)
    assert sub.status == status
    invoice = shop.latest_invoice(sub)
    paying = shop.v1.payment_intents.retrieve(invoice.payments.data[0].payment.payment_intent)
    assert paying.status == intent


def test_error_if_incomplete_leaves_nothing(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    price = shop.price(2900, interval="month")
    before = len(shop.sandbox.events())
    with pytest.raises(stripe.CardError):
        shop.subscription(customer, price, payment_behavior="error_if_incomplete")
    assert shop.v1.subscriptions.list({"status": "all"}).data == []
    assert len(shop.sandbox.events()) == before


def test_without_a_card_a_subscription_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscription(shop.customer(), shop.price(2900, interval="month"))
    assert shop.v1.subscriptions.list({"status": "all"}).data == []


def test_an_incomplete_subscription_becomes_active_when_paid(shop: Shop) -> None:
    sub = shop.subscription(shop.customer(), shop.price(2900, interval="month"), payment_behavior="default_incomplete")
    invoice = shop.v1.invoices.retrieve(sub.latest_invoice, {"expand": ["confirmation_secret"]})
    assert invoice.confirmation_secret.client_secret.startswith("pi_")
    shop.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    assert shop.reload(sub).status == "active"
    change = shop.sandbox.events("customer.subscription.updated")[-1]
    assert change["data"]["previous_attributes"]["status"] == "incomplete"


def test_an_incomplete_subscription_expires_after_23_hours(shop: Shop) -> None:
    sub = shop.subscription(shop.customer(), shop.price(2900, interval="month"), payment_behavior="default_incomplete")
    shop.sandbox.advance(hours=22)
    assert shop.reload(sub).status == "incomplete"
    shop.sandbox.advance(hours=2)
    assert shop.reload(sub).status == "incomplete_expired"
    assert shop.latest_invoice(sub).status == "void"
    shop.sandbox.advance(days=40)
    assert len(shop.v1.invoices.list().data) == 1


def test_items_of_different_intervals_are_refused(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="same billing interval"):
        shop.subscription(customer, shop.price(2900, interval="month"), shop.price(29000, interval="year"))


def test_the_same_price_twice_is_refused(shop: Shop) -> None:
    price = shop.price(2900, interval="month")
    with pytest.raises(stripe.InvalidRequestError, match="multiple subscription items"):
        shop.subscription(shop.customer("pm_card_visa"), price, price)


# Trials


def test_a_trial_is_free_and_then_charged(dated_shop: Shop) -> None:
    shop = dated_shop
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"), trial_period_days=14)
    assert (sub.status, iso(sub.trial_end)) == ("trialing", "2027-02-14")
    assert (shop.latest_invoice(sub).total, shop.latest_invoice(sub).status) == (0, "paid")
    shop.sandbox.advance(days=10)
    assert shop.sandbox.events("customer.subscription.trial_will_end") == []
    shop.sandbox.advance(days=1)
    assert len(shop.sandbox.events("customer.subscription.trial_will_end")) == 1
    shop.sandbox.advance(days=3)
    sub = shop.reload(sub)
    item = sub["items"].data[0]
    assert (sub.status, iso(item.current_period_start), iso(item.current_period_end)) == (
        "active",
        "2027-02-14",
        "2027-03-14",
    )
    assert (shop.latest_invoice(sub).total, shop.latest_invoice(sub).billing_reason) == (2900, "subscription_cycle")


@pytest.mark.parametrize(
    ("behaviour", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
)
def test_a_trial_without_a_card_ends_as_it_was_told(shop: Shop, behaviour: str, status: str) -> None:
    sub = shop.subscription(
        shop.customer(),
        shop.price(2900, interval="month"),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": behaviour}},
    )
    assert sub.pending_setup_intent
    shop.sandbox.advance(days=8)
    assert shop.reload(sub).status == status
    assert shop.v1.charges.list().data == []


def test_a_checkout_with_a_trial_takes_the_card_and_no_money(shop: Shop) -> None:
    session = shop.session(
        shop.price(2900, interval="month"),
        mode="subscription",
        customer=shop.customer().id,
        subscription_data={"trial_period_days": 7},
    )
    assert session.amount_total == 0
    shop.sandbox.pay(session)
    done = shop.reload(session)
    sub = shop.v1.subscriptions.retrieve(done.subscription)
    assert (done.payment_status, sub.status) == ("no_payment_required", "trialing")
    assert sub.default_payment_method
    shop.sandbox.advance(days=8)
    assert shop.reload(sub).status == "active"
    assert shop.v1.charges.list().data[0].amount == 2900


def test_ending_a_trial_now_bills_a_whole_period(dated_shop: Shop) -> None:
    shop = dated_shop
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"), trial_period_days=14)
    shop.sandbox.advance(days=4)
    sub = shop.v1.subscriptions.update(sub.id, {"trial_end": "now"})
    assert (sub.status, iso(sub["items"].data[0].current_period_end)) == ("active", "2027-03-04")
    assert shop.latest_invoice(sub).amount_paid == 2900


# Cancelling


def test_cancelling_at_period_end_keeps_it_until_then(dated_shop: Shop) -> None:
    shop = dated_shop
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    sub = shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    assert (sub.status, iso(sub.cancel_at), sub.cancellation_details.reason) == (
        "active",
        "2027-02-28",
        "cancellation_requested",
    )
    shop.sandbox.advance(days=27)
    assert shop.reload(sub).status == "active"
    shop.sandbox.advance(days=2)
    gone = shop.reload(sub)
    assert (gone.status, iso(gone.ended_at)) == ("canceled", "2027-02-28")
    assert shop.sandbox.event_types()[-1] == "customer.subscription.deleted"
    assert len(shop.v1.invoices.list().data) == 1


def test_a_change_of_mind_renews_it(dated_shop: Shop) -> None:
    shop = dated_shop
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    kept = shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at, kept.cancellation_details.reason) == (None, None, None)
    shop.sandbox.advance(days=30)
    assert shop.reload(sub).status == "active"
    assert len(shop.v1.invoices.list().data) == 2


def test_cancelling_now_ends_it_without_credit(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2900, interval="month"))
    shop.sandbox.advance(days=10)
    assert shop.v1.subscriptions.cancel(sub.id).status == "canceled"
    assert shop.reload(customer).balance == 0
    shop.sandbox.advance(days=60)
    assert len(shop.v1.invoices.list().data) == 1


def test_cancelling_with_prorate_and_invoice_now_credits_unused_time(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2800, interval="month"))
    shop.sandbox.advance(days=14)  # half of the 28 days
    shop.v1.subscriptions.cancel(sub.id, {"prorate": True, "invoice_now": True})
    assert shop.reload(customer).balance == -1400
    assert shop.latest_invoice(sub).total == -1400


def test_a_cancelled_subscription_cannot_be_changed(shop: Shop) -> None:
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    shop.v1.subscriptions.cancel(sub.id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscriptions.cancel(sub.id)


def test_a_list_leaves_out_what_has_ended_unless_asked(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa")
    price = shop.price(2900, interval="month")
    ended, live = shop.subscription(customer, price), shop.subscription(customer, price)
    shop.v1.subscriptions.cancel(ended.id)
    assert [s.id for s in shop.v1.subscriptions.list({"customer": customer.id}).data] == [live.id]
    assert len(shop.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data) == 2

"""What the clock does: renewals without drift, and what becomes of those that fail."""

from datetime import UTC, datetime

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop, iso

# Renewing


@pytest.mark.parametrize(
    ("start", "days"),
    [
        ("2027-01-29", ["02-28", "03-29", "04-29"]),
        ("2027-01-30", ["02-28", "03-30", "04-30"]),
        ("2027-01-31", ["02-28", "03-31", "04-30"]),
        ("2027-08-31", ["09-30", "10-31", "11-30"]),
    ],
)
def test_monthly_anchors_do_not_drift(shop: Shop, start: str, days: list[str]) -> None:
    shop.sandbox.advance(f"{start}T09:30:00+00:00")
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    seen = []
    for _ in days:
        seen.append(iso(shop.reload(sub)["items"].data[0].current_period_end)[5:])
        shop.sandbox.advance(shop.reload(sub)["items"].data[0].current_period_end)
    assert seen == days


def test_48_months_are_48_invoices_on_the_last_day_there_is(shop: Shop) -> None:
    shop.sandbox.advance("2027-01-31T12:00:00+00:00")
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    shop.sandbox.advance("2031-01-31T12:00:00+00:00")
    invoices = list(shop.v1.invoices.list({"subscription": sub.id, "limit": 100}).auto_paging_iter())
    assert len(invoices) == 49
    days = [datetime.fromtimestamp(i.created, UTC) for i in reversed(invoices)]
    for day in days:
        following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
        assert (following - day).days == 0, day
    assert {i.total for i in invoices} == {2900}
    assert {i.status for i in invoices} == {"paid"}


def test_a_leap_day_is_kept_for_years(shop: Shop) -> None:
    shop.sandbox.advance("2028-02-29T00:00:00+00:00")
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(29000, interval="year"))
    ends = []
    for _ in range(4):
        end = shop.reload(sub)["items"].data[0].current_period_end
        ends.append(iso(end))
        shop.sandbox.advance(end)
    assert ends == ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_a_renewal_says_what_happened_in_order(dated_shop: Shop) -> None:
    shop = dated_shop
    shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    before = len(shop.sandbox.events())
    shop.sandbox.advance(days=28)
    assert shop.sandbox.event_types()[before:] == [
        "invoice.upcoming",
        "customer.subscription.updated",
        "invoice.created",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    upcoming = shop.sandbox.events("invoice.upcoming")[0]
    assert iso(upcoming["created"]) == "2027-02-21"
    assert upcoming["data"]["object"]["total"] == 2900
    updated = shop.sandbox.events("customer.subscription.updated")[-1]["data"]
    assert set(updated["previous_attributes"]) == {"items", "latest_invoice"}


def test_drafts_wait_an_hour_where_that_is_switched_on(dated_shop: Shop) -> None:
    shop = dated_shop
    shop.sandbox.settings(finalize_at_once=False)
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    shop.sandbox.advance(days=28)
    assert shop.latest_invoice(sub).status == "draft"
    shop.v1.invoice_items.create(
        {
            "customer": sub.customer,
            "invoice": sub.latest_invoice and shop.reload(sub).latest_invoice,
            "amount": 100,
            "currency": "usd",
        }
    )
    shop.sandbox.advance(hours=1)
    assert (shop.latest_invoice(sub).status, shop.latest_invoice(sub).amount_paid) == ("paid", 3000)


def test_items_that_wait_ride_on_the_next_renewal(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2900, interval="month"))
    shop.v1.invoice_items.create({"customer": customer.id, "amount": -400, "currency": "usd", "description": "Sorry"})
    shop.sandbox.advance(days=28)
    assert shop.latest_invoice(sub).total == 2500
    shop.sandbox.advance(days=31)
    assert shop.latest_invoice(sub).total == 2900


def test_the_customers_credit_pays_first(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2900, interval="month"))
    shop.v1.customers.balance_transactions.create(customer.id, {"amount": -3000, "currency": "usd"})
    shop.sandbox.advance(days=28)
    invoice = shop.latest_invoice(sub)
    assert (invoice.total, invoice.amount_due, invoice.status, invoice.ending_balance) == (2900, 0, "paid", -100)
    assert invoice.payments.data == []
    shop.sandbox.advance(days=31)
    assert shop.latest_invoice(sub).amount_paid == 2800


def test_a_repeating_coupon_stops_when_its_months_are_over(dated_shop: Shop) -> None:
    shop = dated_shop
    coupon = shop.v1.coupons.create({"percent_off": 50, "duration": "repeating", "duration_in_months": 2})
    sub = shop.subscription(
        shop.customer("pm_card_visa"), shop.price(2000, interval="month"), discounts=[{"coupon": coupon.id}]
    )
    totals = [shop.latest_invoice(sub).total]
    for days in (28, 31, 30):
        shop.sandbox.advance(days=days)
        totals.append(shop.latest_invoice(sub).total)
    assert totals == [1000, 1000, 2000, 2000]


# Failing


def failing_subscription(shop: Shop) -> tuple[stripe.Customer, stripe.Subscription]:
    """Paid once; every later charge fails."""
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2900, interval="month"))
    shop.save_card(customer, "pm_card_chargeCustomerFail")
    return customer, sub


def test_a_failing_renewal_is_tried_again_after_3_5_and_7_days(dated_shop: Shop) -> None:
    shop = dated_shop
    customer, sub = failing_subscription(shop)
    seen = []
    shop.sandbox.advance("2027-02-28T12:00:00+00:00")
    for _ in range(5):
        invoice = shop.latest_invoice(sub)
        seen.append((shop.day(), invoice.attempt_count, iso(invoice.next_payment_attempt or 0)))
        if invoice.next_payment_attempt is None:
            break
        shop.sandbox.advance(invoice.next_payment_attempt)
    assert seen == [
        ("2027-02-28", 1, "2027-03-03"),
        ("2027-03-03", 2, "2027-03-08"),
        ("2027-03-08", 3, "2027-03-15"),
        ("2027-03-15", 4, "1970-01-01"),
    ]
    assert shop.reload(sub).status == "past_due"
    assert shop.reload(customer).delinquent is True
    assert len(shop.sandbox.events("invoice.payment_failed")) == 4
    first = shop.sandbox.events("invoice.payment_failed")[0]["data"]["object"]
    assert (first["attempt_count"], iso(first["next_payment_attempt"])) == (1, "2027-03-03")


@pytest.mark.parametrize("outcome", ["unpaid", "canceled"])
def test_after_the_last_attempt_the_setting_decides(dated_shop: Shop, outcome: str) -> None:
    shop = dated_shop
    shop.sandbox.settings(after_retries=outcome, retry_days=[1])
    _, sub = failing_subscription(shop)
    shop.sandbox.advance(days=28)
    assert shop.reload(sub).status == "past_due"
    shop.sandbox.advance(days=1)
    assert shop.reload(sub).status == outcome


@pytest.mark.parametrize("days_late", [1, 4, 9, 14])
def test_paying_at_any_point_restores(dated_shop: Shop, days_late: int) -> None:
    shop = dated_shop
    customer, sub = failing_subscription(shop)
    shop.sandbox.advance(days=28 + days_late)
    assert shop.reload(sub).status == "past_due"
    shop.v1.invoices.pay(shop.reload(sub).latest_invoice, {"payment_method": "pm_card_visa"})
    assert shop.reload(sub).status == "active"
    assert shop.reload(customer).delinquent is False
    attempts = len(shop.sandbox.events("invoice.payment_failed"))
    shop.sandbox.advance(days=14 - days_late)
    assert len(shop.sandbox.events("invoice.payment_failed")) == attempts


def test_paying_by_hand_and_failing_does_not_move_the_retries(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = failing_subscription(shop)
    shop.sandbox.advance(days=28)
    before = shop.latest_invoice(sub)
    with pytest.raises(stripe.CardError):
        shop.v1.invoices.pay(before.id)
    after = shop.latest_invoice(sub)
    assert (after.attempt_count, shop.reload(sub).status) == (1, "past_due")
    shop.sandbox.advance(days=3)
    assert shop.latest_invoice(sub).attempt_count == 2


def test_a_new_card_is_what_the_next_retry_charges(dated_shop: Shop) -> None:
    shop = dated_shop
    customer, sub = failing_subscription(shop)
    shop.sandbox.advance(days=28)
    shop.save_card(customer, "pm_card_mastercard")
    shop.sandbox.advance(days=3)
    assert (shop.reload(sub).status, shop.latest_invoice(sub).status) == ("active", "paid")


def test_trouble_with_one_subscription_leaves_the_other_alone(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    good = shop.subscription(customer, shop.price(2900, interval="month"))
    bad_card = shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    bad = shop.subscription(customer, shop.price(900, interval="month"))
    shop.v1.subscriptions.update(bad.id, {"default_payment_method": bad_card.id})
    shop.sandbox.advance(days=40)
    assert (shop.reload(good).status, shop.reload(bad).status) == ("active", "past_due")

"""Metered billing: the meter's formula, tiers, packages, and which events count."""

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop, iso


def meter(shop: Shop, formula: str) -> stripe.billing.Meter:
    return shop.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": formula}}
    )


def report(shop: Shop, customer: stripe.Customer, value: str, **more: object) -> stripe.billing.MeterEvent:
    return shop.v1.billing.meter_events.create(
        {"event_name": "calls", "payload": {"stripe_customer_id": customer.id, "value": value}, **more}
    )


@pytest.mark.parametrize(("formula", "quantity"), [("sum", "60.5"), ("count", "3"), ("last", "20.5")])
def test_usage_is_billed_by_the_meters_formula_at_period_end(dated_shop: Shop, formula: str, quantity: str) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    recurring = {"usage_type": "metered", "meter": meter(shop, formula).id}
    price = shop.price(None, interval="month", unit_amount_decimal="7", recurring=recurring)
    sub = shop.subscription(customer, price)
    assert (sub.status, shop.latest_invoice(sub).total) == ("active", 0)
    for value in ("10", "30", "20.5"):
        shop.sandbox.advance(days=1)
        report(shop, customer, value)
    shop.sandbox.advance(days=25)
    line = shop.latest_invoice(sub).lines.data[0]
    assert str(line.quantity_decimal) == quantity
    assert line.amount == {"60.5": 424, "3": 21, "20.5": 144}[quantity]
    assert (iso(line.period.start), iso(line.period.end)) == ("2027-01-31", "2027-02-28")
    shop.sandbox.advance(days=31)
    assert shop.latest_invoice(sub).total == 0


def test_graduated_tiers_price_each_unit_in_its_own_tier(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    price = shop.price(
        None,
        interval="month",
        recurring={"usage_type": "metered", "meter": meter(shop, "sum").id},
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=[
            {"up_to": 1_000_000, "unit_amount_decimal": "0.3"},
            {"up_to": "inf", "unit_amount_decimal": "0.22"},
        ],
    )
    sub = shop.subscription(customer, price)
    report(shop, customer, "1500000")
    shop.sandbox.advance(days=28)
    assert shop.latest_invoice(sub).total == 410_000


def test_packages_round_up(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    price = shop.price(
        50,
        interval="month",
        recurring={"usage_type": "metered", "meter": meter(shop, "sum").id},
        transform_quantity={"divide_by": 1000, "round": "up"},
    )
    sub = shop.subscription(customer, price)
    report(shop, customer, "2001")
    shop.sandbox.advance(days=28)
    assert shop.latest_invoice(sub).total == 150


def test_a_meter_event_counts_once_per_identifier(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer()
    counted = meter(shop, "sum")
    report(shop, customer, "5", identifier="e-1")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        report(shop, customer, "5", identifier="e-1")
    assert refusal.value.code == "duplicate_meter_event"
    now = int(shop.sandbox.now())
    summary = shop.v1.billing.meters.event_summaries.list(
        counted.id, {"customer": customer.id, "start_time": now, "end_time": now + 60}
    )
    assert summary.data[0].aggregated_value == 5


def test_meter_events_too_old_or_too_early_or_unknown_are_refused(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer()
    meter(shop, "sum")
    now = int(shop.sandbox.now())
    for timestamp in (now - 36 * 86400, now + 301):
        with pytest.raises(stripe.InvalidRequestError):
            report(shop, customer, "1", timestamp=timestamp)
    for timestamp in (now - 34 * 86400, now + 299):
        assert report(shop, customer, "1", timestamp=timestamp).timestamp == timestamp
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        shop.v1.billing.meter_events.create({"event_name": "other", "payload": {"stripe_customer_id": customer.id}})
    with pytest.raises(stripe.InvalidRequestError, match="number"):
        report(shop, customer, "many")


def test_the_last_usage_is_billed_when_it_is_cancelled(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    price = shop.price(10, interval="month", recurring={"usage_type": "metered", "meter": meter(shop, "sum").id})
    sub = shop.subscription(customer, price)
    report(shop, customer, "70")
    shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    shop.sandbox.advance(days=29)
    assert shop.reload(sub).status == "canceled"
    assert (shop.latest_invoice(sub).total, shop.latest_invoice(sub).status) == (700, "paid")

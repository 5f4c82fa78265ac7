"""Subscription schedules: a downgrade waits for the renewal, and a released schedule changes nothing."""

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop, iso


def test_a_scheduled_downgrade_takes_effect_at_renewal_without_proration(dated_shop: Shop) -> None:
    shop = dated_shop
    high, low = shop.price(2900, interval="month", name="Pro"), shop.price(900, interval="month", name="Basic")
    sub = shop.subscription(shop.customer("pm_card_visa"), (high, 2))
    schedule = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    assert shop.reload(sub).schedule == schedule.id
    phase = schedule.phases[0]
    first = {"items": [{"price": high.id, "quantity": 2}], "start_date": phase.start_date, "end_date": phase.end_date}
    shop.v1.subscription_schedules.update(
        schedule.id, {"end_behavior": "release", "phases": [first, {"items": [{"price": low.id, "quantity": 1}]}]}
    )
    shop.sandbox.advance(days=10)
    assert shop.reload(sub)["items"].data[0].price.id == high.id
    shop.sandbox.advance(days=18)
    now = shop.reload(sub)
    assert [(item.price.id, item.quantity) for item in now["items"].data] == [(low.id, 1)]
    invoice = shop.latest_invoice(sub)
    assert [(line.amount, line.parent.subscription_item_details.proration) for line in invoice.lines.data] == [
        (900, False)
    ]
    shop.sandbox.advance(days=31)
    assert shop.reload(sub).schedule is None
    assert shop.reload(schedule).status == "released"
    assert (shop.reload(sub).status, shop.latest_invoice(sub).total) == ("active", 900)


def test_a_year_becomes_a_month_at_renewal(dated_shop: Shop) -> None:
    shop = dated_shop
    year, month = shop.price(29000, interval="year"), shop.price(2900, interval="month")
    sub = shop.subscription(shop.customer("pm_card_visa"), year)
    schedule = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    phase = schedule.phases[0]
    first = {"items": [{"price": year.id}], "start_date": phase.start_date, "end_date": phase.end_date}
    shop.v1.subscription_schedules.update(schedule.id, {"phases": [first, {"items": [{"price": month.id}]}]})
    shop.sandbox.advance("2028-01-31T12:00:00+00:00")
    item = shop.reload(sub)["items"].data[0]
    assert (item.price.id, iso(item.current_period_end)) == (month.id, "2028-02-29")
    assert shop.latest_invoice(sub).total == 2900


def test_a_released_schedule_changes_nothing(dated_shop: Shop) -> None:
    shop = dated_shop
    price = shop.price(2900, interval="month")
    sub = shop.subscription(shop.customer("pm_card_visa"), price)
    schedule = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    released = shop.v1.subscription_schedules.release(schedule.id)
    assert (released.status, released.released_subscription, released.subscription) == ("released", sub.id, None)
    shop.sandbox.advance(days=40)
    assert (shop.reload(sub).status, shop.reload(sub)["items"].data[0].price.id) == ("active", price.id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscription_schedules.release(schedule.id)


def test_a_second_schedule_is_refused(shop: Shop) -> None:
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        shop.v1.subscription_schedules.create({"from_subscription": sub.id})

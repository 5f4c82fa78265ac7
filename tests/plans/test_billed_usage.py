"""Postpaid usage: running totals to Stripe's meter, invoices that charge them, and corrections, once."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from plans import hooks
from plans.models import BilledUsage, InvoiceCorrection, Meter, MeterReading
from plans.services import billed_usage
from plans.services.plan_changes import change_plan

pytestmark = pytest.mark.django_db


def report(stage, quantity: str, amount: int, *, window=None) -> BilledUsage:
    window = window or stage.terms.window
    with stage.commit():
        return billed_usage.store_billed_total(
            organization=stage.organization,
            meter=Meter.objects.get(code="sessions"),
            window_start=window.start,
            window_end=window.end,
            quantity=D(quantity),
            amount=amount,
            currency="usd",
            now=stage.now,
        )


def at_meter(stage, window) -> float:
    """What Stripe's meter has counted in a window."""
    stripe = stage.sandbox.client.v1.billing.meters
    found = stripe.event_summaries.list(
        stripe.list().data[0].id,
        {
            "customer": stage.customer,
            "start_time": int(window.start.timestamp()),
            "end_time": int(window.end.timestamp()),
        },
    )
    return found.data[0].aggregated_value


def renew(stage) -> None:
    stage.travel(to=stage.terms.window.end)
    stage.deliver()


def totals(stage) -> list[int]:
    return [invoice.total for invoice in stage.invoices()]


def test_the_meter_shows_the_last_total_and_the_invoice_charges_it(stage) -> None:
    stage.begin("payg")
    window = stage.terms.window
    for quantity in (4, 9, 10):
        stage.travel(hours=6)
        report(stage, str(quantity), quantity * 10)
    assert at_meter(stage, window) == 10
    renew(stage)
    assert totals(stage) == [0, 100]
    usage = BilledUsage.objects.get()
    assert (usage.invoiced_amount, usage.outstanding) == (100, 0)
    assert not InvoiceCorrection.objects.exists()


def test_the_same_total_again_is_not_sent_again(stage) -> None:
    stage.begin("payg")
    for _ in range(3):
        report(stage, "10", 100)
        billed_usage.deliver(now=stage.now)
    assert MeterReading.objects.count() == 1


def test_a_total_that_falls_is_what_counts(stage) -> None:
    stage.begin("payg")
    report(stage, "10", 100)
    report(stage, "7", 70)
    renew(stage)
    assert totals(stage) == [0, 70]


def test_what_was_not_acknowledged_is_sent_again_and_counts_once(stage) -> None:
    stage.begin("payg")
    stage.sandbox.fault("lost", path="/v1/billing/meter_events")
    report(stage, "10", 100)
    reading = MeterReading.objects.get()
    assert (reading.delivered_at, reading.attempts) == (None, 1)
    stage.travel(minutes=10)
    assert billed_usage.deliver(now=stage.now) == 1
    assert billed_usage.deliver(now=stage.now) == 0
    renew(stage)
    assert totals(stage) == [0, 100]


def test_while_stripe_is_down_only_the_newest_total_waits(stage) -> None:
    stage.begin("payg")
    stage.sandbox.fault("down", path="/v1/billing/meter_events", times=2)
    report(stage, "4", 40)
    report(stage, "9", 90)
    assert MeterReading.objects.filter(abandoned_at=None, delivered_at=None).count() == 1
    stage.travel(minutes=10)
    billed_usage.deliver(now=stage.now)
    renew(stage)
    assert totals(stage) == [0, 90]


def test_each_failure_waits_twice_as_long_as_the_one_before_and_at_most_six_hours(stage) -> None:
    stage.begin("payg")
    stage.sandbox.fault("down", path="/v1/billing/meter_events", times=9)
    began = stage.now
    report(stage, "4", 40)
    waits = []
    for _ in range(9):
        reading = MeterReading.objects.get()
        assert (reading.delivered_at, bool(reading.last_error)) == (None, True)
        waits.append((reading.next_attempt_at - began).total_seconds() / 60)
        began = reading.next_attempt_at
        assert billed_usage.deliver(now=began - timedelta(microseconds=1)) == 0
        billed_usage.deliver(now=began)
    assert waits == [4, 8, 16, 32, 64, 128, 256, 360, 360]
    reading.refresh_from_db()
    assert (reading.attempts, reading.delivered_at, reading.last_error) == (10, began, "")


def test_a_correction_after_the_invoice_goes_on_the_next_one_once(stage) -> None:
    stage.begin("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    renew(stage)
    for _ in range(2):
        report(stage, "12", 120, window=window)
    report(stage, "11", 110, window=window)
    assert list(InvoiceCorrection.objects.order_by("id").values_list("amount", flat=True)) == [20, -10]
    at_stripe = stage.sandbox.client.v1.invoice_items
    for correction in InvoiceCorrection.objects.all():
        item = at_stripe.retrieve(correction.stripe_item_id)
        assert (item.amount, item.metadata["correction"]) == (correction.amount, correction.key)
        assert item.parent.subscription_details.subscription == stage.base.stripe_id
    renew(stage)
    assert totals(stage) == [0, 100, 10]
    assert BilledUsage.objects.get().outstanding == 0


def test_a_change_of_price_in_mid_window_charges_each_part_at_its_own(stage) -> None:
    """Ten at $0.10 on pay-as-you-go, then on Pro four more at $0.07: Stripe's price alone would not know."""
    stage.begin("payg")
    report(stage, "10", 100)
    stage.travel(days=10)
    with stage.commit():
        change_plan(organization=stage.organization, selection=stage.select("pro"), now=stage.now)
    stage.deliver()
    report(stage, "14", 128)
    renew(stage)
    renew(stage)
    usage = BilledUsage.objects.order_by("window_start").first()
    assert (usage.amount, usage.outstanding) == (128, 0)
    metered_lines = sum(usage.invoiced_lines.values()) + sum(InvoiceCorrection.objects.values_list("amount", flat=True))
    assert metered_lines == 128
    plans = [line.amount for invoice in stage.invoices() for line in invoice.lines if not line.is_proration]
    assert sum(plans) == 2900 + 2900 + 128


def test_under_an_annual_plan_usage_is_billed_by_the_month(stage) -> None:
    stage.begin("pro", "year")
    report(stage, "50", 350)
    renew(stage)
    companions = [invoice.total for invoice in stage.invoices() if invoice.subscription == stage.companion.stripe_id]
    assert companions[-1] == 350
    assert stage.base.interval == "year"


def test_the_companions_months_are_the_windows(stage) -> None:
    stage.begin("pro", "year")
    for _ in range(13):
        assert stage.companion.current_period_end == stage.terms.window.end
        renew(stage)


def test_the_window_is_settled_before_its_invoice_closes(stage, monkeypatch) -> None:
    """As at Stripe: the invoice is a draft for an hour, and what is reported meanwhile is on it."""
    stage.sandbox.settings(finalize_at_once=False)
    stage.subscribe("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    asked = []

    def settle(*, organization, now):
        asked.append((organization, now))
        report(stage, "13", 130, window=window)

    monkeypatch.setattr(hooks, "_window_closing", [settle])
    renew(stage)
    assert asked == [(stage.organization, stage.now)]
    assert stage.now >= window.end
    stage.travel(hours=2)
    stage.deliver()
    assert totals(stage) == [0, 130]
    assert not InvoiceCorrection.objects.exists()


def test_what_no_invoice_came_for_goes_on_the_next(stage) -> None:
    """Billed on a plan that was left in mid-window for one that bills nothing: no line will charge it."""
    stage.begin("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    with stage.commit():
        change_plan(organization=stage.organization, selection=stage.select("team", "month", 5), now=stage.now)
    stage.deliver()
    stage.travel(to=window.end + timedelta(days=4))
    stage.deliver()
    billed_usage.deliver(now=stage.now)
    usage = BilledUsage.objects.get()
    assert (usage.invoiced_amount + usage.corrected_amount, usage.outstanding) == (100, 0)
    renew(stage)
    lines = [line.amount for invoice in stage.invoices() for line in invoice.lines if line.invoice_item]
    assert 100 in lines


def void_the_renewal(stage) -> None:
    """As staff do at Stripe, with an invoice that the customer's card could not pay."""
    stage.use_card("pm_card_chargeCustomerFail")
    renew(stage)
    stage.sandbox.client.v1.invoices.void_invoice(stage.invoices()[-1].id)
    stage.deliver()


def test_what_a_voided_invoice_charged_is_not_billed_again(stage) -> None:
    stage.begin("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    void_the_renewal(stage)
    usage = BilledUsage.objects.get()
    assert (usage.invoiced_amount, usage.forgiven_amount, usage.outstanding) == (0, 100, 0)
    stage.use_card("pm_card_visa")
    report(stage, "12", 120, window=window)
    assert InvoiceCorrection.objects.get().amount == 20
    renew(stage)
    assert totals(stage) == [0, 100, 20]


def test_what_a_voided_invoice_charged_is_not_given_back(stage) -> None:
    """Nobody paid it: a total that falls afterwards is no money in the customer's favour."""
    stage.begin("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    void_the_renewal(stage)
    report(stage, "7", 70, window=window)
    assert not InvoiceCorrection.objects.exists()
    report(stage, "10", 100, window=window)
    assert not InvoiceCorrection.objects.exists()


def test_what_was_given_back_is_taken_again_when_the_invoice_is_voided(stage) -> None:
    stage.begin("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    stage.use_card("pm_card_chargeCustomerFail")
    renew(stage)
    report(stage, "7", 70, window=window)
    stage.sandbox.client.v1.invoices.void_invoice(stage.invoices()[-1].id)
    stage.deliver()
    assert list(InvoiceCorrection.objects.order_by("id").values_list("amount", flat=True)) == [-30, 30]


def test_every_event_three_times_bills_once(stage) -> None:
    stage.sandbox.set_delivery(repeat=3, shuffle=True, seed=3)
    stage.subscribe("payg")
    window = stage.terms.window
    report(stage, "10", 100)
    renew(stage)
    report(stage, "12", 120, window=window)
    stage.sandbox.redeliver()
    stage.deliver()
    renew(stage)
    assert totals(stage) == [0, 100, 20]

"""Postpaid usage: a window's running totals on their way to Stripe's meter and invoice, and what corrects the invoice.

The way of what a window bills, with who calls each step:

1. `store_billed_total`, called by settlement (`usage/services/settlement_rows.py`), stores the totals in `BilledUsage`
   and queues a `MeterReading` of the quantity.
2. `deliver`, called after the commit that queued something, and each minute by beat, sends what waits. Stripe's meter
   shows the window's last reading (formula `last`), and Stripe's own price makes money of it.
3. `close_window`, called once Stripe has drafted an invoice (`services/invoices.py: sync_invoice`, in a task), settles
   once more and delivers, so that all of the window is on that invoice.
4. `record_invoice`, called for the same invoice in every later status, stores what its lines charge. A window for which
   no invoice comes is closed by `deliver`, three days after its end.
5. Where that is not what is owed (the terms changed in mid-window, or usage changed after the invoice was closed),
   `_correct` queues an `InvoiceCorrection`, which `deliver` makes an item of the next invoice, once.

A window is one invoice period: both are months on the subscription's anchor, and so are the periods of the companion,
which bills the usage of an annual plan. Only a plan that is left in mid-window is invoiced for a part of one; so a line
belongs to the window around the middle of its period, whose edges need not be the window's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from accounts.models import Organization
from core.background import after_commit
from core.errors import PortalError, Unavailable
from core.locks import for_update
from core.quantities import as_text
from payments.gateway import invoices as stripe_invoices
from payments.gateway import meters as stripe_meters
from payments.services import customers
from payments.stripe_objects import StripeInvoice, StripeInvoiceLine
from plans import hooks
from plans.models import BilledUsage, InvoiceCorrection, Meter, MeterReading, Subscription
from plans.services.selections import price_key_of

# How long after a window we wait for its invoice before what it owes is put on another: Stripe keeps drafts at most so
# long.
INVOICE_EXPECTED_WITHIN = timedelta(days=3)
CLAIM = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=6)
SECOND = timedelta(seconds=1)

Row = MeterReading | InvoiceCorrection


@transaction.atomic
def store_billed_total(
    *,
    organization: Organization,
    meter: Meter,
    window_start: datetime,
    window_end: datetime,
    quantity: Decimal,
    amount: int,
    currency: str,
    now: datetime,
) -> BilledUsage:
    """Store what a window bills of a meter so far, and queue it for Stripe's meter.

    Both are running totals of the whole window: `quantity` in the meter's unit, `amount` in minor units of `currency`,
    priced by the terms under which each part was used. The same totals again do nothing.
    """
    usage, _ = for_update(BilledUsage.objects.all()).get_or_create(
        organization=organization,
        meter=meter,
        window_start=window_start,
        defaults={"window_end": window_end, "currency": currency},
    )
    is_new_quantity = usage.quantity != quantity
    usage.quantity, usage.amount = quantity, amount
    usage.window_end, usage.currency = window_end, currency
    usage.save()
    if usage.closed_at is not None:
        _correct(usage, now)
    elif is_new_quantity:
        _queue_reading(usage, now)
    return usage


def close_window(*, invoice: str, now: datetime) -> None:
    """An invoice with usage is still a draft: settle the organization, and deliver, so that all of it is on this
    invoice. Called with no transaction open, since it calls Stripe.

    Stripe keeps a draft open for an hour, and takes the meter's last total when it closes it.
    https://docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period
    """
    view = StripeInvoice.of(stripe_invoices.retrieve(invoice=invoice))
    organization = customers.organization_of(stripe_id=view.customer or "")
    if organization is None or view.status != "draft" or not _metered_lines(view):
        return
    hooks.window_closing(organization=organization, now=now)  # usage/services/settlement.py: settle_organization
    _deliver_rows(MeterReading.objects.waiting(at=now).filter(usage__organization=organization), now)


@transaction.atomic
def record_invoice(*, view: StripeInvoice, organization: Organization, now: datetime) -> list[BilledUsage]:
    """An invoice is no draft any more: store what its lines charge for usage, and correct the difference to what is
    owed. Called for every status from `open` on, and again whenever it changes.

    The lines of a void invoice are forgiven, not billed again: who voids it at Stripe means that nobody pays for them.
    One that is uncollectible is still owed, so its lines count as charged.
    """
    recorded = []
    for line, meter in _metered_lines(view):
        middle = line.period_start + (line.period_end - line.period_start) / 2
        windows = BilledUsage.objects.filter(
            organization=organization, meter__code=meter, window_start__lte=middle, window_end__gt=middle
        )
        usage = for_update(BilledUsage.objects.filter(pk__in=windows.values("pk")[:1])).first()
        if usage is None:
            continue
        usage.invoiced_lines.pop(line.id, None)
        lines = usage.forgiven_lines if view.status == "void" else usage.invoiced_lines
        lines[line.id] = line.amount
        # A plan changed in mid-window invoices what was used so far; the window itself is still open.
        if line.period_end >= usage.window_end or now >= usage.window_end:
            usage.closed_at = usage.closed_at or now
        usage.save()
        if usage.closed_at is not None:
            _correct(usage, now)
        recorded.append(usage)
    return recorded


def close_overdue(*, now: datetime) -> list[BilledUsage]:
    """Windows whose invoice never came (the plan changed or ended): what they owe goes on the next invoice."""
    overdue = BilledUsage.objects.filter(
        closed_at=None, window_end__lte=now - INVOICE_EXPECTED_WITHIN, amount__gt=0
    ).values_list("pk", flat=True)
    return [_close(pk, now) for pk in list(overdue)]


def deliver(*, now: datetime) -> int:
    """Send what is waiting; returns how many were acknowledged. What fails waits, longer each time."""
    close_overdue(now=now)
    return _deliver_rows(MeterReading.objects.waiting(at=now), now) + _deliver_rows(
        InvoiceCorrection.objects.waiting(at=now), now
    )


@transaction.atomic
def _close(pk: int, now: datetime) -> BilledUsage:
    usage = for_update(BilledUsage.objects.filter(pk=pk)).get()
    usage.closed_at = usage.closed_at or now
    usage.save(update_fields=["closed_at"])
    _correct(usage, now)
    return usage


def _queue_reading(usage: BilledUsage, now: datetime) -> None:
    """A newer total makes those not yet sent needless.

    Each is dated at least a second after the one before, but inside the window: once that is over, all bear its last
    second, and the one that comes last counts.
    """
    MeterReading.objects.filter(usage=usage, delivered_at=None, abandoned_at=None).update(abandoned_at=now)
    number = usage.meterreadings.count() + 1
    last = usage.meterreadings.order_by("-id").first()
    read_at = max(now, usage.window_start, last.read_at + SECOND if last else now)
    MeterReading.objects.create(
        usage=usage,
        identifier=f"usage-{usage.pk}-{number}",
        quantity=usage.quantity,
        read_at=min(read_at, usage.window_end - SECOND),
        next_attempt_at=now,
        created_at=now,
    )
    after_commit("plans.tasks.deliver_billed_usage")


def _correct(usage: BilledUsage, now: datetime) -> None:
    due = usage.outstanding
    if not due:
        return
    number = usage.invoicecorrections.count() + 1
    window = f"{usage.window_start:%-d %b %Y} to {usage.window_end:%-d %b %Y} UTC"
    InvoiceCorrection.objects.create(
        usage=usage,
        key=f"correction:{usage.pk}:{number}",
        amount=due,
        description=f"{usage.meter.name}, correction for {window}: {as_text(usage.quantity)} in all",
        next_attempt_at=now,
        created_at=now,
    )
    usage.corrected_amount = F("corrected_amount") + due
    usage.save(update_fields=["corrected_amount"])
    usage.refresh_from_db()
    after_commit("plans.tasks.deliver_billed_usage")


def _deliver_rows(rows: Iterable[Row], now: datetime) -> int:
    return sum(_deliver(row, now) for row in list(rows))


def _deliver(row: Row, now: datetime) -> bool:
    """Claim the row, send it, mark it. If the worker dies in between, the claim lapses and the row is sent again, with
    the same idempotency key.
    """
    waiting = type(row).objects.waiting(at=now).filter(pk=row.pk)
    if not waiting.update(next_attempt_at=now + CLAIM, attempts=F("attempts") + 1):
        return False
    row.refresh_from_db()
    mine = type(row).objects.filter(pk=row.pk)
    try:
        item = _send(row)
    except PortalError as problem:
        wait = min(CLAIM * 2**row.attempts, LONGEST_WAIT)
        mine.update(next_attempt_at=now + wait, last_error=problem.message[:500])
        if not isinstance(problem, Unavailable) and _is_already_there(problem):
            mine.update(delivered_at=now)
            return True
        return False
    mine.update(delivered_at=now, last_error="")
    if isinstance(row, InvoiceCorrection):
        InvoiceCorrection.objects.filter(pk=row.pk).update(stripe_item_id=item["id"])
    return True


def _send(row: Row) -> dict[str, str]:
    usage = row.usage
    customer = customers.ensure_customer(organization=usage.organization)
    if isinstance(row, MeterReading):
        return stripe_meters.report(
            event_name=usage.meter.code,
            customer=customer,
            value=row.quantity,
            identifier=row.identifier,
            at=row.read_at,
        )
    carrier = Subscription.objects.live().filter(organization=usage.organization, items__meter_code=usage.meter.code)
    on = carrier.first() or Subscription.objects.base_of(usage.organization)
    return stripe_invoices.create_item(
        customer=customer,
        amount=row.amount,
        currency=usage.currency,
        description=row.description,
        metadata={"organization": usage.organization.public_id, "meter": usage.meter.code, "correction": row.key},
        subscription=on.stripe_id if on else None,
        idempotency_key=row.key,
    )


def _is_already_there(problem: PortalError) -> bool:
    """An earlier try got through and its answer was lost: Stripe knows the identifier."""
    return problem.details.get("stripe_code") == "duplicate_meter_event"


def _metered_lines(view: StripeInvoice) -> list[tuple[StripeInvoiceLine, str]]:
    """The lines that charge for usage, with their meter's code; corrections are no such lines."""
    return [
        (line, key.meter)
        for line in view.lines
        if line.price and not line.invoice_item and (key := price_key_of(line.price)) and key.meter
    ]

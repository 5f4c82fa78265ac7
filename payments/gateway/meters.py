"""Reporting metered usage. https://docs.stripe.com/api/billing/meter-event"""

from datetime import datetime
from decimal import Decimal

from payments.gateway.client import read_all, write
from payments.stripe_objects.fields import StripeObject


def report(*, event_name: str, customer: str, value: Decimal, identifier: str, at: datetime) -> StripeObject:
    """Send one reading. `identifier` (≤100 characters) makes it unique at Stripe for at least 24 hours; it is the
    idempotency key as well. `at` may lie at most 35 days back and 5 minutes ahead.
    """
    return write(
        "billing.meter_events.create",
        idempotency_key=f"meter-event:{identifier}",
        event_name=event_name,
        identifier=identifier,
        timestamp=int(at.timestamp()),
        payload={"stripe_customer_id": customer, "value": f"{value.normalize():f}"},
    )


def summaries(*, meter: str, customer: str, start: datetime, end: datetime) -> list[StripeObject]:
    """What Stripe has counted in a span of whole minutes."""
    return list(
        read_all(
            "billing.meters.event_summaries.list",
            meter,
            customer=customer,
            start_time=int(start.timestamp()),
            end_time=int(end.timestamp()),
        )
    )

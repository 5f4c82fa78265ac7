"""What payments itself does about Stripe's objects."""

from datetime import datetime
from typing import Any

from payments import customers
from payments.inbox import handles


@handles("customer.deleted")
def customer_deleted(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    if data.get("deleted"):
        customers.forget_deleted(stripe_id=data["id"])

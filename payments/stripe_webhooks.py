"""What payments itself does when an object at Stripe changes. How an event gets here: `payments/inbox/__init__.py`."""

from payments.inbox import ObjectChange, handles
from payments.services import customers


@handles("customer.deleted")
def customer_deleted(change: ObjectChange) -> None:
    if change.data.get("deleted"):
        customers.drop_deleted_customer(stripe_id=change.data["id"])

"""What payments itself does about Stripe's objects."""

from payments import customers
from payments.inbox import ObjectChange, handles


@handles("customer.deleted")
def customer_deleted(change: ObjectChange) -> None:
    if change.data.get("deleted"):
        customers.forget_deleted(stripe_id=change.data["id"])

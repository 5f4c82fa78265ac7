"""Which events Stripe is asked to send: those that a handler or dj-stripe's mirror has a use for."""

from fnmatch import fnmatchcase

from payments.inbox.handlers import patterns

# Everything in Stripe's life of a customer, a payment and a subscription. Named one by one, because an endpoint for "*"
# would be sent a great deal that nobody reads. https://docs.stripe.com/api/events/types
MIRRORED_EVENTS = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.upcoming",
    "invoice.voided",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
    "subscription_schedule.canceled",
    "subscription_schedule.completed",
    "subscription_schedule.created",
    "subscription_schedule.released",
    "subscription_schedule.updated",
)


def enabled_events() -> list[str]:
    """What the webhook endpoint is registered for: the types above, and those that a handler names in full."""
    exact = {pattern for pattern in patterns() if "*" not in pattern}
    return sorted(exact.union(MIRRORED_EVENTS))


def is_enabled(event_type: str) -> bool:
    """Whether anything here has a use for an event of this type."""
    return event_type in MIRRORED_EVENTS or any(fnmatchcase(event_type, pattern) for pattern in patterns())

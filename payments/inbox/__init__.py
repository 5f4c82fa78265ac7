"""The inbox: Stripe's events, each acted on once, in whatever order and however often they are delivered.

The way of an event, from Stripe's request to the service that acts on it:

1. `payments/api/views.py: StripeWebhookView` takes the request at `/api/v1/webhooks/stripe`.
2. `deliveries.receive` verifies the signature, stores a `StripeEvent` and queues `payments.tasks.process_stripe_event`.
3. The task calls `processing.process_event`, which reads the event's object fresh from Stripe, with no transaction open
   (`payments/gateway/objects.py`), and lets dj-stripe copy it.
4. It locks the object, runs every function that `@handles("invoice.*")` has registered for the event's type with one
   `handlers.ObjectChange`, and marks the event as done: all in one transaction. These functions are in the
   `stripe_webhooks.py` of payments, credits and plans, which their `apps.py` import; each picks the ids and calls a
   service of its app.

`retries` finds events that were forgotten or failed; `enabled_events` is the list that Stripe is asked to send.
`docs/adr/0002-the-inbox.md` says why it is built so.

Return pages and reconciliation need no event. Those of plans begin at step 3, with `handle_object`. Those of credits
read the object themselves and call the service that its handler calls (`follow_checkout`, `follow_refund`, …), which
locks the purchase and bears repeats and stale states.
"""

from payments.inbox.deliveries import receive
from payments.inbox.handlers import ObjectChange, handles
from payments.inbox.processing import handle_object, process_event
from payments.inbox.retries import ignore, process_due, replay

__all__ = ["ObjectChange", "handle_object", "handles", "ignore", "process_due", "process_event", "receive", "replay"]

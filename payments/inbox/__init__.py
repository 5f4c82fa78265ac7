"""The inbox: what Stripe tells us, each thing once, in any order, however often it is said.

`receiving` verifies a delivery and stores it; `processing` retrieves the object fresh, lets dj-stripe copy it, and runs
the handlers; `sweeping` finds what was forgotten. `docs/adr/0002-the-inbox.md` says why it is built this way.
"""

from payments.inbox.processing import handle_object, process_event
from payments.inbox.receiving import receive
from payments.inbox.registry import ObjectChange, handles
from payments.inbox.sweeping import ignore, process_due, replay

__all__ = ["ObjectChange", "handle_object", "handles", "ignore", "process_due", "process_event", "receive", "replay"]

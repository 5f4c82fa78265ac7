"""The events that credits publish; `announcements` holds their data.

A new email or webhook begins with a line here; its words are in `templates/notifications/emails/`.
"""

from notifications.event_types import EventType

EVENT_TYPES = [
    EventType(
        code="credits.granted",
        title="Credits added",
        description="Credits were bought, given, or redeemed from a gift card. A purchase's `resume` comes back here.",
    ),
    EventType(
        code="credits.low",
        title="Credits are running low",
        description="Less than a fifth is left of the last top-up, or less than your own threshold. Once per top-up.",
        email=True,
        optional=True,
    ),
    EventType(
        code="credits.exhausted",
        title="Credits are used up",
        description="Nothing is available any more. Once per top-up.",
        email=True,
        optional=True,
    ),
    EventType(
        code="credits.expiring",
        title="Credits will expire",
        description="Credits nobody has used expire in 30 days, and again in 7.",
        email=True,
        optional=True,
    ),
    EventType(
        code="gift_card.redeemed",
        title="Gift card redeemed",
        description="A gift card became credits of this organization.",
    ),
    EventType(
        code="refund.completed",
        title="Refund sent",
        description="Money of a purchase went back to the card it came from.",
        email=True,
    ),
    EventType(
        code="purchase.receipt",
        title="Receipt",
        description="What was bought and paid.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="purchase.failed",
        title="Payment failed",
        description="A payment that was under way came to nothing. Nothing was charged and nothing was granted.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="top_up.switched_off",
        title="Automatic top-up switched off",
        description="The saved card was declined, or the bank wants you to confirm. What to do next.",
        email=True,
        webhook=False,
    ),
]

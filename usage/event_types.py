"""The types of events that usage publishes.

A new email or webhook begins with a line here; its words are in `templates/notifications/emails/`.
"""

from notifications.event_types import EventType

EVENT_TYPES = [
    EventType(
        code="usage.threshold",
        title="Included usage is running out",
        description="50, 75, 90 or 100 % of a meter's included usage is used. Once per threshold and window.",
        email=True,
        optional=True,
    ),
    EventType(
        code="entitlement.blocked",
        title="Usage refused",
        description="A meter is exhausted: one more is refused until credits are added, the plan is changed or a new "
        "window begins.",
        email=True,
        optional=True,
    ),
    EventType(
        code="entitlement.restored",
        title="Usage allowed again",
        description="A meter that was exhausted can be used again.",
        email=True,
        optional=True,
    ),
    EventType(
        code="hold.expired",
        title="Hold expired",
        description="A hold was neither captured nor released by its deadline. What it had set aside is free again.",
    ),
]

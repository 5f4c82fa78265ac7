"""The event types of plans, for emails and webhooks.

A new email or webhook begins with a line here; its words are in `templates/notifications/emails/`.
"""

from notifications.event_types import EventType

EVENT_TYPES = (
    EventType(
        code="subscription.updated",
        title="Plan changed",
        description="Your plan, its interval, quantity, status or end has changed.",
    ),
    EventType(
        code="payment.failed",
        title="Payment failed",
        description="An invoice could not be collected. `attempt` counts the tries so far.",
    ),
    EventType(
        code="payment.reminder",
        title="Payment overdue",
        description="The second try to collect an invoice failed: please see to it.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="plan.downgraded",
        title="Plan set back",
        description="The third try to collect an invoice failed: what it pays for is off until you pay it.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="plan.restored",
        title="Plan restored",
        description="You paid an overdue invoice, and your plan is in force again.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="organization.suspended",
        title="Organization suspended",
        description="Your plan's invoice was unpaid for 14 days.",
        email=True,
    ),
    EventType(
        code="organization.restored",
        title="Organization restored",
        description="You paid what was owed: the suspension is over.",
        email=True,
    ),
    EventType(
        code="on_demand.refused",
        title="On-demand quantity refused",
        description="Your saved card did not pay for a quantity beyond your commitment.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="trial.ending",
        title="Trial ending",
        description="A reminder three days and one day before your trial becomes a paid plan.",
        email=True,
        webhook=False,
        optional=True,
    ),
)

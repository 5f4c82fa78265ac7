"""Reminders before a trial becomes a paid plan."""

from datetime import datetime, timedelta

from plans.announcements import announce_trial_end
from plans.models import Subscription

REMINDED_DAYS_BEFORE = (3, 1)


def remind(*, now: datetime) -> list[Subscription]:
    """Write to those whose trial ends within three days, and again within one; each once. Returns those that are due.

    One that is going to end with its trial costs nothing and is not reminded.
    """
    ending = Subscription.objects.filter(
        status=Subscription.Status.TRIALING,
        cancel_at=None,
        trial_end__gt=now,
        trial_end__lte=now + timedelta(days=max(REMINDED_DAYS_BEFORE)),
    ).select_related("organization", "plan")
    for subscription in ending:
        assert subscription.trial_end is not None
        left = subscription.trial_end - now
        days = min(days for days in REMINDED_DAYS_BEFORE if left <= timedelta(days=days))
        announce_trial_end(subscription=subscription, days=days, now=now)
    return list(ending)

"""When to try again."""

from datetime import datetime, timedelta

# Webhooks: 15 s, 45 s, 2 min 15 s, … three times longer each, 12 hours at most, and a last attempt three days after
# the first.
WEBHOOK_FIRST_DELAY = timedelta(seconds=15)
WEBHOOK_FACTOR = 3
WEBHOOK_LONGEST_DELAY = timedelta(hours=12)
WEBHOOK_RETRY_FOR = timedelta(days=3)
# Each delay is up to this share longer, so that a receiver that recovers is not met by everything at once.
JITTER = 0.1

EMAIL_DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=16),
)


def next_webhook_attempt(*, retry_from: datetime, attempts: int, failed_at: datetime, chance: float) -> datetime | None:
    """When to try again after `attempts` failures (one or more), or None to give up. `chance` (0 to 1) is jitter."""
    last = retry_from + WEBHOOK_RETRY_FOR
    if failed_at >= last:
        return None
    delay = min(WEBHOOK_FIRST_DELAY * WEBHOOK_FACTOR ** min(attempts - 1, 20), WEBHOOK_LONGEST_DELAY)
    return min(failed_at + delay * (1 + JITTER * chance), last)


def next_email_attempt(*, attempts: int, failed_at: datetime) -> datetime | None:
    """When to try again after `attempts` failures (one or more), or None to give up."""
    return failed_at + EMAIL_DELAYS[attempts - 1] if attempts <= len(EMAIL_DELAYS) else None

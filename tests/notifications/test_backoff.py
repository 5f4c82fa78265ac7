"""When a delivery that failed is tried again, to the second, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.engine.backoff import next_email_attempt, next_webhook_attempt

FIRST = datetime(2026, 6, 15, 12, tzinfo=UTC)
LAST = FIRST + timedelta(days=3)


def wait(attempts: int, *, chance: float = 0.0, failed_at: datetime = FIRST) -> float | None:
    """Seconds until the next attempt; None when there is none."""
    at = next_webhook_attempt(retry_from=FIRST, attempts=attempts, failed_at=failed_at, chance=chance)
    return None if at is None else (at - failed_at).total_seconds()


def test_each_wait_is_three_times_the_one_before_up_to_twelve_hours():
    expected = [15, 45, 135, 405, 1215, 3645, 10_935, 32_805, 43_200, 43_200]
    assert [wait(attempts) for attempts in range(1, 11)] == expected
    assert wait(10_000) == 43_200


def test_chance_makes_a_wait_up_to_a_tenth_longer():
    assert [wait(1, chance=chance) for chance in (0, 0.5, 1)] == [15, 15.75, 16.5]


@pytest.mark.parametrize(
    ("before_the_end", "seconds"),
    [(43_200, 43_200), (43_199, 43_199), (1, 1), (0.000001, 0.000001), (0, None), (-1, None)],
)
def test_the_last_attempt_comes_three_days_after_the_first(before_the_end, seconds):
    assert wait(20, failed_at=LAST - timedelta(seconds=before_the_end)) == seconds


def test_emails_are_tried_six_more_times_within_a_day_and_a_quarter():
    waits = [next_email_attempt(attempts=attempts, failed_at=FIRST) for attempts in range(1, 7)]
    assert [(at - FIRST).total_seconds() / 60 for at in waits] == [1, 5, 30, 120, 480, 960]
    assert next_email_attempt(attempts=7, failed_at=FIRST) is None

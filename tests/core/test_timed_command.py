"""A command that depends on time can be told the time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from core.timed_command import TimedCommand


class Clock(TimedCommand):
    def run(self, *, now, **options):
        self.ran_at = now


@pytest.mark.parametrize(
    "text", ["2026-06-15T12:00:00Z", "2026-06-15T14:00:00+02:00", "2026-06-15T12:00:00", "2026-06-15 12:00"]
)
def test_it_runs_as_of_the_time_that_is_given_and_reads_utc_where_no_zone_is(text):
    clock = Clock()
    call_command(clock, "--at", text)
    assert clock.ran_at == datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def test_it_runs_as_of_now_by_default():
    clock = Clock()
    call_command(clock)
    assert abs(datetime.now(tz=UTC) - clock.ran_at) < timedelta(minutes=1)


def test_what_is_no_time_is_refused_with_an_example():
    with pytest.raises(CommandError, match="2026-06-15T12:00:00Z"):
        call_command(Clock(), "--at", "yesterday")

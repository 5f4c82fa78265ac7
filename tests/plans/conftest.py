"""A catalogue to work with: free, pay-as-you-go, Pro by month and year, and Team with a commitment."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from payments.catalogue_file import load
from plans import hooks
from tests.plans.stage import Stage

CATALOGUE = """
[[units]]
code = "sessions"
name = "Session credits"

[[units]]
code = "usd"
name = "US dollar credits"
currency = "usd"
step = "0.01"
reserve_floor = "5"

[[meters]]
code = "sessions"
name = "Sessions"
aggregation = "count"
unit_name = "session"
billable = { statuses = ["success"], min_duration_ms = 5000 }
[[meters.credit_rates]]
unit = "sessions"
ladder = [{ price = "1" }]
[[meters.credit_rates]]
unit = "usd"
ladder = [{ up_to = "1000000", price = "0.003" }, { price = "0.0022" }]

[[meters]]
code = "instances"
name = "Instances"
aggregation = "latest"
unit_name = "instance"

[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "sessions"
included = "100"
beyond = "block"
concurrency = 5

[[plans]]
code = "payg"
name = "Pay as you go"
position = 1
prices = [{ interval = "month", amount = 0, currency = "usd" }]
[[plans.allowances]]
meter = "sessions"
included = "0"
beyond = "bill"
ladder = [{ price = "0.10" }]
cap = 20000

[[plans]]
code = "pro"
name = "Pro"
position = 2
features = ["Priority support (24 h)", "SLA 99.9 %"]
prices = [
    { interval = "month", amount = 2900, currency = "usd" },
    { interval = "year", amount = 29000, currency = "usd" },
]
[[plans.allowances]]
meter = "sessions"
included = "400"
beyond = "bill"
ladder = [{ price = "0.07" }]

[[plans]]
code = "team"
name = "Team"
position = 3
[[plans.allowances]]
meter = "sessions"
included = "unlimited"
[plans.commitment]
meter = "instances"
minimum = 5
bundle = 5
maximum = 100
beyond = "block"
prices = [
    { interval = "month", amount = 1500, currency = "usd" },
    { interval = "year", amount = 15000, currency = "usd" },
]
"""

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def load_catalogue(db) -> Callable[..., list[str]]:
    """`load_catalogue(text, now=…)`: what changed, in words."""

    def load_text(text: str, *, now: datetime = LONG_AGO) -> list[str]:
        return [str(outcome) for outcome in load(text=text, now=now) if outcome.verb != "unchanged"]

    return load_text


@pytest.fixture
def catalogue(load_catalogue, prepared) -> None:
    prepared("plans", "catalogue", make=lambda: load_catalogue(CATALOGUE))


@pytest.fixture
def nobody_above(monkeypatch) -> None:
    """Plans alone: what usage does about them is tested there."""
    for hook in ("_terms_changed", "_catalogue_changed", "_window_closing", "_usage_readers"):
        monkeypatch.setattr(hooks, hook, [])


@pytest.fixture
def stage(sandbox, acme, django_capture_on_commit_callbacks, nobody_above, prepared) -> Iterator[Stage]:
    """Acme, a catalogue that is on sale at the sandbox, and one clock for the portal and Stripe."""
    with Stage(sandbox, acme, django_capture_on_commit_callbacks, prepared=prepared, among="plans alone") as ready:
        ready.sell(CATALOGUE, since=LONG_AGO)
        yield ready

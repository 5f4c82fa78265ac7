"""Which events count: all conditions of the meter's rule hold, at their very edges too, and the event keeps why not."""

from decimal import Decimal

import pytest
import time_machine

from payments.catalogue_file import CatalogueRefused, load
from plans.engine.billable_rules import InvalidRule, PropertyBound
from plans.models import Meter
from tests.usage.conftest import LONG_AGO
from usage.models import UsageEvent

RULED = """
[[meters]]
code = "answers"
name = "Answers"
aggregation = "sum"
unit_name = "answer"
[meters.billable]
statuses = ["success", "partial"]
min_duration_ms = 100
max_latency_ms = 2000
properties = { score = { maximum = "0.5" }, tokens = { minimum = "10", maximum = "1000" } }
[[meters.credit_rates]]
unit = "usd"
ladder = [{ price = "1" }]

[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "answers"
included = "1"
beyond = "credits"
"""
GOOD = {"latency_ms": 2000, "score": "0.5", "tokens": 10}


@pytest.fixture(autouse=True)
def _noon(now):
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def answers(usage, api, service_key):
    """Reports one event of a meter with every kind of condition; returns what its record keeps."""
    load(text=RULED, now=LONG_AGO)

    def report(properties, *, status="success", duration_ms=100, quantity="1"):
        values = {"properties": properties, "status": status, "duration_ms": duration_ms, "quantity": quantity}
        event = usage.event("answers", **values)
        assert api(service_key).post("/events", event).json()["accepted"] == 1
        return UsageEvent.objects.get(event_id=event["id"])

    return report


@pytest.mark.parametrize(
    "properties",
    [
        GOOD,
        GOOD | {"latency_ms": 0, "score": -3, "tokens": 1000},
        GOOD | {"latency_ms": "1999.999999", "score": "0.499999", "tokens": "10.0"},
        GOOD | {"tokens": "1E+3", "anything else": None},
    ],
)
def test_what_meets_every_condition_counts(answers, usage, properties):
    event = answers(properties, quantity="2.5")
    assert (event.billable, event.not_billable, event.counted) == (True, "", Decimal("2.5"))
    assert usage.used("answers") == Decimal("2.5")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"latency_ms": 2001}, "latency_ms is 2001, more than 2000"),
        ({"latency_ms": "2000.000001"}, "latency_ms is 2000.000001, more than 2000"),
        ({"latency_ms": None}, "latency_ms is missing, more than 2000"),
        ({"latency_ms": "fast"}, "latency_ms is missing, more than 2000"),
        ({"tokens": 9}, "properties.tokens is 9, less than 10"),
        ({"tokens": "9.999999"}, "properties.tokens is 9.999999, less than 10"),
        ({"tokens": "1000.000001"}, "properties.tokens is 1000.000001, more than 1000"),
        ({"tokens": True}, "properties.tokens is missing or no number"),
        ({"tokens": "NaN"}, "properties.tokens is missing or no number"),
        ({"tokens": "Infinity"}, "properties.tokens is missing or no number"),
        ({"tokens": "many"}, "properties.tokens is missing or no number"),
        ({"score": "0.500001"}, "properties.score is 0.500001, more than 0.5"),
        # The first that is missed, in the order of the rule, is the one that is kept.
        ({"score": 1, "tokens": 1}, "properties.score is 1, more than 0.5"),
        ({"latency_ms": 3000, "tokens": 1}, "latency_ms is 3000, more than 2000"),
    ],
)
def test_what_misses_a_condition_does_not_and_says_which(answers, usage, changed, why):
    event = answers(GOOD | changed, quantity="2.5")
    assert (event.billable, event.not_billable, event.counted) == (False, why, 0)
    usage.grant("usd", 5)
    usage.tally()
    assert (usage.used("answers"), usage.available("usd")) == (0, 5)


@pytest.mark.parametrize("name", ["latency_ms", "score", "tokens"])
def test_what_is_not_said_at_all_is_missed(answers, name):
    event = answers({key: value for key, value in GOOD.items() if key != name})
    assert not event.billable
    assert name in event.not_billable


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"status": "partial"}, ""),
        ({"status": "failed"}, "status is failed, which is not among partial, success"),
        ({"duration_ms": 99}, "duration_ms is 99, less than 100"),
        ({"duration_ms": None}, "duration_ms is missing, less than 100"),
    ],
)
def test_status_and_duration_come_first(answers, values, why):
    assert answers(GOOD if not why else {}, **values).not_billable == why


def test_only_what_counts_is_paid(answers, usage):
    usage.grant("usd", 10)
    for tokens, quantity in ((10, "3"), (9, "100"), (1000, "0.25"), (1001, "100")):
        answers(GOOD | {"tokens": tokens}, quantity=quantity)
    usage.tally()
    assert usage.available("usd") == Decimal("7.75")
    assert usage.paid("answers") == (Decimal("2.25"), Decimal("2.25"), 0, 0)


def test_of_a_captured_job_only_outcome_and_duration_are_asked(answers, usage, api, acme_key):
    client = api(acme_key)
    usage.grant("usd", 10)
    for duration_ms, counted in ((100, "2"), (99, "0")):
        asked = {"organization": usage.organization.public_id, "meter": "answers", "quantity": "2"}
        hold = client.post("/holds", asked | {"reference": f"job-{duration_ms}"}).json()
        done = client.post(f"/holds/{hold['id']}/capture", {"duration_ms": duration_ms}).json()
        assert done["captured"] == counted
    assert (usage.used("answers"), usage.available("usd")) == (2, 9)


@pytest.mark.parametrize(
    ("bounds", "problem"),
    [
        ("12", "Property bounds are a table of properties with a minimum, a maximum, or both."),
        ({"n": {}}, "The bound of 'n' takes a minimum, a maximum, or both."),
        ({"n": 5}, "The bound of 'n' takes a minimum, a maximum, or both."),
        ({"n": {"minimum": "1", "most": "2"}}, "The bound of 'n' takes a minimum, a maximum, or both."),
        ({"n": {"minimum": "2", "maximum": "1.999999"}}, "The minimum of 'n' is above its maximum."),
        ({"n": {"minimum": "few"}}, "The minimum of 'n' must be a decimal number."),
        ({"n": {"maximum": 1.5}}, "The maximum of 'n' must be a decimal number, written as a string."),
        ({"n": {"maximum": True}}, "The maximum of 'n' must be a decimal number, written as a string."),
        ({"n": {"maximum": "NaN"}}, "The maximum of 'n' must be a finite number."),
    ],
)
def test_bounds_that_cannot_be_are_refused_by_name(bounds, problem):
    with pytest.raises(InvalidRule) as refused:
        PropertyBound.parse_all(bounds)
    assert str(refused.value) == problem


def test_bounds_are_read_in_the_order_of_their_names():
    read = PropertyBound.parse_all({"b": {"minimum": "2", "maximum": 2}, "a": {"maximum": "-1.5"}})
    assert read == (PropertyBound("a", None, Decimal("-1.5")), PropertyBound("b", Decimal(2), Decimal(2)))


def test_a_catalogue_with_such_bounds_changes_nothing(usage):
    with pytest.raises(CatalogueRefused) as refused:
        load(text=RULED.replace('minimum = "10"', 'minimum = "1001"'), now=LONG_AGO)
    assert "The minimum of 'tokens' is above its maximum." in "\n".join(refused.value.problems)
    assert not Meter.objects.filter(code="answers").exists()

"""What a product reports, checked: what is taken, exactly how, and what is refused in which words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from plans.engine.billable_rules import BillableRule
from usage.engine.event_validation import EventMeter, EventRejected, read_quantity, validate_event

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
RULE = BillableRule(frozenset({"success"}), 100, None, ())
METERS = {
    aggregation: EventMeter(number, aggregation, aggregation, RULE)
    for number, aggregation in enumerate(["sum", "count", "unique", "latest"], 1)
}
GOOD = {"id": "e1", "organization": "org_1", "meter": "sum", "duration_ms": 100}


def read(**changes):
    raw = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return validate_event(raw, organizations={"org_1": 7}, meters=METERS, now=NOW)


def refusal(**changes):
    with pytest.raises(EventRejected) as refused:
        read(**changes)
    assert str(refused.value) == refused.value.message
    return refused.value.code, refused.value.message


def test_what_an_event_leaves_out():
    event = read()
    assert event._asdict() == {
        "organization_id": 7,
        "event_id": "e1",
        "meter": METERS["sum"],
        "event_at": NOW,
        "is_timed": False,
        "quantity": 1,
        "status": "success",
        "duration_ms": 100,
        "subject": "",
        "properties": "{}",
        "not_billable": "",
        "counted": 1,
    }


def test_what_an_event_says():
    said = {"timestamp": "2026-06-15T13:59:59+02:00", "quantity": "2.50", "subject": "s", "duration_ms": 2**63 - 1}
    event = read(
        **said, status="success", properties={"a": D("1.10"), "b": True, "c": None, "d": 'x"', "e": 0, "f": False}
    )
    assert (event.event_at, event.is_timed) == (NOW - timedelta(seconds=1), True)
    assert (event.quantity, event.counted, event.subject, event.duration_ms) == (D("2.5"), D("2.5"), "s", 2**63 - 1)
    assert event.properties == '{"a":1.10,"b":true,"c":null,"d":"x\\"","e":0,"f":false}'


@pytest.mark.parametrize(("meter", "counted"), [("sum", 5), ("count", 1), ("unique", 1), ("latest", 5)])
def test_what_it_adds_to_its_meter(meter, counted):
    assert read(meter=meter, quantity=5, subject="s").counted == counted
    failed = read(meter=meter, quantity=5, subject="s", status="failed")
    assert (failed.quantity, failed.counted) == (5, 0)
    assert failed.not_billable == "status is failed, which is not among success"


def test_only_what_counts_different_ones_needs_a_subject():
    words = "Events of 'unique' need a subject: it counts different ones."
    assert refusal(meter="unique") == ("missing_subject", words)
    assert read(meter="latest").subject == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"b": 1, "a": 1}, "Unknown field: a."),
        ({"id": ...}, "id must be a text of 1 to 255 characters."),
        ({"id": ""}, "id must be a text of 1 to 255 characters."),
        ({"id": "x" * 256}, "id must be a text of 1 to 255 characters."),
        ({"id": 5}, "id must be a text of 1 to 255 characters."),
        ({"status": "x" * 41}, "status must be a text of 1 to 40 characters."),
        ({"status": None}, "status must be a text of 1 to 40 characters."),
        ({"subject": ""}, "subject must be a text of 1 to 255 characters."),
        ({"organization": ["org_1"]}, "organization must be a text of 1 to 255 characters."),
        ({"meter": ...}, "meter must be a text of 1 to 255 characters."),
        ({"duration_ms": -1}, "duration_ms must be a whole number of milliseconds, zero or more."),
        ({"duration_ms": 2**63}, "duration_ms must be a whole number of milliseconds, zero or more."),
        ({"duration_ms": True}, "duration_ms must be a whole number of milliseconds, zero or more."),
        ({"duration_ms": D("1.5")}, "duration_ms must be a whole number of milliseconds, zero or more."),
        ({"timestamp": "yesterday"}, "timestamp must be an ISO 8601 time such as 2026-06-15T12:00:00Z."),
        ({"timestamp": 5}, "timestamp must be an ISO 8601 time such as 2026-06-15T12:00:00Z."),
        ({"timestamp": "2026-06-15T12:00:00"}, "timestamp must carry a time zone, such as 2026-06-15T12:00:00Z."),
        ({"properties": []}, "properties must be a flat object."),
        ({"properties": ["x"]}, "properties must be a flat object."),
        ({"properties": ""}, "properties must be a flat object."),
        ({"properties": {"a": {}}}, "properties must be a flat object: texts, numbers, booleans and null."),
    ],
)
def test_what_is_malformed_is_refused_in_one_sentence(changes, words):
    assert refusal(**changes) == ("invalid", words)


def test_what_is_no_object_at_all():
    with pytest.raises(EventRejected, match="An event must be an object"):
        validate_event("e1", organizations={}, meters={}, now=NOW)


@pytest.mark.parametrize(
    "changes", [{"id": "x" * 255}, {"status": "x" * 40}, {"subject": "x" * 255}, {"duration_ms": 0}]
)
def test_the_longest_and_least_that_is_taken(changes):
    [(name, value)] = changes.items()
    event = read(**changes)
    assert (event.event_id if name == "id" else getattr(event, name)) == value


@pytest.mark.parametrize("nothing", [None, {}, ...])
def test_no_properties(nothing):
    assert read(properties=nothing).properties == "{}"


@pytest.mark.parametrize(("letter", "most"), [("x", 16 * 1024 - 8), ("é", (16 * 1024 - 8) // 2)])
def test_properties_take_at_most_sixteen_kibibytes_as_they_are_sent(letter, most):
    assert len(read(properties={"k": letter * most}).properties.encode()) == 16 * 1024
    for more in (letter * most + "x", letter * (most + 1)):
        assert refusal(properties={"k": more}) == ("invalid", "properties must take at most 16 KiB.")


def test_an_unknown_organization_is_named_before_an_unknown_meter():
    nobody = "There is no organization with this id, or this key does not reach it."
    assert refusal(organization="org_2") == ("unknown_organization", nobody)
    assert refusal(organization="org_2", meter="parsecs") == ("unknown_organization", nobody)
    assert refusal(meter="parsecs") == ("unknown_meter", "There is no meter 'parsecs' in use.")


@pytest.mark.parametrize(
    ("ahead", "refused"),
    [
        (timedelta(minutes=5), None),
        (timedelta(minutes=5, microseconds=1), ("in_future", "timestamp lies more than 5 minutes ahead.")),
        (-timedelta(days=35), None),
        (-timedelta(days=35, microseconds=1), ("too_old", "timestamp lies more than 35 days back.")),
    ],
)
def test_how_late_and_how_early(ahead, refused):
    moment = NOW + ahead
    if refused is None:
        assert read(timestamp=moment.isoformat()).event_at == moment
    else:
        assert refusal(timestamp=moment.isoformat()) == refused


LARGEST = "99999999999999.999999"
RANGE = f"quantity must be a decimal number from 0 to {LARGEST}."
PLACES = "quantity may have at most six decimal places."


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (0, "0"),
        ("0.000001", "0.000001"),
        (LARGEST, LARGEST),
        (D("1.50"), "1.5"),
        ("1e3", "1000"),
        ("+2", "2"),
        ("1.0000000", "1"),
    ],
)
def test_quantities_that_are_taken(value, exact):
    assert read_quantity(value) == D(exact)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1, RANGE),
        ("-0.000001", RANGE),
        ("100000000000000", RANGE),
        ("NaN", RANGE),
        (True, RANGE),
        (1.5, RANGE),
        (None, RANGE),
        ("1_0", RANGE),
        (" 1", RANGE),
        ("\u0661", RANGE),
        ("0.0000001", PLACES),
        ("1e-9", PLACES),
        ("99999999999999.99999900000000000001", RANGE),
        ("9999999999999.00000000000000000001", PLACES),
    ],
)
def test_quantities_that_are_refused(value, words):
    with pytest.raises(EventRejected) as refused:
        read_quantity(value)
    assert (refused.value.code, refused.value.message) == ("invalid_quantity", words)

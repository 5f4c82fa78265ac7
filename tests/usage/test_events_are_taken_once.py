"""Ingest through the API: every event is accepted, a duplicate, or rejected by name."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from usage.models import UsageCounter, UsageEvent

pytestmark = pytest.mark.usefixtures("catalogue")
NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def post(api, service_key):
    def send(*events, **extra):
        answer = api(service_key).post("/events", {"events": list(events), **extra})
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return send


def rejected(answer):
    return [(refusal["index"], refusal["code"]) for refusal in answer["rejected"]]


def test_one_event_needs_no_list(api, service_key, usage):
    answer = api(service_key).post("/events", usage.event("calls"))
    assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert usage.used("calls") == 1


def test_the_same_event_again_is_a_duplicate(post, usage):
    event = usage.event("calls", quantity="2.5")
    post(event)
    assert post(event, event) == {"accepted": 0, "duplicates": 2, "rejected": []}
    assert usage.used("calls") == usage.ask("calls").snapshot.use.used == UsageEvent.objects.get().quantity


def test_an_event_without_a_time_is_known_again_later(post, usage):
    event = usage.event("calls")
    del event["timestamp"]
    post(event)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        assert post(event)["duplicates"] == 1


def test_the_same_id_with_other_content_is_refused_by_name(post, usage):
    event = usage.event("calls")
    post(event)
    for change in (
        {"quantity": "2"},
        {"meter": "sessions"},
        {"status": "failed"},
        {"timestamp": "2026-06-15T11:59:59Z"},
        {"properties": {"a": 1}},
    ):
        assert rejected(post(event | change)) == [(0, "id_conflict")]
    assert usage.used("calls") == 1


def test_within_one_batch_the_first_of_an_id_counts_and_the_others_are_named(post, usage):
    event = usage.event("calls", quantity="2", properties={"a": 1, "b": 2})
    alike = event | {"quantity": "2.0", "properties": {"b": 2, "a": 1}, "timestamp": "2026-06-15T14:00:00+02:00"}
    answer = post(event, event | {"quantity": "3"}, alike)
    assert (answer["accepted"], answer["duplicates"], rejected(answer)) == (1, 1, [(1, "id_conflict")])
    assert usage.used("calls") == 2


def test_refusals_come_in_the_order_of_the_batch(post, usage):
    taken, bad = usage.event("calls"), usage.event("parsecs")
    post(taken)
    answer = post(taken | {"quantity": "2"}, bad, taken | {"quantity": "3"})
    assert [index for index, _ in rejected(answer)] == [0, 1, 2]


def test_two_organizations_may_use_the_same_id(post, usage, usage_of, globex):
    event = usage.event("calls")
    assert post(event, event | {"organization": globex.public_id})["accepted"] == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"organization": "org_unknown"}, "unknown_organization"),
        ({"meter": "parsecs"}, "unknown_meter"),
        ({"quantity": "-1"}, "invalid_quantity"),
        ({"quantity": "1.0000001"}, "invalid_quantity"),
        ({"quantity": "100000000000000"}, "invalid_quantity"),
        ({"quantity": True}, "invalid_quantity"),
        ({"quantity": None}, "invalid_quantity"),
        ({"quantity": "NaN"}, "invalid_quantity"),
        ({"quantity": "1e-999"}, "invalid_quantity"),
        ({"timestamp": (NOON - timedelta(days=35, seconds=1)).isoformat()}, "too_old"),
        ({"timestamp": (NOON + timedelta(minutes=5, seconds=1)).isoformat()}, "in_future"),
        ({"timestamp": "9999-12-31T23:59:59-12:00"}, "in_future"),
        ({"timestamp": "0001-01-01T00:00:00+12:00"}, "too_old"),
        ({"timestamp": "2026-06-15T12:00:00"}, "invalid"),
        ({"timestamp": 17}, "invalid"),
        ({"meter": "mau"}, "missing_subject"),
        ({"colour": "red"}, "invalid"),
        ({"id": ""}, "invalid"),
        ({"id": "x" * 256}, "invalid"),
        ({"id": 7}, "invalid"),
        ({"status": ""}, "invalid"),
        ({"duration_ms": -1}, "invalid"),
        ({"duration_ms": 1.5}, "invalid"),
        ({"properties": []}, "invalid"),
        ({"properties": {"deep": {}}}, "invalid"),
        ({"properties": {"long": "x" * 16_384}}, "invalid"),
    ],
)
def test_a_bad_event_is_named_and_its_neighbours_count(post, usage, change, code):
    bad = usage.event("calls") | change
    answer = post(usage.event("calls"), bad, usage.event("calls"))
    assert answer["accepted"] == 2
    assert rejected(answer) == [(1, code)]
    assert answer["rejected"][0]["message"]
    assert usage.used("calls") == 2


def test_what_is_no_event_at_all_is_named_too(post, usage):
    assert rejected(post(usage.event("calls"), 17, "event", None)) == [(1, "invalid"), (2, "invalid"), (3, "invalid")]


def test_late_events_count_in_their_own_window(post, usage):
    may = usage.now - timedelta(days=30)
    post(usage.event("calls", at=may))
    assert usage.used("calls") == 0
    assert usage.used("calls", now=may) == 1


def test_either_side_of_midnight_at_the_edge_of_a_window(post, usage):
    edge = datetime(2026, 6, 1, tzinfo=UTC)
    post(
        usage.event("calls", at=edge - timedelta(microseconds=1)),
        usage.event("calls", at=edge, quantity=10),
        usage.event("calls", timestamp="2026-05-31T23:00:00-01:00", quantity=100),
    )
    assert usage.used("calls", now=edge - timedelta(seconds=1)) == 1
    assert usage.used("calls", now=edge) == 110
    assert set(UsageCounter.objects.values_list("day", flat=True)) == {edge.date(), (edge - timedelta(days=1)).date()}


def test_only_what_is_billable_counts_and_the_event_says_why(post, usage):
    post(
        usage.event("sessions"),
        usage.event("sessions", status="failed"),
        usage.event("sessions", duration_ms=4999),
        usage.event("sessions", duration_ms=None),
    )
    assert usage.used("sessions") == 1
    reasons = list(UsageEvent.objects.order_by("event_id").values_list("not_billable", flat=True))
    assert reasons[0] == ""
    assert "status is failed" in reasons[1]
    assert "4999" in reasons[2]
    assert "missing" in reasons[3]


def test_different_subjects_are_counted_once_per_window(post, usage):
    post(*(usage.event("mau", subject=name) for name in ("ann", "ben", "ann", "ann")))
    post(usage.event("mau", subject="ben"), usage.event("mau", subject="cleo", at=usage.now - timedelta(days=20)))
    assert usage.used("mau") == 2


def test_the_newest_reading_answers_by_time_then_id(post, usage):
    post(
        usage.event("storage", quantity=7, id="b"),
        usage.event("storage", quantity=9, at=usage.now - timedelta(hours=1)),
        usage.event("storage", quantity=3, id="a"),
    )
    assert usage.used("storage") == 7


def test_properties_keep_every_digit(post, usage):
    post(usage.event("calls", properties={"a": 1, "b": 'é\n"', "c": None, "d": True}))
    assert UsageEvent.objects.get().properties == {"a": 1, "b": 'é\n"', "c": None, "d": True}


@pytest.mark.parametrize("body", [[], 17, {"events": {}}, {"events": [], "more": 1}, {"events": [{}] * 1001}])
def test_a_body_that_is_no_batch_is_refused_whole(api, service_key, body):
    answer = api(service_key).post("/events", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"
    assert UsageEvent.objects.count() == 0


@pytest.mark.parametrize(
    "body", [b"{", b'{"events": [NaN]}', b'{"quantity": Infinity}', b"\xff", b'{"id": "a", "id": "b"}']
)
def test_what_is_not_json_is_refused_whole(api, service_key, body):
    answer = api(service_key).generic("POST", "/events", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


def test_an_organizations_key_reports_for_its_own_only(api, acme_key, usage, globex):
    mine, theirs = usage.event("calls"), usage.event("calls") | {"organization": globex.public_id}
    answer = api(acme_key).post("/events", {"events": [mine, theirs]}).json()
    assert answer["accepted"] == 1
    assert rejected(answer) == [(1, "unknown_organization")]


def test_a_read_key_reports_nothing(api, acme_read_key, usage):
    assert api(acme_read_key).post("/events", usage.event("calls")).status_code == 403
    assert UsageEvent.objects.count() == 0


def test_a_void_stops_an_event_from_counting_once(api, acme_key, usage):
    usage.report("calls", 3)
    for _ in range(2):
        answer = api(acme_key).post(f"/events/{usage.organization.public_id}/e1/void", {"reason": "test run"})
        assert answer.status_code == 200
        assert answer.json()["void_reason"] == "test run"
    assert usage.used("calls") == 2
    assert usage.send([usage.event("calls") | {"id": "e1"}]).duplicates == 1


def test_a_void_of_somebody_elses_event_finds_nothing(api, globex_key, usage):
    usage.report("calls")
    answer = api(globex_key).post(f"/events/{usage.organization.public_id}/e1/void", {"reason": "mischief"})
    assert answer.status_code == 404
    assert usage.used("calls") == 1


def test_a_voided_subject_lives_on_in_its_other_events(usage):
    from usage.services.voids import void_event

    usage.send([usage.event("mau", subject="ann", id=name) for name in ("first", "second")])
    void_event(organization=usage.organization, event_id="first", reason="double", now=usage.now)
    assert usage.used("mau") == 1
    void_event(organization=usage.organization, event_id="second", reason="double", now=usage.now)
    assert usage.used("mau") == 0
    usage.report("mau", subject="ann")
    assert usage.used("mau") == 1


def test_a_voided_reading_gives_way_to_the_one_before(usage):
    from usage.services.voids import void_event

    usage.report("storage", quantity=4)
    usage.send([usage.event("storage", quantity=40, at=usage.now + timedelta(minutes=1), id="slip")])
    void_event(organization=usage.organization, event_id="slip", reason="a digit too many", now=usage.now)
    assert usage.used("storage") == 4
    assert UsageCounter.objects.get().billable == 4

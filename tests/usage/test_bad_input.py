"""Whatever comes in, the answer is the envelope, never a 500; and what was refused changed nothing."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from credits.models import CreditHold, LedgerEntry
from usage.models import UsageEvent, UsageHold

HUGE = "9" * 400
WRITES = (
    "/events",
    "/holds",
    "/gift-cards/redeem",
    "/billing/checkout",
    "/billing/portal",
    "/billing/preview",
    "/organizations",
)
NO_JSON = ("{", "nonsense", "\ufeff{}", '{"a": 1, "a": 2}', "[" * 100_000, '{"a": NaN}', '{"a": -Infinity}')
NO_OBJECT = ("[]", "3", '"text"', "null", "true")
NO_NUMBER = ("NaN", "Infinity", "-Infinity", "1e999999999", "1e-999999999", "01", "0x1", "1_0")


@pytest.fixture
def post(api, service_key, usage):
    """`post("/events", "raw text")`: the answer, which is the envelope where it is a refusal."""
    client = api(service_key)

    def send(path, body):
        text = body if isinstance(body, str) else json.dumps(body)
        answer = client.post(path, data=text, content_type="application/json")
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert set(error) == {"code", "message", "details"}
            assert error["message"]
        return answer

    return send


def event(usage, **fields):
    return {"id": "e-1", "organization": usage.organization.public_id, "meter": "calls"} | fields


def test_what_is_no_json_or_no_object_is_refused_at_every_address(post):
    for path in WRITES:
        for text in NO_JSON:
            answer = post(path, text)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed"), (path, text[:20])
        for text in NO_OBJECT:
            answer = post(path, text)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), (path, text)


def test_what_json_does_not_know_as_a_number_is_malformed(post, usage):
    for number in NO_NUMBER:
        for path in ("/events", "/holds"):
            body = json.dumps(event(usage, reference="r", quantity="Q")).replace('"Q"', number)
            answer = post(path, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed"), (path, number)
    assert not UsageEvent.objects.exists()


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(post, usage):
    answer = post("/events", {"events": [event(usage, properties={"x": "y" * 10_485_760})]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_a_body_without_an_event_is_refused_and_says_what_is_missing(post):
    for body in ("", "{}", '{"quantity": "1"}'):
        answer = post("/events", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), body
        assert set(answer.json()["error"]["details"]["fields"]) == {"id", "organization", "meter"}
    assert post("/events", {"events": []}).json() == {"accepted": 0, "duplicates": 0, "rejected": []}
    assert not UsageEvent.objects.exists()


def test_a_thousand_events_are_taken_and_one_more_is_not(post, usage):
    events = [event(usage, id=f"e-{n}") for n in range(1001)]
    assert post("/events", {"events": events}).status_code == 400
    assert UsageEvent.objects.count() == 0
    assert post("/events", {"events": events[:1000]}).json()["accepted"] == 1000


BAD_EVENTS = [
    ({"quantity": "NaN"}, "invalid_quantity"),
    ({"quantity": "Infinity"}, "invalid_quantity"),
    ({"quantity": "-1"}, "invalid_quantity"),
    ({"quantity": -1}, "invalid_quantity"),
    ({"quantity": "1.0000001"}, "invalid_quantity"),
    ({"quantity": "100000000000000"}, "invalid_quantity"),
    ({"quantity": HUGE}, "invalid_quantity"),
    ({"quantity": int(HUGE)}, "invalid_quantity"),
    ({"quantity": "1e9999"}, "invalid_quantity"),
    ({"quantity": "1e-9999"}, "invalid_quantity"),
    ({"quantity": True}, "invalid_quantity"),
    ({"quantity": None}, "invalid_quantity"),
    ({"quantity": ["1"]}, "invalid_quantity"),
    ({"quantity": "\u0661"}, "invalid_quantity"),
    ({"id": ""}, "invalid"),
    ({"id": 7}, "invalid"),
    ({"id": None}, "invalid"),
    ({"id": "x" * 256}, "invalid"),
    ({"status": ""}, "invalid"),
    ({"status": "s" * 41}, "invalid"),
    ({"duration_ms": -1}, "invalid"),
    ({"duration_ms": 2**63}, "invalid"),
    ({"duration_ms": "5"}, "invalid"),
    ({"duration_ms": True}, "invalid"),
    ({"properties": []}, "invalid"),
    ({"properties": "x"}, "invalid"),
    ({"properties": {"a": {"b": 1}}}, "invalid"),
    ({"properties": {"a": "é" * 9_000}}, "invalid"),
    ({"subject": 3}, "invalid"),
    ({"colour": "red"}, "invalid"),
    ({"meter": "parsecs"}, "unknown_meter"),
    ({"meter": {}}, "invalid"),
    ({"meter": "mau"}, "missing_subject"),
    ({"organization": "org_nobody"}, "unknown_organization"),
    ({"organization": None}, "invalid"),
    ({"organization": ["org_nobody"]}, "invalid"),
    ({"timestamp": "yesterday"}, "invalid"),
    ({"timestamp": "2026-06-15T12:00:00"}, "invalid"),
    ({"timestamp": 0}, "invalid"),
    ({"timestamp": "0001-01-01T00:00:00+14:00"}, "too_old"),
    ({"timestamp": "9999-12-31T23:59:59-14:00"}, "in_future"),
]
NO_EVENTS = ["x", 3, 0.5, None, [], True]


def test_each_bad_event_is_rejected_by_name_and_its_neighbours_are_not(post, usage):
    bad = [event(usage) | change for change, _ in BAD_EVENTS] + NO_EVENTS
    answer = post("/events", {"events": [event(usage, id="first"), *bad, event(usage, id="last")]})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)
    expected = [code for _, code in BAD_EVENTS] + ["invalid"] * len(NO_EVENTS)
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == list(enumerate(expected, start=1))
    assert set(UsageEvent.objects.values_list("event_id", flat=True)) == {"first", "last"}


def test_a_text_that_no_database_keeps_is_malformed(post, usage):
    for name in ("id", "status", "subject", "meter", "organization"):
        for text in ('"\\u0000"', '"a\\ud800"', '"\\udc00\\ud800"'):
            body = json.dumps(event(usage, **{name: "TEXT"})).replace('"TEXT"', text)
            assert post("/events", body).status_code == 400, (name, text)
    assert not UsageEvent.objects.exists()


def test_any_id_that_was_taken_can_be_voided(post, usage):
    ids = ["/", "a/b", "a/void", "..", "%2F", "é 😀", "\n", "?q=1#x", "';--", "\u202e", " ", "x" * 255, "😀" * 255]
    ids += ['a"b', "a\\b", "\\", "{a,b}", "NULL", "null", '"', ",", "\t\r\x01\x7f"]
    for event_id in ids:
        assert post("/events", event(usage, id=event_id)).json()["accepted"] == 1
        path = f"/events/{usage.organization.public_id}/{quote(event_id, safe='')}/void"
        answer = post(path, {"reason": "A mistake."})
        assert (answer.status_code, answer.json().get("id")) == (200, event_id)


def test_an_organization_key_reaches_only_its_own(api, acme_key, usage, globex):
    events = [event(usage), event(usage, id="e-2", organization=globex.public_id)]
    answer = api(acme_key).post("/events", {"events": events}).json()
    assert answer["accepted"] == 1
    assert [(r["index"], r["code"]) for r in answer["rejected"]] == [(1, "unknown_organization")]
    for path in ("", "/entitlements", "/entitlements/calls", "/wallets", "/ledger", "/usage?meter=calls"):
        assert api(acme_key).get(f"/organizations/{globex.public_id}{path}").status_code == 404
    hold = {"organization": globex.public_id, "unit": "usd", "quantity": "1", "reference": "r"}
    assert api(acme_key).post("/holds", hold).status_code == 404
    assert api(acme_key).get(f"/billing/usage?organization={globex.public_id}").status_code == 404


def test_clocks_may_go_wrong_by_five_minutes(usage):
    for skew, codes in [
        (timedelta(minutes=4), []),
        (timedelta(minutes=6), ["in_future"]),
        (-timedelta(days=34), []),
        (-timedelta(days=36), ["too_old"]),
    ]:
        taken = usage.send([usage.event("calls", at=usage.now + skew)])
        assert [rejected.code for rejected in taken.rejected] == codes


def test_a_hold_that_makes_no_sense_holds_nothing(post, usage):
    usage.grant("usd", 10)
    entries = LedgerEntry.objects.count()
    for change in [
        *({"quantity": bad} for bad in ("0", "-1", HUGE, int(HUGE), "1.0000001", "NaN", "", False, None, [])),
        *({"reference": bad} for bad in ("", " ", "r" * 256, None, {})),
        *({"expires_in": bad} for bad in (0, -1, 604_801, int(HUGE), "soon", None, 1.5)),
        *({"unit": bad} for bad in ("parsecs", "u" * 300, "", None)),
        {"organization": None},
        {"colour": "red"},
        {"meter": "calls"},
    ]:
        body = {"organization": usage.organization.public_id, "unit": "usd", "quantity": "1", "reference": "r"} | change
        assert post("/holds", body).status_code == 400, change
    assert (CreditHold.objects.count(), UsageHold.objects.count()) == (0, 0)
    assert LedgerEntry.objects.count() == entries


def test_a_question_that_makes_no_sense_is_refused(api, service_key, usage):
    base = f"/organizations/{usage.organization.public_id}"
    for query in (
        "quantity=",
        "quantity=0",
        "quantity=-1",
        "quantity=NaN",
        "quantity=1e400",
        f"quantity={HUGE}",
        "colour=red",
    ):
        for path in ("/entitlements/calls", "/entitlements"):
            answer = api(service_key).get(f"{base}{path}?{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), query
    for query in ("", "meter=calls&from=x", "meter=calls&from=2026-02-30", "meter=calls&group_by=year", "meter="):
        assert api(service_key).get(f"{base}/usage?{query}").status_code == 400, query
    assert api(service_key).get(f"{base}/usage?meter=parsecs").status_code == 404
    assert api(service_key).get(f"{base}/ledger?limit=0").status_code == 400
    assert api(service_key).get(f"{base}/ledger?cursor=x").status_code == 404


def test_other_bodies_than_json_and_addresses_that_are_none_answer_as_the_api_does(api, service_key, usage):
    answer = api(service_key).post("/events", data="id=1", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    for path, status in [("/nothing", 404), ("/holds/", 404), ("/events", 405), ("/organizations/%00", 400)]:
        answer = api(service_key).get(path)
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"code", "message", "details"}

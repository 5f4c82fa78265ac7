"""What somebody with a key might try."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from core.models import IdempotentRequest
from credits.models import CreditHold, Purchase, Wallet
from plans.services.return_urls import require_allowed
from usage.models import UsageEvent, UsageHold

AT_ONCE = 4


def hold_of(usage, reference="r", **fields):
    body = {"organization": usage.organization.public_id, "quantity": "1", "reference": reference}
    return body | (fields or {"meter": "sessions"})


def test_an_idempotency_key_belongs_to_one_address_and_one_api_key(api, service_key, acme_key, usage):
    usage.grant("usd", 10)
    key = {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    client = api(service_key)
    event = {"id": "e-1", "organization": usage.organization.public_id, "meter": "calls"}
    assert client.post("/events", event, **key).json()["accepted"] == 1
    opened = client.post("/holds", hold_of(usage, unit="usd"), **key)
    assert opened.status_code == 201
    assert client.post("/events", event, **key).json()["accepted"] == 1  # the first answer, not a duplicate
    other = client.post("/holds", hold_of(usage, "r2", unit="usd"), **key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_mismatch")
    theirs = api(acme_key).post("/holds", hold_of(usage, "r2", unit="usd"), **key)
    assert theirs.status_code == 201
    assert theirs.json()["id"] != opened.json()["id"]
    for bad in ("", "k" * 256, "é", "a b"):
        assert client.post("/holds", hold_of(usage, "r3", unit="usd"), HTTP_IDEMPOTENCY_KEY=bad).status_code == 400
    assert IdempotentRequest.objects.count() == 3
    assert CreditHold.objects.count() == 2


def test_a_key_that_was_refused_gets_the_refusal_again_and_the_reference_still_works(api, service_key, usage):
    key = {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    body = hold_of(usage, unit="usd")
    assert api(service_key).post("/holds", body, **key).status_code == 402
    usage.grant("usd", 10, now=timezone.now())
    assert api(service_key).post("/holds", body, **key).status_code == 402
    assert api(service_key).post("/holds", body).status_code == 201


def test_a_hold_ends_once_whatever_is_tried(api, service_key, usage):
    usage.grant("usd", 10, now=timezone.now())
    client = api(service_key)
    for kind in ({"unit": "usd"}, {"meter": "calls"}):
        opened = client.post("/holds", hold_of(usage, f"r-{kind}", **kind)).json()
        address = f"/holds/{opened['id']}"
        for bad in ("-1", "NaN", "100000000000000", "0.0000001"):
            assert client.post(f"{address}/capture", {"quantity": bad}).status_code == 400
        first = client.post(f"{address}/capture", {"quantity": "0.5"})
        assert (first.status_code, client.post(f"{address}/capture", {"quantity": "0.5"}).json()) == (200, first.json())
        for other in ("capture", "release"):
            again = client.post(f"{address}/{other}", {})
            assert (again.status_code, again.json()["error"]["code"]) == (409, "hold_ended")
    state = Wallet.objects.state(organization=usage.organization, unit="usd", at=timezone.now())
    assert (state.held, state.debt) == (0, 0)


def test_a_hold_cannot_be_captured_after_its_deadline(api, service_key, usage):
    usage.grant("usd", 10, now=timezone.now())
    client = api(service_key)
    holds = [
        client.post("/holds", hold_of(usage, "a", unit="usd") | {"expires_in": 60}).json(),
        client.post("/holds", hold_of(usage, "b", meter="sessions") | {"expires_in": 60}).json(),
    ]
    with time_machine.travel(timezone.now() + timedelta(seconds=61), tick=False):
        for hold in holds:
            answer = client.post(f"/holds/{hold['id']}/capture", {"duration_ms": 9000})
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "hold_ended")
            assert client.get(f"/holds/{hold['id']}").json()["status"] == "expired"
    assert UsageEvent.objects.count() == 0


def test_a_capture_of_the_largest_quantity_is_exact_debt(api, service_key, usage):
    usage.grant("usd", 1, now=timezone.now())
    opened = api(service_key).post("/holds", hold_of(usage, unit="usd")).json()
    answer = api(service_key).post(f"/holds/{opened['id']}/capture", {"quantity": "99999999999999.999999"}).json()
    assert (answer["captured"], answer["debt"]) == ("99999999999999.999999", "99999999999998.999999")


def test_the_largest_quantities_add_up_or_are_refused_by_name(api, service_key, usage):
    client, taken = api(service_key), []
    for number in range(3):
        event = {"id": f"e-{number}", "organization": usage.organization.public_id, "meter": "calls"}
        answer = client.post("/events", event | {"quantity": "99999999999999.999999"})
        assert answer.status_code == 200
        taken.append((answer.json()["accepted"], [rejected["code"] for rejected in answer.json()["rejected"]]))
    assert taken == [(1, []), (0, ["invalid_quantity"]), (0, ["invalid_quantity"])]
    assert client.get(f"/organizations/{usage.organization.public_id}/entitlements").status_code == 200
    assert client.get(f"/organizations/{usage.organization.public_id}/usage?meter=calls").status_code == 200
    usage.tally(now=timezone.now())


def test_grants_beyond_the_column_are_refused_and_change_nothing(api, service_key, usage):
    address = f"/organizations/{usage.organization.public_id}/grants"
    most = {"unit": "usd", "amount": "99999999999999.999999", "reason": "Much.", "reference": "a"}
    assert api(service_key).post(address, most).status_code == 201
    before = Wallet.objects.state(organization=usage.organization, unit="usd", at=timezone.now()).balance
    answer = api(service_key).post(address, most | {"reference": "b"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "out_of_range")
    assert Wallet.objects.state(organization=usage.organization, unit="usd", at=timezone.now()).balance == before


def test_long_and_strange_references_name_one_hold_each(api, service_key, usage):
    usage.grant("usd", 100, now=timezone.now())
    client = api(service_key)
    names = [
        "r" * 255,
        "😀" * 255,
        "a/b",
        "#2",
        "hold:x:capture",
        "' OR 1=1",
        "\u202e",
        "ß",
        "SS",
        "ss",
        "\u0065\u0301",
        "é",
    ]
    ids = [client.post("/holds", hold_of(usage, name, unit="usd")).json()["id"] for name in names]
    assert len(set(ids)) == len(names)
    assert [client.post("/holds", hold_of(usage, name, unit="usd")).json()["id"] for name in names] == ids
    for hold in ids:
        assert client.post(f"/holds/{hold}/capture", {}).status_code == 200


STRANGE_ADDRESSES = [
    "https://allowed.example.evil.com/",
    "https://allowed.example@evil.com/",
    "https://evil.com/https://allowed.example/",
    "https://evil.com\\@allowed.example/",
    "https://allowed.example:99999/",
    "https://allowed.example:444/",
    "http://allowed.example/",
    "https://user:pw@allowed.example/",
    "//evil.com",
    "///evil.com",
    "/relative",
    "javascript:alert(1)",
    "javascript://allowed.example/%0aalert(1)",
    "data:text/html,x",
    "https:allowed.example",
    "https://allowed.example.",
    "https://[::1",
    "https://allowed.example\t.evil.com/",
    "ftp://allowed.example/",
    "",
    " ",
    "https://allowed.example/" + "x" * 2_000,
    None,
    3,
]


def test_nobodys_checkout_leads_to_a_strangers_page(api, service_key, usage, settings):
    settings.CHECKOUT_ALLOWED_ORIGINS = ["https://allowed.example"]
    client = api(service_key)
    for address in STRANGE_ADDRESSES:
        for path, name, more in [
            ("/billing/checkout", "success_url", {"pack": "usd-20"}),
            ("/billing/checkout", "cancel_url", {"plan": "pro"}),
            ("/billing/portal", "return_url", {}),
        ]:
            body = {"organization": usage.organization.public_id, name: address} | more
            answer = client.post(path, body)
            assert (answer.status_code, list(answer.json()["error"]["details"]["fields"])) == (400, [name]), address
    assert not Purchase.objects.exists()
    for address in ("https://allowed.example", "https://ALLOWED.example:443/done?x=1#y", settings.PORTAL_URL):
        assert require_allowed(address, field="success_url") == address


@pytest.mark.django_db(transaction=True)
def test_no_more_jobs_at_once_than_the_plan_allows_however_they_race(api, service_key, usage):
    start = threading.Barrier(AT_ONCE)

    def open_one(number):
        try:
            start.wait(timeout=30)
            answer = api(service_key).post("/holds", hold_of(usage, f"job-{number}"))
            return answer.status_code, answer.json().get("error", {}).get("code")
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = Counter(pool.map(open_one, range(AT_ONCE)))
    assert outcomes == {(201, None): 2, (402, "concurrency_reached"): AT_ONCE - 2}
    assert UsageHold.objects.count() == 2

"""The HTTP API's contract, table by table: addresses, field names, codes. A field that is renamed breaks a customer."""

import json

import pytest
from django.utils import timezone

from credits.models import Purchase, Unit
from credits.services.gift_cards import issue_gift_cards
from notifications import event_types
from tests.billing_portal.seeds import plant
from usage.services.tally import tally

OPERATIONS = {
    "/events": {"post"},
    "/events/{organization}/{event_id}/void": {"post"},
    "/organizations/{organization}/usage": {"get"},
    "/organizations/{organization}/entitlements": {"get"},
    "/organizations/{organization}/entitlements/{meter}": {"get"},
    "/holds": {"post"},
    "/holds/{hold}": {"get"},
    "/holds/{hold}/capture": {"post"},
    "/holds/{hold}/release": {"post"},
    "/organizations/{organization}/wallets": {"get"},
    "/organizations/{organization}/ledger": {"get"},
    "/organizations/{organization}/grants": {"post"},
    "/gift-cards/redeem": {"post"},
    "/billing/checkout": {"post"},
    "/billing/portal": {"post"},
    "/billing/usage": {"get"},
    "/billing/preview": {"post"},
    "/webhooks/stripe": {"post"},
    "/organizations": {"get", "post"},
    "/organizations/{organization}": {"get"},
}
WEBHOOKS = {
    "credits.granted",
    "credits.low",
    "credits.exhausted",
    "credits.expiring",
    "usage.threshold",
    "entitlement.blocked",
    "entitlement.restored",
    "hold.expired",
    "subscription.updated",
    "payment.failed",
    "organization.suspended",
    "organization.restored",
    "gift_card.redeemed",
    "refund.completed",
}
ENTITLEMENT = {
    "meter",
    "allowed",
    "code",
    "message",
    "allowance",
    "credits",
    "commitment",
    "concurrency",
    "on_exhausted",
    "as_of",
    "action",
}
HOLD = {"id", "status", "quantity", "from_allowance", "from_credits", "expires_at", "captured", "debt", "event"}
WALLET = {
    "unit",
    "balance",
    "held",
    "available",
    "debt",
    "grants",
    "next_expiry",
    "burn_per_day",
    "runs_out_on",
    "reserve_suggested",
}
PAGE = {"results", "next", "previous"}


@pytest.fixture
def seeds(acme, prepared):
    return plant(acme, prepared)


@pytest.fixture
def org(seeds):
    return seeds.organization


@pytest.fixture
def client(api, service_key):
    return api(service_key)


def error_of(answer, status):
    assert answer.status_code == status, answer.content
    assert set(answer.json()["error"]) == {"code", "message", "details"}
    return answer.json()["error"]


def test_every_operation_is_in_the_schema(client, db):
    schema = json.loads(client.get("/schema/?format=json").content)
    served = {
        path.removeprefix("/api/v1"): {method for method in methods if method != "parameters"}
        for path, methods in schema["paths"].items()
    }
    assert schema["openapi"].startswith("3.1")
    assert served == OPERATIONS


def test_every_webhook_type_is_registered():
    assert set(event_types.codes_sent_to_webhooks()) >= WEBHOOKS


def test_errors(api, client, service_key, acme_key, acme_read_key, org):
    hold = {"organization": org, "unit": "usd", "quantity": "1", "reference": "r"}
    assert error_of(api(None).get("/organizations"), 401)["code"] == "not_authenticated"
    assert error_of(api("bps_wrong").get("/organizations"), 401)["code"] == "not_authenticated"
    assert error_of(api(acme_read_key).post("/holds", hold), 403)["code"] == "forbidden"
    assert error_of(api(acme_key).post(f"/organizations/{org}/grants", {}), 403)["code"] == "forbidden"
    assert error_of(client.get("/organizations/org_nobody"), 404)["code"] == "not_found"
    refused = error_of(client.post("/holds", hold | {"colour": "red", "quantity": "x"}), 400)
    assert (refused["code"], set(refused["details"]["fields"])) == ("invalid", {"colour", "quantity"})
    assert client.post("/holds", hold, HTTP_IDEMPOTENCY_KEY="k").status_code == 201
    other = client.post("/holds", hold | {"quantity": "2"}, HTTP_IDEMPOTENCY_KEY="k")
    assert error_of(other, 409)["code"] == "idempotency_mismatch"


def test_too_many_requests_say_how_long_to_wait(client, settings, org):
    settings.API_RATE_PER_MINUTE = 2
    answers = [client.get(f"/organizations/{org}") for _ in range(4)]
    assert error_of(answers[-1], 429)["code"] == "rate_limited"
    assert int(answers[-1]["Retry-After"]) >= 1


def test_usage(client, org):
    event = {
        "id": "e-2",
        "organization": org,
        "meter": "bandwidth",
        "timestamp": timezone.now().isoformat(),
        "quantity": 2.5,
        "status": "success",
        "duration_ms": 6000,
        "subject": "user-1",
        "properties": {"region": "eu"},
    }
    assert client.post("/events", event).json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    taken = client.post("/events", {"events": [event, event | {"quantity": "3"}]}).json()
    assert (taken["accepted"], taken["duplicates"]) == (0, 1)
    assert [(set(each), each["code"]) for each in taken["rejected"]] == [
        ({"index", "id", "code", "message"}, "id_conflict")
    ]
    voided = client.post(f"/events/{org}/e-2/void", {"reason": "A mistake."})
    assert (voided.status_code, voided.json()["id"]) == (200, "e-2")
    assert client.post(f"/events/{org}/e-2/void", {"reason": "Again."}).json() == voided.json()
    for group_by in ("day", "month"):
        usage = client.get(f"/organizations/{org}/usage?meter=bandwidth&group_by={group_by}").json()
        assert set(usage) == {"meter", "unit", "series"}
        assert set(usage["series"][-1]) == {
            "start",
            "quantity",
            "billable",
            "from_allowance",
            "from_credits",
            "billed",
            "unpaid",
        }


def test_entitlements(client, org):
    listed = client.get(f"/organizations/{org}/entitlements").json()
    assert set(listed) == PAGE
    every = listed["results"]
    one = client.get(f"/organizations/{org}/entitlements/sessions?quantity=1").json()
    assert {each["meter"] for each in every} >= {"sessions", "bandwidth", "mau", "storage"}
    assert all(set(each) == ENTITLEMENT for each in [*every, one])
    assert (one["allowed"], one["code"], one["on_exhausted"], one["commitment"]) == (True, "allowance", "credits", None)
    assert set(one["allowance"]) == {"included", "used", "held", "remaining", "window_start", "window_end"}
    assert set(one["credits"]) == {"unit", "available", "held", "debt", "next_expiry"}
    assert one["concurrency"] == {"limit": 5, "open": 0}
    refused = client.get(f"/organizations/{org}/entitlements/instances").json()
    assert (refused["allowed"], refused["code"]) == (False, "no_plan_for_meter")
    assert set(refused["action"]) == {"kind", "url"}


def test_holds(client, org):
    body = {"organization": org, "meter": "sessions", "quantity": "1", "reference": "a", "expires_in": 3600}
    opened = client.post("/holds", body)
    assert opened.status_code == 201
    assert set(opened.json()) >= HOLD
    assert client.post("/holds", body).json()["id"] == opened.json()["id"]
    assert client.post("/holds", body | {"quantity": "2"}).status_code == 409
    address = f"/holds/{opened.json()['id']}"
    assert client.get(address).json()["status"] == "open"
    captured = client.post(f"{address}/capture", {"quantity": "1", "status": "success", "duration_ms": 9000}).json()
    assert set(captured) >= HOLD
    assert (captured["status"], captured["captured"], captured["event"] is not None) == ("captured", "1", True)
    assert error_of(client.post(f"{address}/release"), 409)["code"] == "hold_ended"
    plain = client.post("/holds", {"organization": org, "unit": "usd", "quantity": "5", "reference": "b"}).json()
    released = [client.post(f"/holds/{plain['id']}/release") for _ in range(2)]
    assert [(answer.status_code, answer.json()["status"]) for answer in released] == [(200, "released")] * 2
    unholdable = client.post("/holds", body | {"meter": "mau", "reference": "c"})
    assert error_of(unholdable, 422)["code"] == "meter_not_holdable"


def test_a_hold_that_is_not_covered(client, sandbox, globex, acme, prepared):
    plant(acme, prepared, sandbox)
    for what in ({"unit": "usd"}, {"meter": "bandwidth"}):
        body = {"organization": globex.public_id, "quantity": "1000", "reference": "a"} | what
        error = error_of(client.post("/holds", body), 402)
        assert set(error["details"]) >= {"required", "available", "shortfall", "entitlement", "packs", "checkout_url"}
        assert set(error["details"]["entitlement"]) == ENTITLEMENT
        assert set(error["details"]["packs"][0]) == {"code", "credits", "price", "currency"}
        assert error["details"]["required"] == "1000"


def test_credits(client, org):
    tally(now=timezone.now())
    wallets = client.get(f"/organizations/{org}/wallets").json()
    assert set(wallets) == PAGE
    [wallet] = [each for each in wallets["results"] if each["unit"] == "usd"]
    assert set(wallet) == WALLET
    assert (wallet["balance"], wallet["held"], wallet["available"]) == ("1000000", "5", "999995")
    ledger = client.get(f"/organizations/{org}/ledger?unit=usd").json()
    assert set(ledger) == PAGE
    assert set(ledger["results"][0]) >= {
        "kind",
        "amount",
        "balance_after",
        "reference",
        "reason",
        "grant",
        "created_at",
    }
    grant = {"unit": "usd", "amount": "5", "reason": "Thanks.", "expires_at": None, "priority": 1, "reference": "g"}
    made = client.post(f"/organizations/{org}/grants", grant)
    assert (made.status_code, made.json()["expires_at"]) == (201, None)
    assert client.post(f"/organizations/{org}/grants", grant).json()["id"] == made.json()["id"]
    assert client.post(f"/organizations/{org}/grants", grant | {"amount": "6"}).status_code == 409


def test_gift_cards(client, org):
    [(_, code)] = issue_gift_cards(name="Thanks", unit=Unit.objects.get(code="mau"), amount="7", now=timezone.now())
    redeemed = client.post("/gift-cards/redeem", {"organization": org, "code": code})
    assert (redeemed.status_code, redeemed.json()["amount"]) == (201, "7")
    for wrong in (code, "AAAA-AAAA"):
        answer = client.post("/gift-cards/redeem", {"organization": org, "code": wrong})
        assert error_of(answer, 422)["code"] == "gift_card_invalid"


def test_billing(client, sandbox, acme, prepared):
    org = plant(acme, prepared, sandbox).organization
    pack = {"organization": org, "pack": "usd-20", "resume": {"job": 17}}
    for body in (
        pack,
        {"organization": org, "pack": "usd-any", "amount": 700},
        {"organization": org, "plan": "pro", "interval": "month"},
    ):
        opened = client.post("/billing/checkout", body)
        assert (opened.status_code, set(opened.json())) == (201, {"url", "purchase"})
    numbers = {"rate": 1.5, "nested": [0.1, {"big": 1e20}]}
    with_numbers = client.post("/billing/checkout", pack | {"resume": numbers})
    kept = Purchase.objects.get(public_id=with_numbers.json()["purchase"]).resume
    assert json.loads(json.dumps(kept, default=float)) == numbers
    endless = json.dumps(pack | {"resume": {"n": "N"}}).replace('"N"', "1e399")
    refused = client.post("/billing/checkout", data=endless, content_type="application/json")
    assert set(error_of(refused, 400)["details"]["fields"]) == {"resume"}
    too_long = client.post("/billing/checkout", pack | {"resume": "x" * 8_200})
    assert set(error_of(too_long, 400)["details"]["fields"]) == {"resume"}
    assert set(client.post("/billing/portal", {"organization": org}).json()) == {"url"}
    preview = client.post("/billing/preview", {"organization": org, "plan": "team", "interval": "year", "quantity": 5})
    assert {"lines", "total", "currency"} <= set(preview.json())
    usage = client.get(f"/billing/usage?organization={org}").json()
    assert set(usage) == {
        "plan",
        "interval",
        "status",
        "window_start",
        "window_end",
        "currency",
        "estimated_cost",
        "meters",
    }
    assert set(usage["meters"][0]) == {"meter", "used", "included", "percent", "estimated_cost"}


def test_organizations(client, db):
    new = {"name": "Initech", "email": "billing@initech.example", "external_id": "i-1"}
    made = client.post("/organizations", new)
    assert (made.status_code, made.json()["id"][:4]) == (201, "org_")
    assert client.post("/organizations", new).json() == made.json()
    assert client.get(f"/organizations/{made.json()['id']}").json() == made.json()
    found = client.get("/organizations?external_id=i-1").json()
    assert (set(found), found["results"]) == (PAGE, [made.json()])

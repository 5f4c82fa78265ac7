"""May this organization use n of this meter now? Every code, the exact shape, and the way out."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from credits.services.spending import draw_or_owe
from payments.catalogue_file import load
from plans.models import Meter
from tests.usage.conftest import CATALOGUE
from usage.models import UsageHold
from usage.services.holds import open_usage_hold

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(now):
    with time_machine.travel(now, tick=False):
        yield


def test_the_answer_has_exactly_the_shape_of_the_contract(api, acme_key, usage):
    usage.grant("usd", 20, expires_at=usage.now + timedelta(days=10))
    usage.report("sessions", 4)
    answer = api(acme_key).get(f"/organizations/{usage.organization.public_id}/entitlements/sessions")
    assert answer.status_code == 200
    assert answer.json() == {
        "meter": "sessions",
        "allowed": True,
        "code": "allowance",
        "message": "Sessions: 4 of 10 included are used until 1 Jul 2026 00:00 UTC.",
        "allowance": {
            "included": "10",
            "used": "4",
            "held": "0",
            "remaining": "6",
            "window_start": "2026-06-01T00:00:00+00:00",
            "window_end": "2026-07-01T00:00:00+00:00",
        },
        "credits": {
            "unit": "usd",
            "available": "20",
            "held": "0",
            "debt": "0",
            "next_expiry": {"amount": "20", "at": "2026-06-25T12:00:00+00:00"},
        },
        "commitment": None,
        "concurrency": {"limit": 2, "open": 0},
        "on_exhausted": "credits",
        "as_of": "2026-06-15T12:00:00+00:00",
        "action": None,
    }


def test_all_meters_of_the_plan_at_once(api, acme_key, usage):
    answer = api(acme_key).get(f"/organizations/{usage.organization.public_id}/entitlements")
    assert [one["meter"] for one in answer.json()["results"]] == ["mau", "calls", "sessions", "storage"]


def test_exact_after_each_event(usage):
    for used in range(10):
        assert (usage.used("sessions"), usage.code("sessions")) == (used, "allowance")
        usage.report("sessions")
    assert usage.code("sessions") == "limit_reached"


def test_credits_go_on_where_the_allowance_ends(usage):
    usage.grant("usd", 1)
    usage.report("sessions", 10)
    assert usage.code("sessions", 2) == "credits"
    assert usage.code("sessions", 3) == "limit_reached"


def test_what_is_not_settled_yet_is_paid_for_first(usage):
    usage.grant("usd", 1)
    usage.report("sessions", 11)
    assert usage.code("sessions", 1) == "credits"
    usage.report("sessions", 1)
    assert usage.code("sessions", 1) == "limit_reached"
    usage.tally()
    assert usage.code("sessions", 1) == "limit_reached"
    assert usage.available("usd") == 0


def test_a_refusal_says_where_to_buy(api, acme_key, usage, settings):
    usage.report("sessions", 10)
    answer = api(acme_key).get(f"/organizations/{usage.organization.public_id}/entitlements/sessions")
    assert answer.status_code == 200
    assert answer.json()["allowed"] is False
    action = answer.json()["action"]
    assert action["kind"] == "buy_credits"
    assert action["url"] == f"{settings.PORTAL_URL}/o/{usage.organization.public_id}/credits/buy/?unit=usd"


def test_billed_up_to_the_cap(usage):
    usage.subscribe("payg", since=JUNE)
    assert usage.code("sessions", 20) == "billed"
    assert usage.code("sessions", 21) == "budget_reached"
    usage.report("sessions", 20)
    assert usage.code("sessions", 1) == "budget_reached"


def test_blocked_at_the_limit(usage):
    usage.subscribe("payg", since=JUNE)
    usage.grant("usd", 100)
    usage.report("storage", quantity=5)
    assert usage.code("storage") == "limit_reached"
    assert usage.ask("storage").as_json()["credits"] is None


def test_unlimited(usage):
    usage.subscribe("pro", since=JUNE)
    assert usage.code("mau", 10**9) == "allowance"
    assert usage.ask("mau").as_json()["allowance"]["included"] is None


def test_bought_and_used_of_a_commitment(usage):
    usage.subscribe("team", since=JUNE, bought=5)
    usage.report("instances", quantity=4)
    assert usage.code("instances") == "allowance"
    usage.report("instances", quantity=5, at=usage.now + timedelta(minutes=1))
    answer = usage.ask("instances").as_json()
    assert (answer["code"], answer["commitment"]) == ("commitment_reached", {"bought": "5", "used": "5"})
    assert answer["action"]["kind"] == "buy_quantity"


def test_each_answer_is_told_in_a_sentence(usage):
    ends = "1 Jul 2026 00:00 UTC"
    words = {meter: usage.ask(meter).as_json()["message"] for meter in ("sessions", "instances")}
    assert words["sessions"] == f"Sessions: 0 of 10 included are used until {ends}."
    assert words["instances"] == "Instances is not part of the present plan. Choose a plan that has it."
    usage.report("sessions", 10)
    usage.grant("usd", "0.5")
    paid = "Sessions: what is included is used; credits pay for more."
    assert usage.ask("sessions").as_json()["message"] == paid
    refused = usage.ask("sessions", 2).as_json()["message"]
    way_out = "Buy credits or choose a larger plan to go on."
    assert refused == f"Sessions: 10 of 10 included are used. {way_out} More is included from {ends}."
    usage.subscribe("payg", since=JUNE)
    usage.report("storage", quantity=6)
    refused = usage.ask("storage", 7).as_json()["message"]
    assert refused == f"Storage: 6 of 5 included are used. Choose a larger plan. More is included from {ends}."
    usage.report("sessions", 20)
    billed = "Sessions: the monthly cap on billed usage is reached. It begins anew on"
    assert usage.ask("sessions").as_json()["message"].startswith(billed)
    more = "Calls: what is included is used; more is billed at the end of the month."
    assert usage.ask("calls", 1000).as_json()["message"] == more


def test_a_debt_is_told_in_a_sentence(usage):
    usage.report("sessions", 10)
    draw_or_owe(organization=usage.organization, unit="usd", amount="3", reference="job", now=usage.now)
    answer = usage.ask("sessions").as_json()
    assert answer["code"] == "debt"
    assert answer["message"] == "Sessions: credits are owed. Add credits: they repay this first, then work goes on."


def test_a_plan_without_limits_and_one_by_the_piece_say_so(usage):
    usage.subscribe("pro", since=JUNE)
    assert usage.ask("mau").as_json()["message"] == "Monthly active users: unlimited on this plan."


def test_what_happens_when_it_is_exhausted(usage):
    usage.subscribe("payg", since=JUNE)
    beyond = {meter: usage.ask(meter).as_json()["on_exhausted"] for meter in ("sessions", "calls", "storage", "mau")}
    assert beyond == {"sessions": "bill", "calls": "credits_then_bill", "storage": "block", "mau": None}


@pytest.mark.parametrize(("sold", "said"), [("block", "block"), ("on_demand", "on_demand")])
def test_what_happens_beyond_a_commitment(usage, sold, said):
    text = CATALOGUE.partition('code = "team"')[2].replace('beyond = "block"', f'beyond = "{sold}"')
    load(text=f'[[plans]]\ncode = "team"{text}', now=JUNE)
    usage.subscribe("team", since=JUNE, bought=5)
    assert usage.ask("instances").as_json()["on_exhausted"] == said


def test_a_meter_that_the_plan_does_not_have(usage):
    usage.subscribe("pro", since=JUNE)
    answer = usage.ask("storage").as_json()
    assert (answer["allowed"], answer["code"], answer["allowance"]) == (False, "no_plan_for_meter", None)
    assert answer["action"]["kind"] == "change_plan"


def test_suspended_comes_before_everything(usage):
    usage.organization.suspended_at = usage.now
    usage.organization.save()
    answer = usage.ask("sessions").as_json()
    assert answer["code"] == "suspended"
    assert answer["message"] == "Acme is suspended for an unpaid bill. Pay it, and everything works again."


def test_who_is_suspended_is_led_to_the_unpaid_bill(api, service_key, usage):
    usage.grant("usd", 5)
    usage.organization.suspended_at = usage.now
    usage.organization.save()
    asked = {"organization": usage.organization.public_id, "quantity": 1}
    for of in ({"meter": "sessions"}, {"unit": "usd"}):
        refused = api(service_key).post("/holds", asked | of | {"reference": "job-1"})
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (402, "suspended")
        entitlement = error["details"]["entitlement"]
        assert (entitlement["code"], entitlement["message"]) == ("suspended", error["message"])
        assert entitlement["action"]["kind"] == "pay_invoice"
        assert error["details"]["checkout_url"] == entitlement["action"]["url"]
    assert usage.available("usd") == 5


def test_as_many_open_holds_as_the_plan_runs_at_a_time(usage):
    for number in range(2):
        assert usage.code("sessions") == "allowance"
        open_usage_hold(
            organization=usage.organization,
            meter=Meter.objects.get(code="sessions"),
            quantity=1,
            reference=f"job-{number}",
            now=usage.now,
        )
    assert usage.code("sessions") == "concurrency_reached"
    assert usage.code("sessions", now=UsageHold.objects.latest("pk").expires_at) == "allowance"


def test_open_holds_count_as_used(usage):
    open_usage_hold(
        organization=usage.organization,
        meter=Meter.objects.get(code="sessions"),
        quantity=8,
        reference="job",
        now=usage.now,
    )
    assert usage.code("sessions", 2) == "allowance"
    assert usage.code("sessions", 3) == "limit_reached"
    assert usage.ask("sessions").as_json()["allowance"]["held"] == "8"


def test_a_reading_may_rise_again_to_what_was_paid_for(usage):
    usage.grant("usd", 10)
    usage.report("storage", quantity=10)
    usage.tally()
    usage.report("storage", quantity=2, at=usage.now + timedelta(minutes=1))
    assert usage.code("storage", 8) == "credits"
    assert usage.code("storage", 9) == "limit_reached"


def test_an_unknown_meter_is_not_found(api, acme_key, usage):
    answer = api(acme_key).get(f"/organizations/{usage.organization.public_id}/entitlements/parsecs")
    assert answer.status_code == 404


@pytest.mark.parametrize("quantity", ["0", "-1", "x", "NaN", "1.0000001", "1" * 30])
def test_a_quantity_that_cannot_be(api, acme_key, usage, quantity):
    answer = api(acme_key).get(
        f"/organizations/{usage.organization.public_id}/entitlements/sessions", {"quantity": quantity}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")

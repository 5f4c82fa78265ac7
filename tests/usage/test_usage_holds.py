"""Usage set aside before a job, and paid for after it."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.management import call_command

from credits.errors import HoldEnded
from credits.models import LedgerEntry, Wallet
from credits.services.audit import differences
from credits.services.spending import draw_or_owe
from notifications.models import Event
from plans.models import Plan
from plans.services.plan_revisions import publish_terms
from usage.models import UsageEvent, UsageHold
from usage.services.capture import capture_usage_hold
from usage.services.holds import sweep_holds


@pytest.fixture(autouse=True)
def _noon(now):
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def client(api, acme_key):
    return api(acme_key)


@pytest.fixture
def hold(client, usage):
    def ask(meter="sessions", quantity="1", reference="job-1", **extra):
        body = {"organization": usage.organization.public_id, "quantity": quantity, "reference": reference} | extra
        return client.post("/holds", body | ({"meter": meter} if meter else {}))

    return ask


def test_included_usage_first_then_credits(hold, client, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 8)
    opened = hold(quantity="6").json()
    assert (opened["status"], opened["from_allowance"], opened["from_credits"]) == ("open", "2", "4")
    assert usage.available("usd") == 3
    done = client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000}).json()
    assert (done["status"], done["captured"], done["from_allowance"], done["from_credits"], done["debt"]) == (
        "captured",
        "6",
        "2",
        "4",
        "0",
    )
    assert usage.available("usd") == 3
    assert usage.used("sessions") == 14
    assert UsageEvent.objects.get(event_id=done["event"]).billable
    usage.tally()
    assert usage.available("usd") == 3


def test_an_event_reported_under_the_holds_id_does_not_pass_for_its_job(hold, client, usage):
    usage.grant("usd", 5)
    opened = hold(quantity="14").json()
    usage.send([usage.event("mau", id=name, subject="ann") for name in (opened["id"], f"{opened['id']}:2")])
    done = client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000}).json()
    assert (done["captured"], done["from_allowance"], done["from_credits"]) == ("14", "10", "4")
    assert (usage.available("usd"), usage.used("sessions"), usage.used("mau")) == (3, 14, 1)
    assert UsageEvent.objects.get(event_id=done["event"]).quantity == 14
    assert client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000}).json() == done


def test_a_job_that_failed_charges_nothing(hold, client, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 10)
    opened = hold(quantity="4").json()
    done = client.post(f"/holds/{opened['id']}/capture", {"status": "failed", "duration_ms": 9000}).json()
    assert (done["status"], done["captured"], done["from_credits"]) == ("captured", "0", "0")
    assert usage.available("usd") == 5
    assert usage.used("sessions") == 10
    assert "failed" in UsageEvent.objects.get(event_id=done["event"]).not_billable


def test_a_job_that_was_too_short_charges_nothing(hold, client, usage):
    opened = hold().json()
    assert client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 4999}).json()["captured"] == "0"
    assert usage.used("sessions") == 0


def test_less_than_was_held_frees_the_rest(hold, client, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 10)
    opened = hold(quantity="8").json()
    client.post(f"/holds/{opened['id']}/capture", {"quantity": "2", "duration_ms": 9000})
    assert usage.available("usd") == 4


def test_more_than_was_held_draws_on_what_is_there_and_owes_the_rest(hold, client, usage):
    usage.grant("usd", 2)
    usage.report("sessions", 10)
    opened = hold(quantity="2").json()
    done = client.post(f"/holds/{opened['id']}/capture", {"quantity": "6", "duration_ms": 9000}).json()
    assert (done["captured"], done["from_credits"], done["debt"]) == ("6", "6", "1")
    assert Wallet.objects.get().debt == 1
    refused = hold(reference="job-2")
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "debt")


def capture(client, hold_id, quantity):
    return client.post(f"/holds/{hold_id}/capture", {"quantity": quantity, "duration_ms": 9000}).json()


def test_more_than_an_included_hold_is_owed_too(hold, client, usage):
    """Nothing of the hold came from credits; the job has run all the same."""
    usage.grant("usd", 1)
    usage.report("sessions", 8)
    done = capture(client, hold(quantity="2").json()["id"], "6")
    assert (done["from_allowance"], done["from_credits"], done["debt"]) == ("2", "4", "1")
    assert usage.paid("sessions") == (4, 4, 0, 0)
    assert [(entry.kind, entry.amount) for entry in LedgerEntry.objects.order_by("sequence")][1:] == [
        ("spend", -1),
        ("spend", -1),
    ]
    assert hold(reference="job-2").json()["error"]["code"] == "debt"
    assert client.post(f"/holds/{done['id']}/capture", {"quantity": "6", "duration_ms": 9000}).json() == done
    usage.tally()
    usage.grant("usd", 20)
    assert usage.available("usd") == 19
    assert usage.paid("sessions") == (4, 4, 0, 0)
    assert differences() == []


def test_who_never_had_credits_owes_in_the_meters_own_unit(hold, client, usage):
    Plan.objects.get(code="free").allowances.filter(meter__code="calls").update(included=3)
    publish_terms(now=usage.now - timedelta(days=1))
    opened = hold("calls", quantity="3").json()
    assert (opened["from_allowance"], opened["from_credits"]) == ("3", "0")
    assert capture(client, opened["id"], "5")["debt"] == "2"
    assert [(wallet.unit_id, wallet.debt) for wallet in Wallet.objects.all()] == [("mau", 2)]
    assert usage.code("calls") == "debt"
    assert usage.code("sessions") == "allowance", "what is included still works"


def test_who_has_a_wallet_owes_there(hold, client, usage):
    Plan.objects.get(code="free").allowances.filter(meter__code="calls").update(included=3)
    publish_terms(now=usage.now - timedelta(days=1))
    usage.grant("usd", "0.003")
    done = capture(client, hold("calls", quantity="3").json()["id"], "5")
    assert (done["from_credits"], done["debt"]) == ("2", "0.003")
    assert [(wallet.unit_id, wallet.debt) for wallet in Wallet.objects.all()] == [("usd", Decimal("0.003"))]


def test_voiding_what_was_owed_lessens_the_debt(hold, client, usage):
    usage.report("sessions", 10 - 2)
    done = capture(client, hold(quantity="2").json()["id"], "6")
    assert (done["debt"], Wallet.objects.get().debt) == ("2", 2)
    address = f"/events/{usage.organization.public_id}/{done['event']}/void"
    assert client.post(address, {"reason": "Our mistake."}).status_code == 200
    usage.tally()
    assert Wallet.objects.get().debt == 0
    assert differences() == []


def test_where_no_credits_pay_what_goes_beyond_stays_unpaid(hold, client, usage):
    usage.subscribe("payg", since=usage.now - timedelta(days=1))
    usage.report("sessions", 18)
    done = capture(client, hold(quantity="2").json()["id"], "6")  # the cap is 20 sessions
    assert (done["debt"], usage.paid("sessions")) == ("0", (24, 0, 20, 4))
    assert not LedgerEntry.objects.exists()


def test_a_release_gives_everything_back(hold, client, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 10)
    opened = hold(quantity="4").json()
    for _ in range(2):
        assert client.post(f"/holds/{opened['id']}/release", {}).json()["status"] == "released"
    assert usage.available("usd") == 5


def test_the_same_end_again_is_harmless_and_another_is_refused(hold, client, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 10)
    opened = hold(quantity="4").json()
    first = client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000}).json()
    entries = LedgerEntry.objects.count()
    assert client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000}).json() == first
    for end, body in (("capture", {"quantity": "1", "duration_ms": 9000}), ("release", {})):
        answer = client.post(f"/holds/{opened['id']}/{end}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "hold_ended")
    assert LedgerEntry.objects.count() == entries


def test_a_captured_job_of_included_usage_is_not_released(hold, client, usage):
    opened = hold(quantity="4").json()
    client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000})
    answer = client.post(f"/holds/{opened['id']}/release", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "hold_ended")
    assert (UsageHold.objects.get().status, usage.used("sessions")) == ("captured", 4)


def test_what_was_used_before_is_paid_before_anything_is_set_aside(hold, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 14)
    assert hold(quantity="2").json()["from_credits"] == "2"  # at half a dollar each
    assert usage.paid("sessions") == (4, 4, 0, 0)
    assert usage.available("usd") == 2


def test_what_somebody_else_has_ended_meanwhile_is_not_captured(hold, client, usage):
    usage.grant("usd", 5)
    opened = hold(quantity="12").json()
    stale = UsageHold.objects.get(public_id=opened["id"])
    client.post(f"/holds/{opened['id']}/release")
    with pytest.raises(HoldEnded):
        capture_usage_hold(hold=stale, duration_ms=9000, now=usage.now)
    assert (usage.used("sessions"), usage.available("usd")) == (0, 5)
    assert not UsageEvent.objects.exists()


def test_the_same_reference_returns_the_first_hold(hold, usage):
    first = hold().json()
    assert hold().json() == first
    answer = hold(quantity="2")
    assert answer.status_code == 409
    assert UsageHold.objects.count() == 1


def test_a_refusal_says_what_is_missing_and_how_to_go_on(hold, usage, settings):
    usage.grant("usd", 1)
    usage.report("sessions", 10)
    answer = hold(quantity="5")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (402, "limit_reached")
    assert (error["details"]["required"], error["details"]["available"], error["details"]["shortfall"]) == (
        "5",
        "2",
        "3",
    )
    assert error["details"]["entitlement"]["code"] == "limit_reached"
    assert error["details"]["checkout_url"].startswith(f"{settings.PORTAL_URL}/o/")
    assert error["details"]["packs"] == []
    assert UsageHold.objects.count() == 0
    assert usage.available("usd") == 1


@pytest.mark.parametrize("meter", ["mau", "storage"])
def test_subjects_and_readings_cannot_be_held(hold, meter):
    answer = hold(meter)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "meter_not_holdable")


def test_plain_credits_are_held_without_a_meter(hold, client, usage):
    usage.grant("usd", 5)
    opened = hold(None, "5", unit="usd").json()
    assert (opened["unit"], opened["from_credits"]) == ("usd", "5")
    done = client.post(f"/holds/{opened['id']}/capture", {"quantity": "6"}).json()
    assert (done["captured"], done["debt"]) == ("6", "1")
    refused = hold(None, "1", reference="job-2", unit="usd").json()["error"]
    assert (refused["code"], refused["details"]["entitlement"]["code"]) == ("debt", "debt")
    usage.grant("usd", 20)
    assert usage.available("usd") == 19


def test_plain_credits_of_a_failed_job_come_back(hold, client, usage):
    usage.grant("usd", 5)
    opened = hold(None, "5", unit="usd").json()
    done = client.post(f"/holds/{opened['id']}/capture", {"status": "failed"}).json()
    assert (done["status"], done["captured"]) == ("captured", "0")
    assert usage.available("usd") == 5


def test_a_refused_hold_of_plain_credits_offers_a_way_to_pay(hold, usage):
    error = hold(None, "5", unit="usd").json()["error"]
    assert (error["code"], error["details"]["shortfall"]) == ("insufficient_credits", "5")
    assert error["details"]["checkout_url"].endswith("/credits/buy/?unit=usd")
    told = error["details"]["entitlement"]["message"]
    assert told == "Refused: the usd credits do not suffice. Add credits to go on."
    draw_or_owe(organization=usage.organization, unit="usd", amount="1234.5", reference="late", now=usage.now)
    told = hold(None, "5", unit="usd").json()["error"]["details"]["entitlement"]["message"]
    assert told == "Refused: 1,234.5 usd credits are owed. Add credits to go on."


@pytest.mark.parametrize(
    "change", [{"unit": "usd"}, {"meter": None}, {"meter": "parsecs"}, {"quantity": "0"}, {"expires_in": 604_801}]
)
def test_a_request_that_makes_no_sense(client, usage, change):
    body = {"organization": usage.organization.public_id, "meter": "sessions", "quantity": "1", "reference": "r"}
    answer = client.post("/holds", body | change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert UsageHold.objects.count() == 0


def test_past_its_deadline_a_hold_is_released_and_the_sweep_tells(hold, client, usage):
    usage.grant("usd", 5)
    usage.report("sessions", 10)
    opened = hold(quantity="4", expires_in=60).json()
    later = usage.now + timedelta(seconds=60)
    assert usage.available("usd", now=later) == 5
    with time_machine.travel(later, tick=False):
        assert client.get(f"/holds/{opened['id']}").json()["status"] == "expired"
        assert client.post(f"/holds/{opened['id']}/capture", {}).status_code == 409
        for _ in range(2):
            sweep_holds(now=later)
    told = Event.objects.filter(type="hold.expired")
    assert [event.data["hold"] for event in told] == [opened["id"]]


def test_a_plain_hold_that_expires_is_told_of_too(hold, usage, django_capture_on_commit_callbacks):
    usage.grant("usd", 5)
    opened = hold(None, "5", unit="usd", expires_in=60).json()
    with django_capture_on_commit_callbacks(execute=True):
        sweep_holds(now=usage.now + timedelta(minutes=2))
    assert [event.data["hold"] for event in Event.objects.filter(type="hold.expired")] == [opened["id"]]


def test_the_sweeping_command_ends_holds_of_meters_and_of_credits_once(hold, usage, capsys):
    usage.grant("usd", 9)
    usage.report("sessions", 10)
    metered = hold(quantity="4", expires_in=60).json()["id"]
    plain = hold(None, "2.5", unit="usd", expires_in=60, reference="plain").json()["id"]
    for _ in range(2):
        call_command("sweep_holds", at=usage.now + timedelta(minutes=2))
    at = f"released at {usage.now + timedelta(minutes=1):%Y-%m-%d %H:%M} UTC."
    first = f"{metered}: 4 of sessions {at}\n{plain}: 2.5 {at}\nReleased 2 holds.\n"
    assert capsys.readouterr().out == f"{first}Released 0 holds.\n"
    assert usage.available("usd", now=usage.now + timedelta(minutes=2)) == 9


def test_somebody_elses_hold_is_not_found(hold, api, globex_key):
    opened = hold().json()
    other = api(globex_key)
    assert other.get(f"/holds/{opened['id']}").status_code == 404
    assert other.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000}).status_code == 404
    assert UsageHold.objects.get().status == "open"


def test_a_hold_belongs_to_the_window_in_which_it_was_opened(hold, client, usage):
    opened = hold(quantity="3", expires_in=604_800).json()
    hold_row = UsageHold.objects.get()
    UsageHold.objects.filter(pk=hold_row.pk).update(expires_at=usage.now + timedelta(days=20))
    with time_machine.travel(usage.now + timedelta(days=18), tick=False):
        client.post(f"/holds/{opened['id']}/capture", {"duration_ms": 9000})
    assert usage.used("sessions") == 3
    assert usage.used("sessions", now=usage.now + timedelta(days=18)) == Decimal(0)

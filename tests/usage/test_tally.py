"""The tally: everything that waits is settled once, however many run, whatever dies and whoever is in trouble."""

import signal
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.health import checks
from credits.models import LedgerEntry, Wallet
from credits.services.audit import audit_ledger
from credits.services.spending import spend
from plans.models import Meter
from tests.factories import OrganizationFactory
from tests.usage.processes import run_beside
from usage import tasks
from usage.models import MeterState, Settlement, TallyRun
from usage.services.tally import begin_tally, tally, tally_batch


@pytest.fixture
def crowd(usage_of, transactional_db):
    """Six organizations, each with 13 users of 3 included and 5 credits: 5 from credits, 5 unpaid."""
    found = []
    for _ in range(6):
        usage = usage_of(OrganizationFactory())
        usage.grant("mau", 5)
        usage.users(1, 13)
        found.append(usage)
    return found


def taken_once(crowd):
    draws = LedgerEntry.objects.filter(kind="spend")
    assert sorted(draws.values_list("amount", flat=True)) == [Decimal(-5)] * len(crowd)
    assert {usage.paid("mau") for usage in crowd} == {(10, 5, 0, 5)}
    assert not MeterState.objects.filter(settle_at__isnull=False).exists()


def test_two_at_once_from_two_processes_take_once(crowd, now):
    both = [run_beside("tally", now.isoformat()) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum(Decimal(out) for out, _ in outputs) == 30
    taken_once(crowd)


def test_one_that_was_killed_leaves_the_rest_to_the_next(crowd, now):
    killed = run_beside("die_in_the_middle", now.isoformat())
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert Settlement.objects.count() == 2
    assert TallyRun.objects.get().finished_at is None
    tally(now=now)
    taken_once(crowd)
    assert audit_ledger(now=now).is_clean


def make_trouble(usage):
    """Somebody else has posted under the reference that the settlement is about to use."""
    meter = Meter.objects.get(code="mau")
    start = "20260601T000000.000000"
    reference = f"settle:{usage.organization.pk}:{meter.pk}:{start}:{start}:mau:1"
    spend(organization=usage.organization, unit="mau", amount=1, reference=reference, at=usage.now, now=usage.now)


def test_one_organizations_trouble_does_not_stop_the_others(crowd, now):
    make_trouble(crowd[2])
    run = tally(now=now)
    assert (run.organizations, run.errors) == (6, 1)
    assert "ReferenceConflict" in run.troubles.get().error
    assert [usage.paid("mau")[1] for usage in crowd] == [5, 5, 0, 5, 5, 5]
    assert MeterState.objects.get(settle_at__isnull=False).organization == crowd[2].organization


def test_a_run_says_what_it_did(usage):
    usage.grant("mau", 50)
    usage.users(1, 13)
    run = usage.tally()
    assert (run.organizations, run.events, run.credits, run.errors) == (1, 13, 10, 0)
    assert run.finished_at is not None
    assert usage.tally().organizations == 0


def test_what_is_unpaid_is_tried_again_only_where_something_can_pay(usage):
    usage.report("calls", quantity="0.5")
    usage.tally()
    assert usage.paid("calls") == (Decimal("0.5"), 0, 0, Decimal("0.5"))
    assert usage.tally().organizations == 0
    usage.grant("mau", "0.2")
    assert usage.tally().organizations == 1
    assert usage.paid("calls") == (Decimal("0.5"), Decimal("0.2"), 0, Decimal("0.3"))
    assert usage.tally().organizations == 0


def test_a_batch_that_somebody_else_has_settled_is_no_trouble(usage):
    usage.users(1, 5)
    begun = [begin_tally(now=usage.now) for _ in range(2)]
    for (run, [batch]), events in zip(begun, (5, 0), strict=True):
        tally_batch(run=run, organization_ids=batch, now=usage.now)
        run.refresh_from_db()
        assert (run.events, run.errors, run.batches_left) == (events, 0, 0)


def test_the_beats_tally_is_split_over_the_workers(usage, usage_of, globex, now, django_capture_on_commit_callbacks):
    for each in (usage, usage_of(globex)):
        each.users(1, 5, at=now - timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.tally_all()
    run = TallyRun.objects.get()
    assert (run.organizations, run.batches_left) == (2, 0)
    assert run.finished_at is not None


def test_credits_that_come_pay_what_is_unpaid_without_a_tally(usage, django_capture_on_commit_callbacks):
    usage.users(1, 13)
    usage.tally()
    with django_capture_on_commit_callbacks(execute=True):
        usage.grant("mau", 7)
    assert usage.paid("mau") == (10, 7, 0, 3)
    assert Wallet.objects.get().balance == 0


def test_a_batch_of_events_of_two_windows_is_paid_in_both(usage):
    usage.grant("mau", 9, now=usage.now - timedelta(days=30))
    may = usage.now - timedelta(days=20)
    usage.send([usage.event("mau", subject=f"user-{n}", at=at) for n in range(5) for at in (may, usage.now)])
    usage.tally()
    paid = Settlement.objects.order_by("window_start").values_list("from_credits", flat=True)
    assert list(paid) == [2, 2]


def test_unpaid_usage_of_older_windows_is_paid_first(usage):
    usage.users(1, 5, at=usage.now - timedelta(days=20))
    usage.users(1, 5)
    usage.tally()
    usage.grant("mau", 3)
    usage.tally()
    unpaid = Settlement.objects.order_by("window_start").values_list("unpaid", flat=True)
    assert list(unpaid) == [0, 1]


def test_the_command_says_what_it_did(usage):
    usage.grant("mau", 50)
    usage.users(1, 13)
    out = StringIO()
    call_command("tally", organization=usage.organization.public_id, at=usage.now, stdout=out)
    assert "Settled 1 organizations with 13 new events: 10 credits drawn" in out.getvalue()
    with pytest.raises(CommandError, match="org_nobody"):
        call_command("tally", organization="org_nobody")


def test_a_tally_with_trouble_names_it_and_exits_with_an_error(usage):
    usage.grant("mau", 50)
    usage.users(1, 13)
    make_trouble(usage)
    err = StringIO()
    with pytest.raises(CommandError, match="1 organizations could not be settled"):
        call_command("tally", at=usage.now, stdout=StringIO(), stderr=err)
    assert usage.organization.public_id in err.getvalue()


def test_the_health_check_knows_the_age_of_the_last_tally(usage):
    usage.tally(now=usage.now)
    assert "h ago" in checks["tally"]().detail

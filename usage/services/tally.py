"""The tally: settle everything that waits, organization by organization, whatever happens to any one of them.

The way from a mark to what was paid, file by file (those without a folder are in `usage/services/`):

0. Whatever changes what is owed marks the meter's state as due (`MeterState.settle_at`): `ingest.py`, `voids.py`,
   `capture.py`, and `segments.py` where terms or the catalogue change.
1. `usage/tasks.py: tally_all`, four times a day, has `begin_tally` mark what is unpaid and could be paid now, and put
   the marked organizations into batches; a worker settles each by `tally_batch`, in one transaction. `manage.py tally`
   does the same by `tally`, at once.
2. `meter_states.py` locks the batch's marked rows, one per organization and meter.
3. `settlement.py: settle` takes them through its steps, first for each slice (the usage until an instant at which
   credits lapsed), then for the present. Slices are left to the tally only where `credits/services/expiry.py`, which
   makes the same ones every 15 minutes before it posts what lapsed, has not come by yet.
4. `settlement_windows.py` reads what was used in each segment (a part of a window under one set of terms), and how
   that was paid so far.
5. `segment_payments.py` plans what is missing (`usage/engine/coverage.py`), and draws all credits with one call:
   `credits/services/spending.py: spend_batch` → `credits/ledger.py` → `credits/sql/v1/spending.sql`, which takes grants
   by `burn_order.sql` and writes entries by `posting.sql: ledger_post`. Of a wallet that falls low, the ledger has
   `credits/low_balance_alerts.py` tell after the commit, and buy the next pack where that is asked for.
6. `settlement_rows.py` writes it down, gives back what is no longer owed, and has `plans/services/billed_usage.py`
   store the money that is billed (`BilledUsage.amount`).
7. `settle` clears the marks. After the commit `meter_alerts.py: check_meters` looks at what changed, and publishes
   thresholds and refusals (`notifications/services/events.py: publish`). Whether a meter is blocked, a snapshot asks of
   `usage/engine/entitlement.py: decide`.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from accounts.models import Organization
from usage.models import MeterState, TallyRun, TallyTrouble
from usage.services import meter_states
from usage.services.meter_alerts import check_meters
from usage.services.settlement import SettlementOutcome, settle_organizations

logger = logging.getLogger(__name__)

ORGANIZATIONS_AT_ONCE = 200


def tally(*, now: datetime, organization: Organization | None = None) -> TallyRun:
    """Settle everything that waits at `now`, here and at once; the run says what was done.

    Two at once share the work, and one that was killed leaves the rest waiting for the next.
    """
    run, batches = begin_tally(now=now, organization=organization)
    for batch in batches:
        tally_batch(run=run, organization_ids=batch, now=now)
    run.refresh_from_db()
    return run


def begin_tally(*, now: datetime, organization: Organization | None = None) -> tuple[TallyRun, list[list[int]]]:
    """A run, and the batches of organizations that it consists of: for `tally_batch`, on any machine, in any order."""
    waiting = waiting_organizations(now=now, organization=organization)
    batches = [
        waiting[start : start + ORGANIZATIONS_AT_ONCE] for start in range(0, len(waiting), ORGANIZATIONS_AT_ONCE)
    ]
    finished_at = None if batches else timezone.now()
    return TallyRun.objects.create(started_at=now, batches_left=len(batches), finished_at=finished_at), batches


def waiting_organizations(*, now: datetime, organization: Organization | None = None) -> list[int]:
    """Those with something to settle, unpaid usage that can now be paid included."""
    meter_states.mark_unpaid_due(now=now, organization=organization)
    waiting = MeterState.objects.filter(settle_at__lte=now)
    if organization is not None:
        waiting = waiting.filter(organization=organization)
    return list(waiting.order_by("organization_id").values_list("organization_id", flat=True).distinct())


def tally_batch(*, run: TallyRun, organization_ids: Sequence[int], now: datetime) -> None:
    """Settle some organizations, in one transaction; if that fails, each by itself, naming those that cannot be."""
    started = time.monotonic()
    try:
        _record(run, [settle_organizations(organization_ids, now=now)], len(organization_ids))
    except Exception:
        logger.warning("A batch of the tally failed; its organizations are settled one by one", exc_info=True)
        _record(run, list(_one_by_one(run, organization_ids, now)), len(organization_ids))
    check_meters(now=now, organization_ids=organization_ids)
    seconds = Decimal(str(round(time.monotonic() - started, 3)))
    mine = TallyRun.objects.filter(pk=run.pk)
    mine.update(seconds=F("seconds") + seconds, batches_left=F("batches_left") - 1)
    mine.filter(batches_left=0, finished_at=None).update(finished_at=timezone.now())


def _one_by_one(run: TallyRun, organization_ids: Sequence[int], now: datetime) -> Iterable[SettlementOutcome]:
    for organization_id in organization_ids:
        try:
            yield settle_organizations([organization_id], now=now)
        except Exception as error:
            logger.exception("The tally cannot settle organization %s", organization_id)
            TallyTrouble.objects.create(
                run=run, organization_id=organization_id, error=f"{type(error).__name__}: {error}", created_at=now
            )
            TallyRun.objects.filter(pk=run.pk).update(errors=F("errors") + 1)


def _record(run: TallyRun, outcomes: Sequence[SettlementOutcome], organizations: int) -> None:
    TallyRun.objects.filter(pk=run.pk).update(
        organizations=F("organizations") + organizations,
        events=F("events") + max(sum(outcome.events for outcome in outcomes), 0),
        credits=F("credits") + sum((outcome.credits for outcome in outcomes), Decimal(0)),
    )

"""Settlement: paying for usage beyond what is included. What should be paid, less what was, is posted once.

`settle` works on the states of many meters at a time, which the caller has locked, in a handful of round trips. It is
cumulative: running it again, or after a crash, posts only what is still missing.

Here is decided for which instants it is done (slices, then the present), and in which order. `_settle_usage` has the
steps done elsewhere:

1. read: `settlement_windows.py: used_windows`, with the totals of `counters.py`
2. plan: `segment_payments.py: plan_payments`, by the arithmetic of `usage/engine/coverage.py`
3. draw: `segment_payments.py: draw_credits`; for the hold of a captured job, as `capture_payment.py` says
4. write: `settlement_rows.py: save_settlements` and `store_billed_totals`

A *segment* is a part of a window under one set of terms; a *slice* is the usage until an instant at which credits
lapsed. Who calls `settle`: `tally.py`, `holds.py` and `capture.py`, and the hooks of credits and plans.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from core.quantities import ZERO
from credits.models import CreditGrant, Wallet
from credits.services.wallets import lock_wallets
from plans.terms_in_force import timelines_for
from usage.models import MeterState, Settlement
from usage.services import meter_states
from usage.services.capture_payment import CapturePayment
from usage.services.counters import read_totals
from usage.services.meter_states import MeterKey
from usage.services.segment_payments import SegmentPayment, WalletBudgets, WalletKey, draw_credits, plan_payments
from usage.services.settlement_rows import save_settlements, store_billed_totals
from usage.services.settlement_windows import UsedWindow, WindowQuery, used_windows

INSTANT = timedelta(microseconds=1)

Slices = Mapping[datetime, Sequence[MeterState]]
"""The meters to settle as of earlier instants, by the instant. A slice is the usage until then."""


@dataclass(slots=True)
class SettlementOutcome:
    """What was settled: new events taken into account, credits drawn (over all units), meters that changed."""

    events: int = 0
    credits: Decimal = ZERO
    changed: set[MeterKey] = field(default_factory=set)

    def add(self, payments: Sequence[SegmentPayment]) -> None:
        for payment in payments:
            self.events += payment.new_events
            self.credits += payment.drawn
            self.changed.add(payment.key)


def settle_organization(*, organization: Organization, now: datetime) -> SettlementOutcome:
    """Settle everything that waits in one organization: on demand, and before an invoice that bills usage is closed."""
    return settle_organizations([organization.pk], now=now)


@transaction.atomic
def settle_organizations(organization_ids: Sequence[int], *, now: datetime) -> SettlementOutcome:
    """Settle everything that waits in these organizations, all or none."""
    return settle(meter_states.lock_due_to_settle(organization_ids, now=now), now=now)


def pay_unpaid_usage(*, wallet: Wallet, now: datetime) -> None:
    """Credits became available: queue the task by which they pay for unpaid usage, and the check of what is allowed."""
    meter_states.mark_all_to_check(organization=wallet.organization, now=now)
    if Settlement.objects.filter(organization=wallet.organization, unpaid__gt=0).exists():
        after_commit("usage.tasks.settle_and_check_organization", wallet.organization_id)
    else:
        after_commit("usage.tasks.check_meters")


def settle_before_expiry(*, wallet: Wallet, at: datetime, now: datetime) -> SettlementOutcome:
    """Credits of the wallet are about to lapse as of `at`: settle, with what was live just before, the usage until then
    of all meters that draw on its unit. What is still unpaid is tried once more.
    """
    meter_states.mark_unpaid_due(now=now, organization=wallet.organization)
    outcome = SettlementOutcome()
    with transaction.atomic():
        states = meter_states.lock_due_to_settle([wallet.organization_id], now=now)
        drawing = [state for state in states if wallet.unit_id in _units_of(state) and _has_usage_before(state, at)]
        _settle_slices({at: drawing}, outcome, now=now)
    return outcome


def settle(states: Sequence[MeterState], *, now: datetime, capture: CapturePayment | None = None) -> SettlementOutcome:
    """Settle meters up to now: first slice by slice what was used while credits lived that have lapsed since, with
    those credits, then the rest.

    The states are locked. `capture` is the hold whose job has just been counted: what it set aside pays for it.
    """
    outcome = SettlementOutcome()
    if not states:
        return outcome
    slices = _slices_before_lapses(states, now)
    if slices:
        # Each slice locks only the wallets it draws on: one after the other could lock them out of order.
        lock_wallets(organization_ids={state.organization_id for sliced in slices.values() for state in sliced})
    _settle_slices(slices, outcome, now=now)
    ends = _settle_usage(states, outcome, at=now, now=now, capture=capture)
    _clear_due(states, ends, outcome, now)
    return outcome


def _slices_before_lapses(states: Sequence[MeterState], now: datetime) -> Slices:
    """Grants that have lapsed, but that `expire_credits` has not posted yet, pay for what was used until then, even
    where nobody settled in between. When it posts them, it has the same slices settled by `settle_before_expiry`.
    """
    lapses: dict[WalletKey, set[datetime]] = defaultdict(set)
    grants = CreditGrant.objects.due(at=now).filter(
        wallet__organization_id__in={state.organization_id for state in states}
    )
    for organization_id, unit, at in grants.values_list("wallet__organization_id", "wallet__unit_id", "expires_at"):
        assert at is not None  # what is due has an expiry
        lapses[organization_id, unit].add(at)
    slices: dict[datetime, list[MeterState]] = defaultdict(list)
    if not lapses:
        return slices
    for state in states:
        its_lapses = (lapses.get((state.organization_id, unit), set()) for unit in _units_of(state))
        for at in set().union(*its_lapses):
            if _has_usage_before(state, at):
                slices[at].append(state)
    return slices


def _units_of(state: MeterState) -> set[str]:
    return {rate.unit_id for rate in state.meter.credit_rates.all()}


def _has_usage_before(state: MeterState, at: datetime) -> bool:
    """Whether any of what waits may have been used before the instant."""
    return state.settle_from is not None and state.settle_from < at


def _settle_slices(slices: Slices, outcome: SettlementOutcome, *, now: datetime) -> None:
    """Oldest first. Draws are dated just before the instant, when what lapsed at it was still live."""
    for at in sorted(slices):
        _settle_usage(slices[at], outcome, at=at - INSTANT, now=now, slice_end=at)


def _settle_usage(
    states: Sequence[MeterState],
    outcome: SettlementOutcome,
    *,
    at: datetime,
    now: datetime,
    slice_end: datetime | None = None,
    capture: CapturePayment | None = None,
) -> dict[MeterKey, datetime]:
    """Read what was used (of a slice, until its end), plan the payments, draw the credits, and write it all down.

    Where a wallet gave less than was planned, its meters are settled again without that wallet.

    Returns, by meter, the end of its last window.
    """
    ends: dict[MeterKey, datetime] = {}
    exhausted: set[WalletKey] = set()
    while states:
        windows = _windows_due(states, at=at, now=now, slice_end=slice_end)
        ends = ends or {window.key: window.end for window in windows}
        budgets = WalletBudgets(windows, exhausted, capture, at)
        payments = [
            payment
            for window in windows
            for payment in plan_payments(window, budgets, at=at, is_slice=slice_end is not None, capture=capture)
        ]
        short = draw_credits(payments, now=now, capture=capture)
        save_settlements(payments, now=now)
        outcome.add(payments)
        store_billed_totals({id(p.window): p.window for p in payments if p.changes_bill}.values(), now=now)
        again = {payment.key for payment in short}
        states = [state for state in states if state.key in again]
        exhausted |= {(payment.key[0], unit) for payment in short for unit in payment.short_units}
        capture = None  # it has been paid
    return ends


def _windows_due(
    states: Sequence[MeterState], *, at: datetime, now: datetime, slice_end: datetime | None
) -> list[UsedWindow]:
    since = {state.key: state.settle_from or now for state in states}
    timelines = timelines_for(organization_ids={pk for pk, _ in since}, since=min(since.values()))
    starts = {key: timelines[key[0]].terms_at(moment).window.start for key, moment in since.items()}
    return used_windows(
        [WindowQuery.of(state, now=now) for state in states],
        timelines=timelines,
        totals=read_totals(starts, until=slice_end),
        until=at,
    )


def _clear_due(
    states: Sequence[MeterState], ends: Mapping[MeterKey, datetime], outcome: SettlementOutcome, now: datetime
) -> None:
    """Nothing waits any more; but a reading is carried into the next window, and is due when that begins."""
    due: dict[MeterKey, datetime | None] = {}
    for state in states:
        is_carried = state.meter.aggregation == "latest" and bool(state.reading)
        due[state.key] = ends.get(state.key) if is_carried else None
    meter_states.mark_settled(due, changed=outcome.changed, now=now)

"""Paying for usage beyond what is included: what should be paid, less what was, posted once.

`settle` works on states that the caller has locked, many at a time, in a handful of round trips. It is cumulative:
running it again, or after a crash, posts only what is still missing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from core.quantities import ZERO
from credits.models import CreditGrant, Wallet
from credits.services.spending import Debit, Spent, spend_batch
from credits.services.wallets import lock_wallets
from plans.engine import price_ladders
from plans.engine.terms import MeterTerms
from plans.models import Meter
from plans.terms import timelines_for
from usage.engine.settlement import Before, Cover, Settled, payable_until
from usage.engine.settlement import settle as settled
from usage.models import MeterState
from usage.services import meter_states
from usage.services.billed_totals import report_billed
from usage.services.capture_payment import Captured
from usage.services.counter_totals import totals_since
from usage.services.meter_states import Key
from usage.services.settlement_rows import Posting, write
from usage.services.settlement_windows import Counting, Part, UsedWindow, is_charged, used_windows

INSTANT = timedelta(microseconds=1)
NOT_CHARGED = MeterTerms(meter="", meter_id=0, aggregation="sum", unit_name="", included=None, beyond="block")

Purse = tuple[int, str]
"""Organization and unit: one wallet."""


@dataclass(slots=True)
class Outcome:
    """What a settlement did: new events it took into account, credits drawn (over all units), what changed."""

    events: int = 0
    credits: Decimal = ZERO
    changed: set[Key] = field(default_factory=set)


def settle_organization(*, organization: Organization, now: datetime) -> Outcome:
    """Settle everything that waits in one organization."""
    with transaction.atomic():
        return settle(due_states([organization.pk], now=now), now=now)


def settle_lapsing(*, organization: Organization, unit: str, at: datetime, now: datetime) -> Outcome:
    """Settle, with what was live just before `at`, the usage until then of all meters that draw on that unit."""
    with transaction.atomic():
        waiting = [state for state in due_states([organization.pk], now=now) if unit in _units_of(state)]
        return _settle_slices([(state, at) for state in waiting], now)


def due_states(organization_ids: Sequence[int], *, now: datetime) -> list[MeterState]:
    """The states that wait to be settled, locked. Whoever else is at it has to finish first."""
    states = list(
        MeterState.objects.select_for_update(of=("self",), no_key=True)
        .filter(organization_id__in=organization_ids, settle_at__lte=now)
        .order_by("organization_id", "meter_id")
    )
    # A few meters for thousands of states.
    meters = Meter.objects.prefetch_related("credit_rates").in_bulk({state.meter_id for state in states})
    for state in states:
        state.meter = meters[state.meter_id]
    return states


def settle(locked: Sequence[MeterState], *, now: datetime, captured: Captured | None = None) -> Outcome:
    """Settle meters up to now. Grants that lapsed meanwhile first pay for what was used while they lived.

    `captured` is the hold whose job has just been counted: what it set aside pays for it.
    """
    if not locked:
        return Outcome()
    lapsed = _lapsed(locked, now)
    if lapsed:
        # Slice after slice, then the present: each would lock only what it draws on.
        lock_wallets(organization_ids={state.organization_id for state, _ in lapsed})
    outcome = _settle_slices(lapsed, now)
    _settle(locked, now=now, at=now, outcome=outcome, captured=captured)
    return outcome


def _units_of(state: MeterState) -> set[str]:
    return {rate.unit_id for rate in state.meter.credit_rates.all()}


def _lapsed(locked: Sequence[MeterState], now: datetime) -> list[tuple[MeterState, datetime]]:
    """Which state has to be settled as of which earlier instants, because credits lapsed at them."""
    due: dict[Purse, set[datetime]] = defaultdict(set)
    grants = CreditGrant.objects.due(at=now).filter(wallet__organization_id__in={s.organization_id for s in locked})
    for organization_id, unit, at in grants.values_list("wallet__organization_id", "wallet__unit_id", "expires_at"):
        assert at is not None  # what is due has an expiry
        due[organization_id, unit].add(at)
    if not due:
        return []
    return [
        (state, at)
        for state in locked
        for at in set().union(*(due.get((state.organization_id, unit), set()) for unit in _units_of(state)))
    ]


def _settle_slices(slices: Iterable[tuple[MeterState, datetime]], now: datetime) -> Outcome:
    outcome = Outcome()
    by_instant: dict[datetime, list[MeterState]] = defaultdict(list)
    for state, at in slices:
        if state.settle_from is not None and state.settle_from < at:
            by_instant[at].append(state)
    for at in sorted(by_instant):
        _settle(by_instant[at], now=now, at=at - INSTANT, outcome=outcome, until=at)
    return outcome


def _settle(
    locked: Sequence[MeterState],
    *,
    now: datetime,
    at: datetime,
    outcome: Outcome,
    until: datetime | None = None,
    captured: Captured | None = None,
    exhausted: frozenset[Purse] = frozenset(),
) -> None:
    since = {(state.organization_id, state.meter_id): state.settle_from or now for state in locked}
    timelines = timelines_for(organization_ids={pk for pk, _ in since}, since=min(since.values()))
    starts = {key: timelines[key[0]].terms_at(moment).window.start for key, moment in since.items()}
    windows = used_windows(
        [
            Counting((s.organization_id, s.meter_id), s.meter.code, s.meter.aggregation, s.settle_from or now)
            for s in locked
        ],
        timelines=timelines,
        totals=totals_since(starts, until=until),
        until=at,
    )
    purses = _Purses(windows, exhausted, captured, at)
    postings = [
        posting
        for window in windows
        for posting in _postings(window, purses, at=at, is_slice=until is not None, captured=captured)
    ]
    short = _pay(postings, now=now, captured=captured)
    write(postings, now=now)
    for posting in postings:
        outcome.events += posting.new_events
        outcome.credits += posting.drawn
        outcome.changed.add(posting.key)
    report_billed({id(p.window): p.window for p in postings if p.is_billed_changed}.values(), now)
    if short:
        again = {posting.key for posting in short}
        _settle(
            [state for state in locked if (state.organization_id, state.meter_id) in again],
            now=now,
            at=at,
            outcome=outcome,
            until=until,
            exhausted=exhausted | {(p.key[0], unit) for p in short for unit in p.short},
        )
    if until is None:
        _clear(locked, windows, outcome, now)


def _postings(
    window: UsedWindow, purses: "_Purses", *, at: datetime, is_slice: bool, captured: Captured | None
) -> Iterable[Posting]:
    taken: dict[str, Decimal] = {}
    billed = ZERO
    for part in window.parts:
        before = Before(dict(taken), billed)
        posting = _posting(window, part, before, purses, at=at, is_slice=is_slice, captured=captured)
        for unit, cover in posting.settled.credits.items():
            taken[unit] = taken.get(unit, ZERO) + cover.quantity
        billed += posting.settled.billed
        if posting.says_something_new:
            yield posting


def _posting(
    window: UsedWindow,
    part: Part,
    before: Before,
    purses: "_Purses",
    *,
    at: datetime,
    is_slice: bool,
    captured: Captured | None,
) -> Posting:
    overage, paid = part.overage, part.paid
    if is_slice:
        overage, paid = payable_until(overage=overage, paid=paid)
    terms = part.terms if part.terms and is_charged(part.terms) else NOT_CHARGED
    result = settled(overage=overage, paid=paid, terms=terms, available=purses.of(window.key[0], terms), before=before)
    if captured and captured.is_of(window, part):
        result = captured.owe(result, part=part, terms=terms, before=before)
    if is_slice:
        # What was used later than the slice stays as it is: unpaid so far.
        rest = part.paid.total - overage
        result = Settled(result.credits, result.billed, result.unpaid + max(rest, ZERO))
    movements = result.movements(part.paid)
    purses.take(window.key[0], movements)
    return Posting(window, part, result, movements, before, at, keeps_totals=is_slice)


def _pay(postings: Sequence[Posting], *, now: datetime, captured: Captured | None) -> list[Posting]:
    """Draw the credits; what a wallet could not give after all is left open. Returns where that was so."""
    debits: list[tuple[Posting, str, Debit]] = []
    for posting in postings:
        for unit, amount in posting.movements.items():
            if amount <= 0:
                continue
            if captured and captured.pays(posting.window, posting.part, unit):
                posting.references[unit] = captured.capture(unit=unit, amount=amount, now=now)
                continue
            debit = Debit(
                organization_id=posting.key[0],
                unit=unit,
                amount=amount,
                reference=posting.reference(unit),
                at=posting.at,
            )
            debits.append((posting, unit, debit))
    if captured:
        captured.release_unused(now=now)
    if not debits:
        return []
    spent: list[Spent] = spend_batch(
        debits=[debit for _, _, debit in debits], now=now, reason="Usage beyond what is included"
    )
    short = []
    for (posting, unit, debit), result in zip(debits, spent, strict=True):
        if result.taken < debit.amount:
            _fall_short(posting, unit, result.taken)
            short.append(posting)
    return short


def _fall_short(posting: Posting, unit: str, taken: Decimal) -> None:
    """Others were faster, or grants are frozen: cover what was really taken, and give back what buys nothing."""
    before, after = posting.part.paid.credits.get(unit, Cover()), posting.settled.credits[unit]
    terms = posting.part.terms
    assert terms is not None  # it was charged
    ladder = next(rate.ladder for rate in terms.credit_rates if rate.unit == unit)
    start = posting.covered_before(unit)
    quantity = price_ladders.affordable(ladder, amount=taken, start=start, wanted=after.quantity - before.quantity)
    cost = price_ladders.cost_of_span(ladder, start=start, end=start + quantity)
    covers = posting.settled.credits | {unit: Cover(before.quantity + quantity, before.charged + cost)}
    missing = after.quantity - before.quantity - quantity
    posting.settled = Settled(covers, posting.settled.billed, posting.settled.unpaid + missing)
    posting.movements[unit] = cost
    posting.dust[unit] = taken - cost
    posting.short.add(unit)


def _clear(locked: Sequence[MeterState], windows: Sequence[UsedWindow], outcome: Outcome, now: datetime) -> None:
    """Nothing waits any more; but a reading is carried into the next window, which is due when it begins."""
    ends = {window.key: window.window.end for window in windows}
    due: dict[Key, datetime | None] = {}
    for state in locked:
        key = (state.organization_id, state.meter_id)
        carried = state.meter.aggregation == "latest" and bool(state.reading)
        state.settle_at = state.settle_from = due[key] = ends.get(key) if carried else None
        if key in outcome.changed:
            state.watch_at = now
    meter_states.settled(due, changed=outcome.changed, now=now)


class _Purses:
    """What wallets can give, counted down as they are planned with. At most: posted figures, read in one query without
    a lock, of which some may have lapsed, be frozen or be gone; but for a capture it is exact.
    """

    def __init__(
        self, windows: Sequence[UsedWindow], exhausted: frozenset[Purse], captured: Captured | None, at: datetime
    ) -> None:
        wanted = {window.key[0] for window in windows if any(part.overage for part in window.parts)}
        self._left: dict[int, dict[str, Decimal]] = defaultdict(dict)
        if captured:
            if wanted:
                self._left[captured.hold.organization_id] = captured.available(at=at)
            return
        wallets = Wallet.objects.filter(organization_id__in=wanted, debt=0).values_list(
            "organization_id", "unit_id", "balance", "held"
        )
        for organization_id, unit, balance, held in wallets:
            if (organization_id, unit) not in exhausted:
                self._left[organization_id][unit] = max(balance - held, ZERO)

    def of(self, organization_id: int, terms: MeterTerms) -> dict[str, Decimal]:
        return self._left[organization_id]

    def take(self, organization_id: int, movements: dict[str, Decimal]) -> None:
        left = self._left[organization_id]
        for unit, amount in movements.items():
            if amount > 0:
                left[unit] = left.get(unit, ZERO) - amount

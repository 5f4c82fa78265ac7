"""Where meters stand at an instant: five short statements in two round trips, for one meter or many organizations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from accounts.models import Organization
from core import sql_arrays
from core.prepared_statements import Statement, fetch_together
from core.quantities import ZERO
from credits.engine.wallet_state import NOTHING, WalletState
from credits.wallet_queries import states_of, wallet_lots
from plans.engine.terms import CreditRate, MeterTerms, Terms, segment_around
from plans.engine.windows import Window
from plans.models import Meter
from plans.terms_in_force import timelines_for
from usage.engine.coverage import LadderStart
from usage.engine.entitlement import Decision, Funds, MeterUse, decide
from usage.models import MeterState
from usage.services.counters import totals_from, totals_statement
from usage.services.meter_states import MeterKey
from usage.services.settlement_windows import (
    UsedWindow,
    WindowQuery,
    attach_settlements,
    counted_windows,
    settlements_statement,
)

HELD_SQL = """
SELECT wanted.organization, wanted.meter, held.holds, held.included, held.credits, held.to_bill, earlier.unpaid
  FROM {wanted} AS wanted (organization, meter, at, window_start),
       LATERAL (SELECT count(*) AS holds, coalesce(sum(from_allowance), 0) AS included,
                       coalesce(sum(from_credits), 0) AS credits, coalesce(sum(to_bill), 0) AS to_bill
                  FROM usage_usagehold WHERE organization_id = wanted.organization AND meter_id = wanted.meter
                   AND status = 'open' AND expires_at > wanted.at) held,
       LATERAL (SELECT coalesce(sum(unpaid), 0) AS unpaid FROM usage_settlement
                 WHERE organization_id = wanted.organization AND meter_id = wanted.meter AND unpaid > 0
                   AND window_start < wanted.window_start) earlier
"""


class Held(NamedTuple):
    """What open holds have set aside, and usage of earlier windows that nothing has paid for yet."""

    holds: int
    included: Decimal
    credits: Decimal
    to_bill: Decimal
    unpaid_before: Decimal


@dataclass(frozen=True, slots=True)
class MeterSnapshot:
    """One meter of one organization at an instant, with all that an answer about it needs."""

    organization: Organization
    meter: Meter
    at: datetime
    terms: Terms
    meter_terms: MeterTerms | None
    use: MeterUse
    wallets: dict[str, WalletState]

    @property
    def window(self) -> Window:
        return self.terms.window

    @property
    def funds(self) -> dict[str, Funds]:
        return {unit: Funds(wallet.available, wallet.debt) for unit, wallet in self.wallets.items()}

    @property
    def remaining(self) -> Decimal | None:
        """Of what is included, less what open holds have set aside; None where there is no limit, or no terms."""
        if self.meter_terms is None or self.meter_terms.included is None:
            return None
        taken = self.use.used + self.use.held_included
        return max(self.meter_terms.included - taken, ZERO)

    def decide(self, quantity: Decimal) -> Decision:
        return decide(
            quantity=quantity,
            terms=self.meter_terms,
            use=self.use,
            funds=self.funds,
            suspended=self.organization.suspended_at is not None,
        )

    def wallet(self, unit: str) -> WalletState:
        return self.wallets.get(unit, NOTHING)


def meter_snapshot(*, organization: Organization, meter: Meter, at: datetime) -> MeterSnapshot:
    """One meter as it stands at `at`, exact up to the last accepted event."""
    return meter_snapshots([(organization, meter)], at=at)[0]


def used_of(*, organization: Organization, meter: str, at: datetime) -> Decimal:
    """What the window around `at` has counted of the meter with this code; of readings, the present one."""
    found = Meter.objects.filter(code=meter).first()
    return meter_snapshot(organization=organization, meter=found, at=at).use.used if found else ZERO


def meter_snapshots(wanted: Iterable[tuple[Organization, Meter]], *, at: datetime) -> list[MeterSnapshot]:
    """The same for many meters, of one organization or of several, in the order given."""
    keys: dict[MeterKey, tuple[Organization, Meter]] = {(found.pk, meter.pk): (found, meter) for found, meter in wanted}
    if not keys:
        return []
    ids = list(dict.fromkeys(pk for pk, _ in keys))
    timelines = timelines_for(organization_ids=ids, since=at)
    terms = {pk: timeline.terms_at(at) for pk, timeline in timelines.items()}
    starts = {key: terms[key[0]].window.start for key in keys}
    units = {rate.unit for key, (_, meter) in keys.items() for rate in _rates(terms[key[0]], meter)}
    counted, settled, held, lots = fetch_together(
        totals_statement(starts),
        settlements_statement((*key, start) for key, start in starts.items()),
        _held_and_unpaid(starts, at),
        wallet_lots(organization_ids=ids, at=at, units=units),
    )
    windows = {
        window.key: window
        for window in counted_windows(
            [WindowQuery(key, meter.code, meter.aggregation, at) for key, (_, meter) in keys.items()],
            timelines=timelines,
            totals=totals_from(counted),
            until=at,
        )
        if window.start == starts[window.key]
    }
    attach_settlements(list(windows.values()), settled)
    readings = _readings(keys)
    holds = {(organization, meter): Held(*row) for organization, meter, *row in held}
    wallets = states_of(lots, at=at)
    found = []
    for key, (organization, meter) in keys.items():
        its_terms = terms[organization.pk]
        found.append(
            MeterSnapshot(
                organization,
                meter,
                at,
                its_terms,
                its_terms.meters.get(meter.code),
                _use(windows.get(key), its_terms, meter, readings.get(key), holds[key]),
                {rate.unit: wallets.get((organization.pk, rate.unit), NOTHING) for rate in _rates(its_terms, meter)},
            )
        )
    return found


def _rates(terms: Terms, meter: Meter) -> tuple[CreditRate, ...]:
    meter_terms = terms.meters.get(meter.code)
    return meter_terms.credit_rates if meter_terms else ()


def _use(window: UsedWindow | None, terms: Terms, meter: Meter, reading: Decimal | None, held: Held) -> MeterUse:
    use = MeterUse(
        used=ZERO,
        charged=ZERO,
        earlier_unpaid=held.unpaid_before,
        held_included=held.included,
        held_credits=held.credits,
        held_to_bill=held.to_bill,
        open_holds=held.holds,
    )
    if window is None:
        return use
    covered: dict[str, Decimal] = defaultdict(Decimal)
    billed = ZERO
    unpaid = held.unpaid_before
    position = segment_around(terms.segment.start, [segment.start for segment in window.segments])
    current = window.segments[position]
    for segment in window.segments[:position]:
        for unit, cover in segment.coverage.credits.items():
            covered[unit] += cover.quantity
        billed += segment.coverage.billed
        unpaid += segment.coverage.unpaid
    used = current.used if current.charged_terms else current.total
    if meter.aggregation == Meter.Aggregation.LATEST:
        used = reading or ZERO
    return replace(
        use,
        used=used,
        charged=current.used,
        overage=current.overage,
        coverage=current.coverage,
        ladder_start=LadderStart(dict(covered), billed),
        earlier_unpaid=unpaid,
    )


def _readings(keys: Mapping[MeterKey, tuple[Organization, Meter]]) -> dict[MeterKey, Decimal | None]:
    latest = [key for key, (_, meter) in keys.items() if meter.aggregation == Meter.Aggregation.LATEST]
    if not latest:
        return {}
    states = MeterState.objects.filter(
        organization__in={organization for organization, _ in latest}, meter__in={meter for _, meter in latest}
    )
    return {
        (organization, meter): reading
        for organization, meter, reading in states.values_list("organization_id", "meter_id", "reading")
    }


def _held_and_unpaid(starts: Mapping[MeterKey, datetime], at: datetime) -> Statement:
    """The query for the figures of `Held`, by organization and meter."""
    rows = [(*key, at, window_start) for key, window_start in starts.items()]
    wanted, values = sql_arrays.rows_to_join(("bigint", "bigint", "timestamptz", "timestamptz"), rows)
    return HELD_SQL.format(wanted=wanted), values

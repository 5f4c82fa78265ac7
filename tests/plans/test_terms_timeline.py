"""Which terms hold when: windows, segments and what is included, as values without a database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from plans.engine.commitments import Bounds
from plans.engine.price_ladders import parse
from plans.engine.terms import CommitmentTerms, CreditRate, MeterTerms, Override, Period, PlanTerms, Timeline

FREE, PRO, TEAM = 1, 2, 3
DAWN = datetime(2020, 1, 1, tzinfo=UTC)


def day(month: int, date: int, hour: int = 0) -> datetime:
    return datetime(2026, month, date, hour, tzinfo=UTC)


def sessions(included: str | None, **others: object) -> MeterTerms:
    rates = (CreditRate("sessions", parse([{"price": "1"}])),)
    return MeterTerms(
        meter="sessions",
        meter_id=7,
        aggregation="count",
        unit_name="session",
        included=None if included is None else D(included),
        **({"beyond": "credits", "credit_rates": rates} | others),
    )


def plan(
    plan_id: int, code: str, *meters: MeterTerms, since: datetime = DAWN, commitment: str | None = None
) -> PlanTerms:
    return PlanTerms(plan_id, code, code.title(), since, {terms.meter: terms for terms in meters}, commitment)


CATALOGUE = {
    FREE: [plan(FREE, "free", sessions("100"))],
    PRO: [plan(PRO, "pro", sessions("400"))],
    TEAM: [plan(TEAM, "team", sessions(None))],
}


def period(plan_id: int, start: datetime, end: datetime | None = None, **others: object) -> Period:
    return Period(plan_id, start, end, **({"anchor": start, "stretch_start": start, "interval": "month"} | others))


def timeline(*periods: Period, overrides: tuple[Override, ...] = (), catalogue: dict | None = None) -> Timeline:
    said = catalogue or CATALOGUE
    return Timeline(periods, overrides, FREE, lambda plan_id: said.get(plan_id, []))


def test_without_a_paid_plan_the_default_one_holds_by_calendar_month() -> None:
    terms = timeline().terms_at(day(3, 10))
    assert (terms.plan, terms.interval, terms.is_paid) == ("free", None, False)
    assert (terms.window.start, terms.window.end) == (day(3, 1), day(4, 1))
    assert terms.meters["sessions"].included == 100


def test_without_any_plan_there_are_no_meters() -> None:
    terms = Timeline([], [], None, lambda plan_id: []).terms_at(day(3, 10))
    assert (terms.plan, dict(terms.meters)) == (None, {})


def test_free_to_paid_closes_the_calendar_window_and_starts_a_new_one() -> None:
    both = timeline(period(PRO, day(3, 10)))
    before, after = both.terms_at(day(3, 9)), both.terms_at(day(3, 10))
    assert (before.plan, before.window.start, before.window.end) == ("free", day(3, 1), day(3, 10))
    assert (after.plan, after.window.start, after.window.end) == ("pro", day(3, 10), day(4, 10))


def test_paid_to_free_closes_the_window_and_the_rest_of_the_month_is_free() -> None:
    ended = timeline(period(PRO, day(3, 10), day(5, 10)))
    assert (ended.terms_at(day(5, 9)).window.start, ended.terms_at(day(5, 9)).window.end) == (day(4, 10), day(5, 10))
    free = ended.terms_at(day(5, 10))
    assert (free.plan, free.window.start, free.window.end) == ("free", day(5, 10), day(6, 1))
    assert ended.terms_at(day(6, 2)).window.start == day(6, 1)


def test_an_upgrade_inside_a_window_is_a_new_segment_of_the_same_window() -> None:
    start = day(3, 10)
    upgraded = timeline(period(PRO, start, day(3, 20)), period(TEAM, day(3, 20), anchor=start, stretch_start=start))
    early, late = upgraded.terms_at(day(3, 15)), upgraded.terms_at(day(3, 25))
    assert early.window == late.window
    assert [(s.plan, s.start, s.end) for s in late.segments] == [
        ("pro", day(3, 10), day(3, 20)),
        ("team", day(3, 20), day(4, 10)),
    ]
    assert (early.plan, early.meters["sessions"].included) == ("pro", 400)
    assert (late.plan, late.meters["sessions"].included) == ("team", None)


def test_what_is_included_becomes_the_larger_of_the_two_and_never_the_sum() -> None:
    small, large = [plan(4, "small", sessions("50"))], [plan(5, "large", sessions("70"))]
    start = day(3, 1)
    changed = timeline(
        period(5, start, day(3, 8)),
        period(4, day(3, 8), anchor=start, stretch_start=start),
        catalogue={4: small, 5: large},
    )
    assert changed.terms_at(day(3, 9)).meters["sessions"].included == 70
    assert changed.terms_at(day(4, 2)).meters["sessions"].included == 50, "the next window has its own"


def test_a_payment_that_restores_a_plan_returns_to_the_window_it_was_in() -> None:
    start = day(3, 10)
    restored = timeline(period(PRO, start, day(3, 15)), period(PRO, day(3, 20), anchor=start, stretch_start=start))
    before, between, after = (restored.terms_at(day(3, d)) for d in (12, 17, 22))
    assert before.window == after.window
    assert before.window.start == start
    assert (between.plan, between.window.start, between.window.end) == ("free", day(3, 15), day(3, 20))
    assert [segment.start for segment in after.segments] == [start, day(3, 20)]
    assert len(after.segments_of("sessions")) == 2, "the time between belongs to another window"


def test_a_catalogue_change_holds_from_then_on_and_keeps_what_was_said_before() -> None:
    dearer = sessions("400", credit_rates=(CreditRate("sessions", parse([{"price": "2"}])),))
    said = {FREE: CATALOGUE[FREE], PRO: [*CATALOGUE[PRO], plan(PRO, "pro", dearer, since=day(3, 20))]}
    terms = timeline(period(PRO, day(3, 10)), catalogue=said).terms_at(day(3, 25))
    assert [segment.start for segment in terms.segments] == [day(3, 10), day(3, 20)]
    prices = [segment.meters["sessions"].credit_rates[0].ladder.as_json() for segment in terms.segments]
    assert prices == [[{"price": "1"}], [{"price": "2"}]]


def test_a_plans_first_revision_holds_for_the_time_before_it_as_well() -> None:
    said = {FREE: [plan(FREE, "free", sessions("100"), since=day(6, 1))]}
    assert timeline(catalogue=said).terms_at(day(3, 10)).meters["sessions"].included == 100


def test_an_override_replaces_the_whole_ladder_while_it_lasts() -> None:
    special = Override("sessions", "sessions", parse([{"price": "0.5"}]), day(3, 5), day(3, 8))
    own = timeline(overrides=(special,))
    prices = {
        d: own.terms_at(day(3, d)).meters["sessions"].credit_rates[0].ladder.as_json()[0]["price"] for d in (4, 6, 9)
    }
    assert prices == {4: "1", 6: "0.5", 9: "1"}


def test_an_override_of_the_bill_touches_only_what_is_billed() -> None:
    special = Override("sessions", None, parse([{"price": "0.05"}]), DAWN, None)
    billed = sessions("400", beyond="bill", bill=parse([{"price": "0.07"}]), currency="usd")
    said = {FREE: CATALOGUE[FREE], PRO: [plan(PRO, "pro", billed)]}
    own = timeline(period(PRO, day(3, 10)), overrides=(special,), catalogue=said)
    assert own.terms_at(day(3, 12)).meters["sessions"].bill == parse([{"price": "0.05"}])
    assert own.terms_at(day(3, 2)).meters["sessions"].bill is None


def test_a_meter_sees_only_the_changes_that_concern_it() -> None:
    other = MeterTerms("mau", 8, "unique", "user", D(10), "block")
    said = {PRO: [*CATALOGUE[PRO], plan(PRO, "pro", sessions("400"), other, since=day(3, 20))]}
    terms = timeline(period(PRO, day(3, 10)), catalogue=said).terms_at(day(3, 25))
    assert len(terms.segments) == 2
    assert [(s.start, s.end) for s, _ in terms.segments_of("sessions")] == [(day(3, 10), day(4, 10))]
    assert [t is None for _, t in terms.segments_of("mau")] == [True, False]


def committed(*, on_demand: bool) -> dict:
    commitment = CommitmentTerms(bought=0, bounds=Bounds(5, 5, 100), on_demand=on_demand)
    instances = MeterTerms("instances", 9, "latest", "instance", D(0), "block", commitment=commitment)
    return {PRO: [plan(PRO, "team", instances, commitment="instances")]}


def test_a_commitment_includes_what_was_bought_and_may_shrink() -> None:
    start = day(3, 10)
    terms = timeline(
        period(PRO, start, day(3, 20), bought=10),
        period(PRO, day(3, 20), anchor=start, stretch_start=start, bought=5),
        catalogue=committed(on_demand=False),
    ).terms_at(day(3, 21))
    assert [s.meters["instances"].included for s in terms.segments] == [10, 5]
    assert terms.meters["instances"].commitment.bought == 5


def test_on_demand_stops_while_the_companion_is_unpaid() -> None:
    unpaid = timeline(period(PRO, day(3, 10), bought=5, companion_paid=False), catalogue=committed(on_demand=True))
    paid = timeline(period(PRO, day(3, 10), bought=5), catalogue=committed(on_demand=True))
    assert unpaid.terms_at(day(3, 12)).meters["instances"].commitment.on_demand is False
    assert unpaid.terms_at(day(3, 12)).meters["instances"].included == 5
    assert paid.terms_at(day(3, 12)).meters["instances"].commitment.on_demand is True


def test_an_annual_plan_bills_nothing_while_its_companion_is_unpaid() -> None:
    billed = sessions("400", beyond="credits_then_bill", bill=parse([{"price": "0.07"}]), currency="usd")
    said = {PRO: [plan(PRO, "pro", billed)]}
    unpaid = {"companion_paid": False}
    yearly = timeline(period(PRO, day(3, 10), interval="year", **unpaid), catalogue=said).terms_at(day(3, 12))
    monthly = timeline(period(PRO, day(3, 10), **unpaid), catalogue=said).terms_at(day(3, 12))
    assert (yearly.meters["sessions"].beyond, monthly.meters["sessions"].beyond) == ("credits", "credits_then_bill")


def test_terms_name_their_plan() -> None:
    paid, free = timeline(period(PRO, day(3, 10))).terms_at(day(3, 12)), timeline().terms_at(day(3, 12))
    assert (paid.plan_id, paid.plan, paid.plan_name, paid.interval, paid.is_paid) == (PRO, "pro", "Pro", "month", True)
    assert (free.plan_id, free.plan, free.plan_name, free.interval, free.is_paid) == (FREE, "free", "Free", None, False)
    none = Timeline([], [], None, lambda plan_id: []).terms_at(day(3, 12))
    assert (none.plan_id, none.plan_name, none.segment.plan_id) == (None, "", 0)


def test_a_change_holds_from_its_very_instant() -> None:
    start, change = day(3, 10), day(3, 20)
    upgraded = timeline(period(PRO, start, change), period(TEAM, change, anchor=start, stretch_start=start))
    assert upgraded.terms_at(change - timedelta(microseconds=1)).plan == "pro"
    assert upgraded.terms_at(change).plan == "team"


def test_a_change_at_the_end_of_a_window_leaves_nothing_of_the_old_plan_in_the_next() -> None:
    start, change = day(3, 10), day(4, 10)
    upgraded = timeline(period(TEAM, start, change), period(PRO, change, anchor=start, stretch_start=start))
    terms = upgraded.terms_at(change)
    assert [(segment.plan, segment.start) for segment in terms.segments] == [("pro", change)]
    assert terms.meters["sessions"].included == 400


def test_each_paid_life_has_windows_of_its_own() -> None:
    twice = timeline(period(PRO, day(3, 5), day(3, 12)), period(TEAM, day(3, 20)))
    first, between, second = (twice.terms_at(day(3, date)) for date in (6, 15, 25))
    assert (first.window.start, first.window.end) == (day(3, 5), day(3, 12))
    assert (between.window.start, between.window.end) == (day(3, 12), day(3, 20))
    assert (second.window.start, second.window.end) == (day(3, 20), day(4, 20))
    assert [len(terms.segments) for terms in (first, between, second)] == [1, 1, 1]


def test_revisions_of_other_windows_cut_none_of_this_one() -> None:
    said = {FREE: [plan(FREE, "free", sessions(n), since=since) for n, since in (("1", DAWN), ("2", day(3, 1)))]}
    said[FREE] += [plan(FREE, "free", sessions(n), since=since) for n, since in (("3", day(3, 15)), ("4", day(4, 1)))]
    starts = {month: timeline(catalogue=said).terms_at(day(month, 20)) for month in (2, 3, 4)}
    assert [segment.start for segment in starts[2].segments] == [day(2, 1)]
    assert [segment.start for segment in starts[3].segments] == [day(3, 1), day(3, 15)]
    assert [segment.start for segment in starts[4].segments] == [day(4, 1)]
    assert [starts[month].meters["sessions"].included for month in (2, 3, 4)] == [1, 3, 4]


def test_before_its_first_revision_a_plan_says_what_the_first_says() -> None:
    said = {
        FREE: [plan(FREE, "free", sessions("1"), since=day(6, 1)), plan(FREE, "free", sessions("2"), since=day(7, 1))]
    }
    assert timeline(catalogue=said).terms_at(day(3, 10)).meters["sessions"].included == 1


def test_who_bought_nothing_of_a_commitment_has_nothing_included() -> None:
    terms = timeline(period(PRO, day(3, 10)), catalogue=committed(on_demand=False)).terms_at(day(3, 12))
    assert (terms.meters["instances"].included, terms.meters["instances"].commitment.bought) == (0, 0)


def test_what_pays_beyond_the_allowance() -> None:
    said = [sessions("1", beyond=beyond) for beyond in ("block", "credits", "bill", "credits_then_bill")]
    assert [(terms.uses_credits, terms.is_billed) for terms in said] == [
        (False, False),
        (True, False),
        (False, True),
        (True, True),
    ]


@given(
    anchor_day=st.integers(1, 31),
    length=st.integers(1, 200),
    probe=st.integers(0, 300 * 24),
    cut=st.integers(0, 300),
)
def test_windows_and_segments_leave_no_gap(anchor_day: int, length: int, probe: int, cut: int) -> None:
    start = day(1, anchor_day)
    end = start + timedelta(days=length)
    middle = start + timedelta(days=min(cut, length - 1)) if length > 1 else None
    periods = [period(PRO, start, end)]
    if middle and start < middle < end:
        periods = [period(PRO, start, middle), period(TEAM, middle, end, anchor=start, stretch_start=start)]
    whole = timeline(*periods)
    moment = day(1, 1) + timedelta(hours=probe)
    terms = whole.terms_at(moment)
    assert moment in terms.window
    assert terms.segment.start <= moment < terms.segment.end
    assert terms.segments[0].start == terms.window.start
    assert terms.segments[-1].end == terms.window.end
    assert whole.terms_at(terms.window.end).window.start == terms.window.end
    assert whole.terms_at(terms.window.start).window == terms.window

"""Meters and plans as a file: what loads, what is refused and where, and that writing it out loses nothing."""

from decimal import Decimal as D
from pathlib import Path

import pytest

from credits.models import CreditPack, Unit
from payments.catalogue_file import CatalogueRefused, dump, load
from plans.engine.price_ladders import PerPackage
from plans.models import Allowance, Commitment, CreditRate, Meter, Plan, PlanPrice, PlanRevision
from tests.plans.conftest import CATALOGUE, LONG_AGO

pytestmark = pytest.mark.django_db

DEMO = (Path(__file__).parents[2] / "demo/catalogue.toml").read_text()
PRO = '[[plans]]\ncode = "pro"\n'


def refusal(text: str) -> str:
    """Why a file is refused; nothing may have changed."""
    before = dump()
    revisions = PlanRevision.objects.count()
    with pytest.raises(CatalogueRefused) as refused:
        load(text=text, now=LONG_AGO)
    assert (dump(), PlanRevision.objects.count()) == (before, revisions)
    return "\n".join(refused.value.problems)


def test_loading_what_was_written_out_changes_nothing(catalogue, load_catalogue) -> None:
    assert load_catalogue(dump()) == []
    assert load_catalogue(CATALOGUE) == []


def test_the_demos_catalogue_survives_being_written_and_read(db, load_catalogue) -> None:
    assert all(said.endswith(" created") for said in load_catalogue(DEMO))
    dumped = dump()
    assert load_catalogue(dumped) == []
    assert load_catalogue(DEMO) == []
    assert dump() == dumped

    for model in (PlanRevision, Plan, Meter, CreditPack, Unit):
        model.objects.all().delete()
    assert dump() == ""
    load_catalogue(dumped)
    assert dump() == dumped


def test_everything_of_the_file_arrives(catalogue) -> None:
    sessions = Meter.objects.get(code="sessions")
    assert (sessions.rule.statuses, sessions.rule.min_duration_ms) == (frozenset({"success"}), 5000)
    assert list(sessions.credit_rates.values_list("unit", "position")) == [("sessions", 0), ("usd", 1)]
    pro = Plan.objects.for_pricing().get(code="pro")
    assert (pro.intervals, pro.currency, pro.price("year").amount) == (["month", "year"], "usd", 29000)
    team = Plan.objects.for_pricing().get(code="team")
    assert (team.commitment.minimum, team.commitment.bundle, team.commitment.maximum) == (5, 5, 100)
    assert [allowance.included for allowance in team.allowances.all()] == [None]


def test_what_is_left_out_of_an_entry_that_exists_stays(catalogue, load_catalogue) -> None:
    assert load_catalogue(PRO + 'name = "Professional"\n') == ["plans pro updated: name"]
    pro = Plan.objects.get(code="pro")
    assert (pro.name, pro.prices.count(), pro.allowances.count()) == ("Professional", 2, 1)


def test_a_list_that_is_given_is_the_whole_list(catalogue, load_catalogue) -> None:
    load_catalogue(PRO + 'prices = [{ interval = "month", amount = 3100, currency = "usd" }]\nallowances = []\n')
    assert list(PlanPrice.objects.filter(plan__code="pro").values_list("interval", "amount")) == [("month", 3100)]
    assert not Allowance.objects.filter(plan__code="pro").exists()


def test_retiring_and_bringing_back(catalogue, load_catalogue) -> None:
    assert load_catalogue(PRO + "retired = true\n") == ["plans pro retired: retired"]
    assert load_catalogue(PRO + "retired = false\n") == ["plans pro brought back: retired"]


def test_another_plan_becomes_the_default(catalogue, load_catalogue) -> None:
    load_catalogue('[[plans]]\ncode = "starter"\nname = "Starter"\ndefault = true\n')
    assert list(Plan.objects.filter(is_default=True).values_list("code", flat=True)) == ["starter"]


def test_packages_are_another_way_to_say_a_price(catalogue, load_catalogue) -> None:
    load_catalogue(
        '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\n'
        'package = { size = "1000", price = "0.5" }\n'
    )
    assert CreditRate.objects.get().ladder == PerPackage(D(1000), D("0.5"))
    assert 'package = { size = "1000", price = "0.5" }' in dump()


def test_prices_may_stand_in_any_order(catalogue, load_catalogue) -> None:
    month, year = (
        f'{{ interval = "{name}", amount = {n}, currency = "usd" }}' for name, n in (("month", 2900), ("year", 29000))
    )
    assert load_catalogue(f"{PRO}prices = [{year}, {month}]\n") == []


def test_a_commitment_is_taken_away_by_a_word(catalogue, load_catalogue) -> None:
    assert load_catalogue('[[plans]]\ncode = "team"\ncommitment = "none"\n') == ["plans team updated: commitment"]
    assert not Commitment.objects.exists()
    assert not PlanPrice.objects.filter(plan__code="team").exists()


def test_a_private_plan_becomes_public_by_a_word(catalogue, load_catalogue, acme) -> None:
    said = f'private_to = "{acme.public_id}"\n'
    assert load_catalogue(PRO + said) == ["plans pro updated: private_to"]
    assert said in dump()
    assert load_catalogue(PRO + 'private_to = "none"\n') == ["plans pro updated: private_to"]
    assert Plan.objects.get(code="pro").private_to is None


def test_bounds_of_properties_are_kept_as_they_are_meant(catalogue, load_catalogue) -> None:
    bounds = "billable = { properties = { tokens = { minimum = 1, maximum = 1.5e3 } } }\n"
    assert load_catalogue(f'[[meters]]\ncode = "sessions"\n{bounds}') == ["meters sessions updated: billable"]
    meter = Meter.objects.get(code="sessions")
    assert meter.property_bounds == {"tokens": {"minimum": "1", "maximum": "1500"}}
    assert (meter.billable_statuses, meter.min_duration_ms) == (["success"], None)


def test_a_dry_run_changes_nothing(catalogue) -> None:
    before = dump()
    [outcome] = load(text=PRO + 'name = "Professional"\n', now=LONG_AGO, dry_run=True)
    assert str(outcome) == "plans pro updated: name"
    assert dump() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[meters]]\ncode = "m"\n', "meters[0].name: is missing"),
        ('[[meters]]\ncode = "sessions"\naggregation = "sum"\n', "meters[0].aggregation: is 'count' and stays so"),
        (
            '[[meters]]\ncode = "m"\nname = "M"\naggregation = "avg"\nunit_name = "m"\n',
            "one of sum, count, unique, latest",
        ),
        ('[[meters]]\ncode = "sessions"\ncolour = "red"\n', "meters[0].colour: is not known here"),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "eur"\nladder = [{ price = "1" }]\n',
            "meters[0].credit_rates[0].unit: there is no 'eur' among the units",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\nladder = [{ price = "-1" }]\n',
            "meters[0].credit_rates[0].ladder[0].price: must be from 0",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\n'
            'ladder = [{ up_to = "5", price = "1" }]\n',
            "meters[0].credit_rates[0].ladder: The last tier has no upper end",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\n',
            "meters[0].credit_rates[0].ladder: is missing",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\nladder = [{ price = "1" }]\n'
            'package = { size = "1", price = "1" }\n',
            "meters[0].credit_rates[0].package: stands beside a ladder",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\n'
            'ladder = [{ up_to = "5", price = "1" }, { up_to = "4", price = "1" }, { price = "1" }]\n',
            "meters[0].credit_rates[0].ladder: Tier 2 must end above 5, with",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\n'
            "ladder = [{ price = 0.0000000000001 }]\n",
            "meters[0].credit_rates[0].ladder[0].price: must not have more than 12 decimal places",
        ),
        (
            '[[meters]]\ncode = "sessions"\n[[meters.credit_rates]]\nunit = "usd"\nladder = [{ price = "1" }]\n'
            '[[meters.credit_rates]]\nunit = "usd"\nladder = [{ price = "1" }]\n',
            "meters[0].credit_rates: name a unit twice; each unit has one rate",
        ),
        (
            '[[meters]]\ncode = "sessions"\nbillable = { statuses = [] }\n',
            "meters[0].billable.statuses: needs at least 1",
        ),
        (
            '[[meters]]\ncode = "sessions"\nbillable = { properties = { a = { minimum = 2, maximum = 1 } } }\n',
            "meters[0].billable.properties: The minimum of 'a' is above its maximum.",
        ),
        (
            '[[plans]]\ncode = "team"\nprices = [{ interval = "month", amount = 1, currency = "usd" }]\n'
            '[plans.commitment]\nmeter = "instances"\n'
            'prices = [{ interval = "year", amount = 1, currency = "usd" }]\n',
            "commitment: is priced in other intervals than the plan itself",
        ),
        (
            PRO + 'prices = [{ interval = "month", amount = 1, currency = "usd" }, '
            '{ interval = "month", amount = 2, currency = "usd" }]\n',
            "plans[0].prices: give an interval twice",
        ),
        (
            PRO + 'allowances = [{ meter = "sessions", included = 1 }, { meter = "sessions", included = 2 }]\n',
            "plans[0].allowances: name a meter twice",
        ),
        (PRO + 'allowances = [{ meter = "sessions" }]\n', "plans[0].allowances[0].included: is missing"),
        (PRO + 'features = ["", "SLA"]\n', "plans[0].features: must not be empty"),
        ('[[plans]]\ncode = "free"\nretired = true\n', "plans[0]: Constraint “the_default_plan_is_for_everyone”"),
        (PRO + "trial_days = -1\n", "plans[0].trial_days: must be between"),
        (
            PRO + 'prices = [{ interval = "week", amount = 1, currency = "usd" }]\n',
            "prices[0].interval: must be one of",
        ),
        (PRO + 'prices = [{ interval = "month", amount = 1.5, currency = "usd" }]\n', "amount: must be a whole number"),
        (PRO + '[[plans.allowances]]\nmeter = "nope"\nincluded = "1"\n', "there is no 'nope' among the meters"),
        (PRO + '[[plans.allowances]]\nmeter = "sessions"\nincluded = "1.0000001"\n', "more than 6 decimal places"),
        (
            PRO + '[[plans.allowances]]\nmeter = "sessions"\nincluded = "1"\nbeyond = "bill"\n',
            "plans[0].allowances[0].ladder: is missing",
        ),
        (
            PRO + '[[plans.allowances]]\nmeter = "sessions"\nincluded = "1"\nbeyond = "block"\ncap = 5\n',
            "plans[0].allowances[0].cap: only goes with",
        ),
        (
            PRO + '[[plans.allowances]]\nmeter = "sessions"\nincluded = "1"\nbeyond = "bill"\n'
            'ladder = [{ up_to = "1.5", price = "1" }, { price = "2" }]\n',
            "end at whole numbers",
        ),
        (
            '[[plans]]\ncode = "free"\n[[plans.allowances]]\nmeter = "sessions"\nincluded = "1"\nbeyond = "bill"\n'
            'ladder = [{ price = "1" }]\n',
            "nothing can be billed on the default plan",
        ),
        (
            '[[plans]]\ncode = "free"\nprices = [{ interval = "month", amount = 1, currency = "usd" }]\n',
            "the default plan costs nothing",
        ),
        ('[[plans]]\ncode = "free"\ndefault = false\n', "plans[0].default: exactly one plan is the default"),
        (
            '[[plans]]\ncode = "team"\n[plans.commitment]\nmeter = "instances"\nminimum = 9\nmaximum = 5\n'
            'prices = [{ interval = "month", amount = 1, currency = "usd" }]\n',
            "commitment.maximum: lies below the minimum",
        ),
        (
            '[[plans]]\ncode = "team"\n[plans.commitment]\nmeter = "instances"\nbeyond = "on_demand"\n'
            'prices = [{ interval = "year", amount = 1, currency = "usd" }]\n',
            "billed by the month: give a monthly price",
        ),
        (
            PRO + 'prices = [{ interval = "month", amount = 1, currency = "usd" }, '
            '{ interval = "year", amount = 1, currency = "eur" }]\n',
            "in one currency",
        ),
        (PRO + 'private_to = "org_nobody"\n', "plans[0].private_to: there is no organization 'org_nobody'"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(catalogue, text, words) -> None:
    assert words in refusal(text)


def test_packages_in_money_are_of_whole_numbers(catalogue, load_catalogue) -> None:
    billed = PRO + '[[plans.allowances]]\nmeter = "sessions"\nincluded = "1"\nbeyond = "bill"\npackage = {}\n'
    assert "end at whole numbers" in refusal(billed.format('{ size = "2.5", price = "1" }'))
    load_catalogue(billed.format('{ size = "3", price = "1" }'))
    assert Allowance.objects.get(plan__code="pro").bill_ladder == PerPackage(size=D(3), price=D(1))


def test_plans_without_a_default_among_them_are_refused(db) -> None:
    assert "exactly one plan is the default" in refusal('[[plans]]\ncode = "pro"\nname = "Pro"\n')


def test_everything_that_is_wrong_is_said_at_once(catalogue) -> None:
    words = refusal(PRO + 'trial_days = -1\nname = ""\n[[meters]]\ncode = "sessions"\nmin = 3\n')
    assert len(words.splitlines()) == 3

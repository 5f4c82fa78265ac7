"""The back office of plans: staff edit the catalogue, and only look at what Stripe decided."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from plans.engine.price_ladders import parse
from plans.forms import LadderWidget
from plans.models import (
    BilledUsage,
    DunningCase,
    DunningStep,
    LadderOverride,
    Meter,
    Plan,
    PlanChange,
    PlanRevision,
    Subscription,
)
from plans.services.plan_changes import change_plan
from plans.services.selections import choose
from plans.terms_in_force import terms_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(stella, signed_in, settings):
    return signed_in(stella)


def form_of(answer) -> dict[str, str]:
    """Every field of an admin form as the browser would send it, ladders included."""
    values: dict[str, str] = {}
    page = answer.context_data
    forms = [
        page["adminform"].form,
        *(form for inline in page["inline_admin_formsets"] for form in inline.formset.forms),
    ]
    for formset in (inline.formset for inline in page["inline_admin_formsets"]):
        forms.append(formset.management_form)
    for form in forms:
        for bound in form:
            widget = bound.field.widget
            if isinstance(widget, LadderWidget):
                shown = widget.get_context(bound.html_name, bound.value(), {})["widget"]
                for row in shown["rows"]:
                    values |= {row["up_to_name"]: row["up_to"], row["price_name"]: row["price"]}
                values |= {shown["size_name"]: shown["size"], shown["package_price_name"]: shown["package_price"]}
            elif (value := bound.value()) is not None and value is not False:
                values[bound.html_name] = value
    return {name: str(value) if not isinstance(value, list) else ",".join(value) for name, value in values.items()}


def edit(office, instance, **changes: str):
    address = reverse(f"admin:plans_{instance._meta.model_name}_change", args=[instance.pk])
    return office.post(address, form_of(office.get(address)) | changes)


def test_saving_a_plan_unchanged_changes_nothing(catalogue, office) -> None:
    revisions = PlanRevision.objects.count()
    for plan in Plan.objects.all():
        assert edit(office, plan).status_code == 302
    assert PlanRevision.objects.count() == revisions


def test_an_edited_allowance_holds_from_now_on(catalogue, office, acme, now) -> None:
    free = Plan.objects.get(code="free")
    assert edit(office, free, **{"allowances-0-included": "150"}).status_code == 302
    assert free.revisions.count() == 2
    after = free.revisions.latest("id").effective_at
    assert terms_for(organization=acme, at=after).meters["sessions"].included == 150


def test_tiers_are_edited_in_a_small_table(catalogue, office) -> None:
    pro = Plan.objects.get(code="pro")
    changes = {
        "allowances-0-bill_ladder-up_to-0": "1000",
        "allowances-0-bill_ladder-price-0": "0.07",
        "allowances-0-bill_ladder-price-1": "0.05",
    }
    assert edit(office, pro, **changes).status_code == 302
    ladder = pro.allowances.get().bill_ladder
    assert ladder == parse([{"up_to": "1000", "price": "0.07"}, {"price": "0.05"}])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"allowances-0-bill_ladder-price-0": ""}, "Say what one costs"),
        ({"allowances-0-bill_ladder-price-0": "free"}, "must be a decimal number"),
        ({"allowances-0-bill_ladder-up_to-0": "10"}, "The last tier has no upper end"),
        ({"allowances-0-bill_ladder-size": "10"}, "Give tiers or a package, not both"),
        ({"prices-0-currency": "eur"}, "all prices of a plan are in one currency"),
        ({"allowances-0-beyond": "block"}, "Nothing is billed under this policy"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_saved(catalogue, office, changes, words) -> None:
    pro = Plan.objects.for_pricing().get(code="pro")
    revisions = pro.revisions.count()
    answer = edit(office, pro, **changes)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    again = Plan.objects.for_pricing().get(code="pro")
    assert [price.currency for price in again.prices.all()] == ["usd", "usd"]
    assert (again.allowances.get().bill_ladder, again.revisions.count()) == (parse([{"price": "0.07"}]), revisions)


def test_codes_and_aggregations_never_change(catalogue, office) -> None:
    sessions = Meter.objects.get(code="sessions")
    edit(office, sessions, code="other", aggregation="sum", name="Visits")
    sessions.refresh_from_db()
    assert (sessions.code, sessions.aggregation, sessions.name) == ("sessions", "count", "Visits")


def act(office, action: str, *instances):
    address = reverse(f"admin:plans_{instances[0]._meta.model_name}_changelist")
    chosen = [str(instance.pk) for instance in instances]
    return office.post(address, {"action": action, "_selected_action": chosen}, follow=True).content.decode()


def test_retiring_spares_the_default_plan(catalogue, office) -> None:
    page = act(office, "retire", *Plan.objects.all())
    assert "The default plan stays" in page
    assert list(Plan.objects.filter(retired=False).values_list("code", flat=True)) == ["free"]


def test_another_plan_becomes_the_default(catalogue, office) -> None:
    assert "cannot be the default" in act(office, "make_the_default", Plan.objects.get(code="pro"))
    assert Plan.objects.get(is_default=True).code == "free"


def test_staff_give_one_organization_its_own_price(catalogue, office, acme, globex, now) -> None:
    sessions = Meter.objects.get(code="sessions")
    add = reverse("admin:plans_ladderoverride_add")
    values = form_of(office.get(add)) | {
        "organization": str(globex.pk),
        "meter": str(sessions.pk),
        "unit": "usd",
        "ladder-price-0": "0.001",
        "starts_at_0": "2026-06-01",
        "starts_at_1": "00:00:00",
    }
    assert office.post(add, values).status_code == 302
    own, others = (terms_for(organization=each, at=now).meters["sessions"].credit_rates[1] for each in (globex, acme))
    assert own.ladder == parse([{"price": "0.001"}])
    assert others.ladder != own.ladder
    twin = office.post(add, values)
    assert "Another override of the same ladder" in twin.content.decode()
    assert LadderOverride.objects.count() == 1


@pytest.fixture
def overdue(catalogue, acme, now) -> DunningCase:
    pro = Plan.objects.get(code="pro")
    subscription = Subscription.objects.create(
        organization=acme, stripe_id="sub_1", role="base", plan=pro, interval="month", status="past_due",
        anchor=now, started_at=now, synced_at=now,
    )  # fmt: skip
    case = DunningCase.objects.create(
        organization=acme,
        subscription=subscription, stripe_invoice_id="in_1", amount_due=2900, currency="usd", attempts=2,
        first_failed_at=now, next_attempt_at=now + timedelta(days=3),
    )  # fmt: skip
    DunningStep.objects.create(case=case, attempt=1, kind="retry", taken_at=now)
    PlanChange.objects.create(
        subscription=subscription, from_plan=pro, from_interval="month", to_plan=pro, to_interval="year",
        timing="now", effective_at=now, currency="usd",
    )  # fmt: skip
    BilledUsage.objects.create(
        organization=acme, meter=Meter.objects.get(code="sessions"), window_start=now, currency="usd",
        window_end=now + timedelta(days=30), quantity=D(50), amount=350,
    )  # fmt: skip
    return case


def test_the_case_list_says_what_happens_next_and_when(overdue, office) -> None:
    page = office.get(reverse("admin:plans_dunningcase_changelist")).content.decode()
    for words in (
        "$29.00",
        "Acme",
        "Stripe tries again on 18 Jun 2026, 12:00 UTC",
        "if that fails, it is set back to free",
    ):
        assert words in page
    assert "Suspended on 29 Jun 2026, 12:00 UTC" in page


MODELS = [
    "billedusage", "dunningcase", "invoicecorrection", "ladderoverride", "meter", "meterreading", "ondemand", "plan",
    "planchange", "plancheckout", "planrevision", "subscription", "termsperiod",
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_page_opens_and_can_be_searched(overdue, office, model) -> None:
    listed = office.get(reverse(f"admin:plans_{model}_changelist"), {"q": "acme"})
    assert listed.status_code == 200
    for row in office.get(reverse(f"admin:plans_{model}_changelist")).context_data["cl"].result_list:
        assert office.get(reverse(f"admin:plans_{model}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("model", ["subscription", "dunningcase", "termsperiod", "planchange", "billedusage"])
def test_what_stripe_decided_is_only_looked_at(overdue, office, model) -> None:
    assert office.get(reverse(f"admin:plans_{model}_add")).status_code == 403
    for row in office.get(reverse(f"admin:plans_{model}_changelist")).context_data["cl"].result_list:
        assert office.post(reverse(f"admin:plans_{model}_change", args=[row.pk]), {}).status_code == 403
        assert office.post(reverse(f"admin:plans_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_staff_without_permission_see_nothing(catalogue, sven, signed_in) -> None:
    for model in MODELS:
        assert signed_in(sven).get(reverse(f"admin:plans_{model}_changelist")).status_code in (302, 403)


@pytest.fixture
def gone(globex):
    """A subscription that Stripe does not know, with a change that waits."""

    def make(now):
        pro = Plan.objects.get(code="pro")
        subscription = Subscription.objects.create(
            organization=globex,
            stripe_id="sub_gone",
            role=Subscription.Role.BASE,
            plan=pro,
            interval="month",
            status=Subscription.Status.ACTIVE,
            anchor=now,
            started_at=now,
            synced_at=now,
        )
        change = PlanChange.objects.create(
            subscription=subscription,
            from_plan=pro,
            from_interval="month",
            to_plan=Plan.objects.get(code="payg"),
            to_interval="month",
            timing=PlanChange.Timing.RENEWAL,
            status=PlanChange.Status.SCHEDULED,
            stripe_schedule_id="sub_sched_gone",
            effective_at=now,
            created_at=now,
        )
        return subscription, change

    return make


def test_one_that_is_refused_does_not_keep_an_action_from_the_others(stage, gone, office) -> None:
    stage.begin("pro")
    selection = choose(organization=stage.organization, plan="payg", interval="month", quantity=None)
    with stage.commit():
        planned = change_plan(organization=stage.organization, selection=selection, now=stage.now)
    other, others_change = gone(stage.now)

    with stage.commit():
        read = act(office, "read_again", other, stage.base)
    assert "Read 1 subscription(s) again." in read
    assert f"{other}: " in read

    with stage.commit():
        taken = act(office, "take_back", others_change, planned)
    assert "Took back 1 planned change(s)." in taken
    planned.refresh_from_db()
    others_change.refresh_from_db()
    assert (planned.status, others_change.status) == ("cancelled", "scheduled")


def test_who_may_only_look_starts_nothing(catalogue, gone, sven, signed_in, now) -> None:
    subscription, change = gone(now)
    sven.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    looking = signed_in(sven)
    for instance, action in ((subscription, "read_again"), (change, "take_back")):
        page = looking.get(reverse(f"admin:plans_{instance._meta.model_name}_changelist")).content.decode()
        assert "Globex" in page
        assert action not in page
        act(looking, action, instance)
    subscription.refresh_from_db()
    change.refresh_from_db()
    assert (subscription.synced_at, change.status) == (now, "scheduled")

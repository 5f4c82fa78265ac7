"""The public prices."""

from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.models import Membership, Organization, User
from credits.models import CreditPack
from credits.presentation import pack_groups
from plans.models import Interval, Plan
from plans.presentation import best_saving, featured_plan, plan_card, present_selection, quantity_control


def pricing(request: HttpRequest) -> HttpResponse:
    """Everybody sees the public plans; a member also those private to their organization."""
    organization = _organization_of(request)
    plans = [
        plan for plan in Plan.objects.offered_to(organization).for_pricing() if plan.prices.all() or plan.is_default
    ]
    return render(request, "plans/pricing.html", plans_context(request, plans, organization))


def choose_plan(request: HttpRequest) -> HttpResponse:
    """From the public page to an organization's own: visitors sign in first and come back here."""
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    organization = _organization_of(request)
    if organization is None:
        return redirect("accounts:organization_create")
    address = reverse("plans:review", kwargs={"org_id": organization.public_id})
    return redirect(f"{address}?{request.GET.urlencode()}")


def plans_context(request: HttpRequest, plans: list[Plan], organization: Organization | None) -> dict[str, object]:
    """What the cards, the toggle and the quantity sliders need; also on the page of an organization."""
    interval = Interval.YEAR.value if request.GET.get("interval") == Interval.YEAR else Interval.MONTH.value
    present = present_selection(organization) if organization else None
    featured = featured_plan(plans)
    return {
        "interval": interval,
        "saving": best_saving(plans),
        "has_both": any(len(plan.intervals) == 2 for plan in plans),
        "cards": [plan_card(plan, link=_link, present=present, featured=plan == featured) for plan in plans],
        "by_quantity": [
            {"plan": plan, "interval": each, "control": quantity_control(plan, each)}
            for plan in plans
            if plan.has_commitment
            for each in plan.intervals
        ],
        "packs": pack_groups(CreditPack.objects.on_sale()),
        "buy_url": reverse("credits:buy", args=[organization.public_id]) if organization else reverse("account_signup"),
    }


def _link(plan: Plan, interval: str) -> str:
    if not interval:
        return reverse("account_signup")
    return f"{reverse('pricing_choose')}?{urlencode({'plan': plan.code, 'interval': interval})}"


def _organization_of(request: HttpRequest) -> Organization | None:
    """The one the visitor used last, if they are signed in and belong to it; else their first."""
    if not isinstance(request.user, User):
        return None
    mine = Membership.objects.filter(user=request.user).select_related("organization").order_by("id")
    membership = mine.filter(organization=request.user.last_organization_id).first() or mine.first()
    return membership.organization if membership else None

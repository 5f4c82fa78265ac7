"""An organization's plan: what it is, what is planned, and ending it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.refusals import refusal_as_message
from plans import hooks
from plans.models import OnDemand, Plan, PlanChange, Subscription
from plans.presentation import allowance_line, features, price_line, status_badge
from plans.services.cancellation import cancel_at_period_end, keep
from plans.services.plan_changes import cancel_change
from plans.services.portal import open_portal
from plans.terms_in_force import terms_for
from plans.views.pricing import plans_context


@organization_page(Permission.VIEW)
def plan(request: OrganizationRequest) -> HttpResponse:
    now, organization = timezone.now(), request.organization
    base = Subscription.objects.base_of(organization)
    terms = terms_for(organization=organization, at=now)
    shown = base.plan if base else Plan.objects.for_pricing().filter(code=terms.plan or "").first()
    return render(
        request,
        "plans/plan.html",
        {
            "base": base,
            "shown": shown,
            "features": features(shown) if shown else [],
            "terms": terms,
            "badge": status_badge(base) if base else None,
            "price": price_line(base) if base else "Free",
            "change": PlanChange.objects.open().filter(subscription=base).first() if base else None,
            "commitment": _commitment(request, base) if base else None,
            "now": now,
        },
    )


@organization_page(Permission.MANAGE_PLAN)
def choose(request: OrganizationRequest) -> HttpResponse:
    """The plans on offer to this organization."""
    offered = Plan.objects.offered_to(request.organization).for_pricing()
    plans = [plan for plan in offered if plan.prices.all()]
    return render(request, "plans/choose.html", plans_context(request, plans, request.organization))


@organization_page(Permission.MANAGE_PLAN)
def cancel(request: OrganizationRequest) -> HttpResponse:
    """A second look, then the plan ends with its period."""
    base = Subscription.objects.base_of(request.organization)
    if base is None or base.cancel_at is not None:
        return redirect("plans:plan", org_id=request.organization.public_id)
    if request.method == "POST":
        with refusal_as_message(request):
            ending = cancel_at_period_end(organization=request.organization, now=timezone.now())
            messages.success(request, f"{ending.plan} ends on {ending.cancel_at:%-d %B %Y, %H:%M} UTC.")
        return redirect("plans:plan", org_id=request.organization.public_id)
    default = Plan.objects.for_pricing().filter(is_default=True).first()
    return render(
        request,
        "plans/cancel.html",
        {
            "base": base,
            "default": default,
            "left": [allowance_line(a, default) for a in default.allowances.all()] if default else [],
        },
    )


@require_POST
@organization_page(Permission.MANAGE_PLAN)
def keep_plan(request: OrganizationRequest) -> HttpResponse:
    with refusal_as_message(request):
        kept = keep(organization=request.organization, now=timezone.now())
        messages.success(request, f"{kept.plan} goes on.")
    return redirect("plans:plan", org_id=request.organization.public_id)


@require_POST
@organization_page(Permission.MANAGE_PLAN)
def take_back(request: OrganizationRequest, change_id: int) -> HttpResponse:
    """Take a planned change back."""
    mine = PlanChange.objects.filter(subscription__organization=request.organization)
    change = mine.select_related("subscription__organization", "from_plan").filter(pk=change_id).first()
    if change is None:
        raise Http404
    with refusal_as_message(request):
        cancel_change(change=change, now=timezone.now())
        messages.success(request, f"Taken back: {change.from_plan} stays as it is.")
    return redirect("plans:plan", org_id=request.organization.public_id)


@require_POST
@organization_page(Permission.MANAGE_PLAN)
def portal(request: OrganizationRequest) -> HttpResponse:
    """On to Stripe's own pages for cards and addresses."""
    back = request.build_absolute_uri(request.path).replace("/plan/portal/", "/plan/")
    with refusal_as_message(request):
        return redirect(open_portal(organization=request.organization, return_url=back))
    return redirect("plans:plan", org_id=request.organization.public_id)


def _commitment(request: OrganizationRequest, base: Subscription) -> dict[str, object] | None:
    """Bought and used, apart."""
    if not base.plan.has_commitment:
        return None
    meter = base.plan.commitment.meter
    on_demand = OnDemand.objects.filter(organization=request.organization).first()
    return {
        "meter": meter,
        "bought": base.quantity or 0,
        "used": hooks.used(organization=request.organization, meter=meter.code, at=timezone.now()),
        "on_demand": on_demand if on_demand and (on_demand.wanted or on_demand.refused_at) else None,
        "next": base.plan.commitment.bounds.next_after(base.quantity or 0),
    }

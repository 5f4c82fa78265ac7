"""Back from the hosted checkout."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.refusals import refusal_as_message
from plans.models import PlanCheckout, Subscription
from plans.presentation import trial_line
from plans.services.checkout import complete_checkout


@organization_page(Permission.VIEW)
def welcome(request: OrganizationRequest, checkout_id: str) -> HttpResponse:
    """The plan is usually in force before this page opens; if the webhook is late, looking here does the same."""
    checkout = _checkout_or_404(request, checkout_id)
    with refusal_as_message(request):
        complete_checkout(checkout=checkout, now=timezone.now())
    return render(request, "plans/welcome.html", _context(checkout))


@organization_page(Permission.VIEW)
def welcome_status(request: OrganizationRequest, checkout_id: str) -> HttpResponse:
    """The part of the page that updates itself."""
    return render(request, "plans/welcome_status.html", _context(_checkout_or_404(request, checkout_id)))


def _checkout_or_404(request: OrganizationRequest, public_id: str) -> PlanCheckout:
    mine = PlanCheckout.objects.select_related("plan", "organization").filter(organization=request.organization)
    checkout = mine.filter(public_id=public_id).first()
    if checkout is None:
        raise Http404
    return checkout


def _context(checkout: PlanCheckout) -> dict[str, object]:
    base = Subscription.objects.base_of(checkout.organization)
    return {"checkout": checkout, "base": base, "trial": trial_line(base) if base else ""}

"""What is left: balances per unit, the lots behind them, and what recurs."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.errors import PortalError
from credits.models import PackSubscription, Purchase
from credits.presentation import balances_of
from credits.services.recurring_packs import set_pack_renewal


@organization_page(Permission.BUY)
@require_POST
def pack_renewal(request: OrganizationRequest, pk: int) -> HttpResponse:
    """Cancel a recurring pack at the end of its period, or keep it after all."""
    subscription = get_object_or_404(PackSubscription, pk=pk, organization=request.organization)
    try:
        set_pack_renewal(subscription=subscription, renews=request.POST.get("renews") == "yes", now=timezone.now())
    except PortalError as problem:
        messages.error(request, problem.message)
    return redirect("credits:overview", org_id=request.organization.public_id)


@organization_page(Permission.VIEW)
@require_GET
def overview(request: OrganizationRequest) -> HttpResponse:
    now = timezone.now()
    organization = request.organization
    return render(
        request,
        "credits/overview.html",
        {
            "balances": balances_of(organization, now=now),
            "subscriptions": PackSubscription.objects.live()
            .filter(organization=organization)
            .select_related("pack__unit"),
            "waiting": Purchase.objects.of(organization)
            .worth_a_look(at=now)
            .select_related("unit", "organization")[:5],
            "now": now,
        },
    )

"""Buying credits, and the page a customer comes back to."""

from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.errors import InvalidInput, OutOfRange, PortalError, Unavailable
from credits.forms import typed_amount
from credits.models import CreditPack, Purchase
from credits.presentation import pack_groups
from credits.services.purchases import open_checkout, refresh_from_checkout, start_pack_purchase


@organization_page(Permission.BUY)
@require_http_methods(["GET", "POST"])
def buy(request: OrganizationRequest) -> HttpResponse:
    errors: dict[str, list[str]] = {}
    status = 200
    if request.method == "POST":
        pack = get_object_or_404(CreditPack.objects.on_sale(), code=request.POST.get("pack", ""))
        try:
            purchase = start_pack_purchase(
                organization=request.organization,
                pack=pack,
                amount=typed_amount(request.POST.get("amount", ""), pack.currency) if pack.is_open else None,
                buyer=request.user,
                attempt=request.POST.get("attempt", ""),
                now=timezone.now(),
            )
        except InvalidInput as problem:
            errors[pack.code], status = [problem.message], problem.http_status
        except PortalError as problem:
            messages.error(request, problem.message)
            status = problem.http_status
        else:
            return redirect(purchase.continue_url)
    groups = pack_groups(CreditPack.objects.on_sale(), errors=errors, typed=request.POST)
    wanted = [group for group in groups if group.unit.code == request.GET.get("unit")]
    return render(
        request,
        "credits/buy.html",
        {
            "groups": wanted or groups,
            "units": [group.unit for group in groups],
            "unit": wanted[0].unit if wanted else None,
            # Kept after a failure: pressing the button again goes on with the purchase that was begun.
            "attempt": request.POST.get("attempt") or uuid4().hex,
        },
        status=status,
    )


@organization_page(Permission.VIEW)
@require_GET
def purchase(request: OrganizationRequest, purchase_id: str) -> HttpResponse:
    """The thank-you page, in each of its states; Stripe's checkout leads back here."""
    found = _refreshed(request, purchase_id)
    return render(request, "credits/purchase.html", {"purchase": found, "came_back": "cancelled" in request.GET})


@organization_page(Permission.VIEW)
@require_GET
def purchase_status(request: OrganizationRequest, purchase_id: str) -> HttpResponse:
    """The part of that page that asks again by itself."""
    return render(request, "credits/purchase_status.html", {"purchase": _refreshed(request, purchase_id)})


@organization_page(Permission.BUY)
@require_POST
def try_again(request: OrganizationRequest, purchase_id: str) -> HttpResponse:
    """Go on with a purchase whose checkout page could not be made, or lead back to the page."""
    found = _find(request, purchase_id)
    try:
        found = open_checkout(purchase=found, now=timezone.now())
    except PortalError as problem:
        messages.error(request, problem.message)
    return redirect(found.continue_url)


def _find(request: OrganizationRequest, purchase_id: str) -> Purchase:
    purchases = Purchase.objects.of(request.organization).select_related(
        "unit", "pack", "grant", "organization", "gift_card_order"
    )
    return get_object_or_404(purchases, public_id=purchase_id)


def _refreshed(request: OrganizationRequest, purchase_id: str) -> Purchase:
    found = _find(request, purchase_id)
    try:
        return refresh_from_checkout(purchase=found, now=timezone.now())
    except (Unavailable, OutOfRange):
        # The webhook or the next request completes it; what cannot be granted stands in the inbox, for staff.
        return found

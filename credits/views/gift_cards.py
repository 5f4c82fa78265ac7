"""Redeeming a gift card, and buying one for somebody."""

from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.errors import PortalError
from credits.forms import GiftCardForm, RedeemForm
from credits.services.gift_cards import redeem_gift_card
from credits.services.purchases import start_gift_card_purchase


@organization_page(Permission.BUY)
@require_http_methods(["GET", "POST"])
def redeem(request: OrganizationRequest) -> HttpResponse:
    form, status = RedeemForm(request.POST or None), 400
    if request.method == "POST" and form.is_valid():
        try:
            grant = redeem_gift_card(
                organization=request.organization,
                code=form.cleaned_data["code"],
                actor=request.user,
                tried_by=f"user:{request.user.pk}",
                address=request.META.get("REMOTE_ADDR", ""),
                now=timezone.now(),
            )
        except PortalError as problem:
            form.add_error("code", problem.message)
            status = problem.http_status
        else:
            worth = grant.wallet.unit.describe(grant.amount)
            messages.success(request, f"{worth} added: {grant.gift_card.name}.")
            return redirect("credits:overview", org_id=request.organization.public_id)
    return render(request, "credits/redeem.html", {"form": form}, status=status if form.errors else 200)


@organization_page(Permission.BUY)
@require_http_methods(["GET", "POST"])
def give(request: OrganizationRequest) -> HttpResponse:
    form = GiftCardForm(request.POST or None, initial={"attempt": uuid4().hex, "sender": request.organization.name})
    if request.method == "POST" and form.is_valid():
        try:
            purchase = start_gift_card_purchase(
                organization=request.organization, buyer=request.user, now=timezone.now(), **form.cleaned_data
            )
        except PortalError as problem:
            form.add_error(None, problem.message)
        else:
            return redirect(purchase.continue_url)
    return render(request, "credits/give.html", {"form": form}, status=400 if form.errors else 200)

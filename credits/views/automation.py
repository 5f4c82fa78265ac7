"""Automatic top-ups, and the threshold below which a balance counts as low."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.errors import InvalidInput, PortalError
from core.refusals import add_refusal
from credits.forms import AutoTopUpForm, ThresholdForm, typed_amount
from credits.low_balance_alerts import set_threshold
from credits.models import AutoTopUp, Wallet
from credits.services.top_ups import set_auto_top_up, spent_this_month, switch_off


@organization_page(Permission.BUY)
@require_http_methods(["GET", "POST"])
def automation(request: OrganizationRequest) -> HttpResponse:
    form = AutoTopUpForm(request.POST or None, organization=request.organization)
    if request.method == "POST" and form.is_valid():
        pack = form.cleaned_data["pack"]
        try:
            set_auto_top_up(
                organization=request.organization,
                pack=pack,
                threshold=form.cleaned_data["threshold"],
                monthly_cap=_cap(form, pack.currency),
                now=timezone.now(),
            )
        except InvalidInput as problem:
            add_refusal(form, problem)
        else:
            messages.success(request, f"Automatic top-up is on: {pack.title} for {pack.money}.")
            return _back(request)
    now = timezone.now()
    top_ups = AutoTopUp.objects.filter(wallet__organization=request.organization).select_related("wallet", "pack__unit")
    wallets = (
        Wallet.objects.filter(organization=request.organization).select_related("unit", "alert").order_by("unit_id")
    )
    return render(
        request,
        "credits/automation.html",
        {
            "form": form,
            "top_ups": [
                (
                    top_up,
                    top_up.pack.unit.describe(top_up.threshold),
                    spent_this_month(wallet=top_up.wallet, now=now),
                )
                for top_up in top_ups
            ],
            "thresholds": [(wallet, _threshold_form(wallet)) for wallet in wallets],
        },
        status=400 if form.errors else 200,
    )


@organization_page(Permission.BUY)
@require_POST
def stop_top_up(request: OrganizationRequest, pk: int) -> HttpResponse:
    top_up = get_object_or_404(AutoTopUp, pk=pk, wallet__organization=request.organization)
    switch_off(top_up=top_up, reason="Switched off by you.", now=timezone.now())
    messages.success(request, "Automatic top-up is off.")
    return _back(request)


@organization_page(Permission.BUY)
@require_POST
def threshold(request: OrganizationRequest, unit: str) -> HttpResponse:
    wallet = get_object_or_404(
        Wallet.objects.select_related("organization", "unit"), organization=request.organization, unit=unit
    )
    form = ThresholdForm(request.POST, unit=wallet.unit)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return _back(request)
    try:
        set_threshold(wallet=wallet, threshold=form.cleaned_data["threshold"], now=timezone.now())
    except PortalError as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, "Saved.")
    return _back(request)


def _cap(form: AutoTopUpForm, currency: str) -> int:
    try:
        return typed_amount(form.cleaned_data["monthly_cap"], currency)
    except InvalidInput as problem:
        raise InvalidInput(problem.message, field="monthly_cap") from None


def _threshold_form(wallet: Wallet) -> ThresholdForm:
    alert = getattr(wallet, "alert", None)
    return ThresholdForm(
        unit=wallet.unit,
        initial={"threshold": alert.threshold.normalize() if alert and alert.threshold is not None else None},
    )


def _back(request: OrganizationRequest) -> HttpResponse:
    return redirect("credits:automation", org_id=request.organization.public_id)

"""Every movement of an organization's credits, by month; the same as a file."""

from datetime import UTC, datetime

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from credits.exports import ledger_csv
from credits.models import LedgerEntry, Wallet
from credits.presentation import entry_lines, month_totals

PAGE = 50


@organization_page(Permission.VIEW)
@require_GET
def history(request: OrganizationRequest) -> HttpResponse:
    wallets = list(Wallet.objects.filter(organization=request.organization).select_related("unit").order_by("unit_id"))
    wallet = _chosen(request, wallets)
    entries = LedgerEntry.objects.filter(wallet=wallet).select_related("grant", "actor").order_by("-sequence")
    page = Paginator(entries, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "credits/history.html",
        {
            "wallets": wallets,
            "wallet": wallet,
            "months": month_totals(wallet, now=timezone.now()) if wallet else [],
            "page": page,
            "lines": entry_lines(page.object_list, wallet.unit) if wallet else [],
        },
    )


@organization_page(Permission.VIEW)
@require_GET
def download(request: OrganizationRequest) -> StreamingHttpResponse:
    """All entries of one unit, newest first, as a CSV that a spreadsheet opens without running anything."""
    wallet = get_object_or_404(
        Wallet.objects.select_related("unit"), organization=request.organization, unit_id=request.GET.get("unit", "")
    )
    name = f"credits-{wallet.unit_id}-{datetime.now(UTC):%Y-%m-%d}.csv"
    response = StreamingHttpResponse(ledger_csv(wallet), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _chosen(request: OrganizationRequest, wallets: list[Wallet]) -> Wallet | None:
    code = request.GET.get("unit")
    if not code:
        return wallets[0] if wallets else None
    for wallet in wallets:
        if wallet.unit_id == code:
            return wallet
    raise Http404(f"This organization has no {code} credits.")

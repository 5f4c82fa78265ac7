"""A second look at a first plan or a change: what it is, what it costs now, from when it holds. Then it is done."""

from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.errors import PortalError
from core.refusals import refusal_as_message
from plans.errors import SelectionRefused
from plans.models import Plan, PlanChange, Subscription
from plans.presentation import PER, line_rows, quantity_control
from plans.services.checkout import start_checkout
from plans.services.commitment_fold_in import fold_in, quote_fold_in
from plans.services.plan_changes import change_plan
from plans.services.quotes import Quote, quote
from plans.services.selections import choose

# A price shown longer ago than this is calculated anew before anybody is charged.
SHOWN_PRICE_HOLDS = timedelta(minutes=15)


@organization_page(Permission.MANAGE_PLAN)
def review(request: OrganizationRequest) -> HttpResponse:
    """GET shows the quote for `?plan=&interval=&quantity=`; POST goes to the checkout, or carries the change out."""
    asked = request.POST if request.method == "POST" else request.GET
    plan_code, interval, quantity = asked.get("plan", ""), asked.get("interval", "month"), asked.get("quantity", "")
    try:
        selection = choose(
            organization=request.organization, plan=plan_code, interval=interval, quantity=_whole(quantity)
        )
    except SelectionRefused as refused:
        return _ask_for_quantity(request, plan_code, interval, quantity, refused)
    except PortalError as refused:
        messages.error(request, refused.message)
        return redirect("plans:choose", org_id=request.organization.public_id)
    base = Subscription.objects.base_of(request.organization)
    with refusal_as_message(request):
        quoted = quote(organization=request.organization, selection=selection, now=_shown_at(request) or timezone.now())
        if request.method == "POST" and base is None:
            checkout = start_checkout(
                organization=request.organization, selection=selection, user=request.user, now=timezone.now()
            )
            return redirect(checkout.url)
        if request.method == "POST" and _is_as_shown(request, quoted):
            change = change_plan(
                organization=request.organization,
                selection=selection,
                quote=quoted,
                user=request.user,
                now=timezone.now(),
            )
            messages.success(request, _done(change))
            return redirect("plans:plan", org_id=request.organization.public_id)
        return render(request, "plans/review.html", _context(quoted, base))
    return redirect("plans:plan", org_id=request.organization.public_id)


@organization_page(Permission.MANAGE_PLAN)
def fold(request: OrganizationRequest) -> HttpResponse:
    """What is on demand becomes part of the commitment, after a look at what that costs."""
    with refusal_as_message(request):
        quoted = quote_fold_in(organization=request.organization, now=_shown_at(request) or timezone.now())
        if request.method != "POST" or not _is_as_shown(request, quoted):
            base = Subscription.objects.base_of(request.organization)
            return render(request, "plans/review.html", _context(quoted, base) | {"folds": True})
        fold_in(organization=request.organization, user=request.user, quote=quoted, now=timezone.now())
        messages.success(request, f"Done: {quoted.selection.quantity} are part of your plan, nothing is on demand.")
    return redirect("plans:plan", org_id=request.organization.public_id)


def _context(quoted: Quote, base: Subscription | None) -> dict[str, object]:
    selection = quoted.selection
    return {
        "quote": quoted,
        "base": base,
        "selection": selection,
        "rows": line_rows(quoted.lines),
        "per": PER[selection.interval],
        "shown_at": int(quoted.effective_at.timestamp()),
        "control": quantity_control(selection.plan, selection.interval, value=selection.quantity),
        "trial_days": selection.plan.trial_days if base is None else 0,
    }


def _ask_for_quantity(
    request: OrganizationRequest, plan: str, interval: str, quantity: str, refused: SelectionRefused
) -> HttpResponse:
    """A quantity that is not sold comes back beside its field; anything else leads back to the plans."""
    found = Plan.objects.for_pricing().filter(code=plan).first()
    if refused.code != "quantity_not_offered" or found is None or not found.has_commitment:
        messages.error(request, refused.message)
        return redirect("plans:choose", org_id=request.organization.public_id)
    control = quantity_control(found, interval, value=_whole(quantity), errors=[refused.message])
    context = {"plan": found, "interval": interval, "control": control}
    return render(request, "plans/quantity.html", context, status=422)


def _whole(text: str) -> int | None:
    """What was typed as a whole number; zero (which no plan sells) for what is none, so that it is refused by name."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _shown_at(request: OrganizationRequest) -> datetime | None:
    """When the quote on the page was made, if that is not long ago: its proration counts from that second."""
    text = request.POST.get("shown_at", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        return None
    shown_at = datetime.fromtimestamp(int(text), tz=UTC)
    return shown_at if timedelta(0) <= timezone.now() - shown_at <= SHOWN_PRICE_HOLDS else None


def _is_as_shown(request: OrganizationRequest, quoted: Quote) -> bool:
    """Whether what would be charged is what the customer saw; if not, they look again."""
    if request.POST.get("due") == str(quoted.due_now.amount):
        return True
    messages.warning(request, "The amount has changed since you looked. Please check it once more.")
    return False


def _done(change: PlanChange) -> str:
    if change.timing == PlanChange.Timing.RENEWAL:
        when = f"{change.effective_at:%-d %B %Y, %H:%M} UTC"
        return f"Planned: {change.to_plan} from {when}. You can take it back until then."
    return f"Done: you are on {change.to_plan}."

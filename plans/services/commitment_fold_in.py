"""Folding in: what is used on demand becomes part of the commitment."""

from datetime import datetime

from accounts.models import Organization, User
from plans.errors import NothingToFoldIn
from plans.models import OnDemand, PlanChange
from plans.services.companion_subscription import drop_on_demand
from plans.services.plan_changes import change_plan
from plans.services.quotes import Quote, quote_change, require_base
from plans.services.selections import Selection


def folded_selection(*, organization: Organization) -> Selection:
    """The commitment that covers what was bought and what is on demand. Raises NoSubscription, NothingToFoldIn."""
    base = require_base(organization)
    on_demand = OnDemand.objects.filter(organization=organization, wanted__gt=0).first()
    if on_demand is None or not base.plan.has_commitment:
        raise NothingToFoldIn("Nothing is used on demand at the moment.")
    quantity = base.plan.commitment.bounds.covering((base.quantity or 0) + on_demand.wanted)
    if quantity is None:
        raise NothingToFoldIn(
            f"{base.plan} goes up to {base.plan.commitment.maximum}, which does not cover what is used."
        )
    return Selection(base.plan, base.interval, quantity)


def quote_fold_in(*, organization: Organization, now: datetime) -> Quote:
    """What the larger commitment costs until the renewal. The rest of the month on demand is credited besides."""
    return quote_change(organization=organization, selection=folded_selection(organization=organization), now=now)


def fold_in(
    *, organization: Organization, user: User | None = None, now: datetime, quote: Quote | None = None
) -> PlanChange:
    """Raise the commitment with the saved card, then end what was on demand. Raises what `change_plan` raises."""
    selection = quote.selection if quote else folded_selection(organization=organization)
    change = change_plan(organization=organization, selection=selection, quote=quote, user=user, now=now)
    drop_on_demand(organization=organization, now=now)
    return change

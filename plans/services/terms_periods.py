"""From subscriptions to terms: which plan an organization is on, and from when."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Organization
from core.locks import for_update
from plans import hooks
from plans.models import OnDemand, Plan, PlanChange, Subscription, TermsPeriod


@dataclass(frozen=True, slots=True)
class PeriodSpec:
    """What a period should say, by the organization's subscriptions."""

    plan: Plan
    interval: str
    bought: int | None
    companion_paid: bool

    def matches(self, period: TermsPeriod) -> bool:
        return self.columns == {name: getattr(period, name) for name in self.columns}

    @property
    def columns(self) -> dict[str, object]:
        return {
            "plan": self.plan,
            "interval": self.interval,
            "bought": self.bought,
            "companion_paid": self.companion_paid,
        }


@transaction.atomic
def sync_terms_periods(*, organization: Organization, now: datetime) -> TermsPeriod | None:
    """Bring the organization's periods in line with what its subscriptions pay for; returns the one that holds now.

    A change takes effect at `now`, never before: what was counted keeps its terms. A planned change or cancellation is
    written ahead, so that nothing has to run at its instant. A second run changes nothing.
    """
    organization = for_update(Organization.objects.filter(pk=organization.pk)).get()
    periods = list(TermsPeriod.objects.of(organization).select_related("plan", "subscription"))
    # A worker that waited for the lock may carry an older `now` than the one that held it.
    now = max([now, *(period.written_at for period in periods)])
    begun = [period for period in periods if period.starts_at <= now]
    before = [_snapshot(period) for period in periods]
    base = Subscription.objects.base_of(organization)
    change = PlanChange.objects.scheduled().select_related("to_plan").filter(subscription=base).first()
    spec = _current_spec(base, change, now) if base else None

    TermsPeriod.objects.of(organization).filter(starts_at__gt=now).delete()
    current = begun[-1] if begun and (begun[-1].ends_at is None or begun[-1].ends_at > now) else None
    if current and not (spec and base and spec.matches(current) and current.subscription_id == base.pk):
        _close(current, now)
        current = None
    if spec and base and current is None:
        current = _open(base, spec, [period for period in begun if period.pk], now)
    if current and base:
        _plan_ahead(current, base, change, now)
    after = [_snapshot(period) for period in TermsPeriod.objects.of(organization)]
    if before != after:
        hooks.terms_changed(organization=organization, since=now, now=now)
    return current


def _current_spec(base: Subscription, change: PlanChange | None, now: datetime) -> PeriodSpec | None:
    if not base.gives_access or (base.cancel_at and base.cancel_at <= now):
        return None
    paid = not _companion_is_in_trouble(base.organization)
    if change and change.effective_at <= now:
        return PeriodSpec(change.to_plan, change.to_interval, change.to_quantity, paid)
    return PeriodSpec(base.plan, base.interval, base.quantity, paid)


def _companion_is_in_trouble(organization: Organization) -> bool:
    """Its renewal was not paid, or the card did not pay for it to begin or grow."""
    companion = Subscription.objects.companion_of(organization)
    refused = OnDemand.objects.filter(organization=organization, refused_at__isnull=False).exists()
    return refused or (companion is not None and companion.dunning_status != Subscription.DunningStatus.GOOD)


def _close(period: TermsPeriod, now: datetime) -> None:
    """End it now; one that only begins now has never been, and goes."""
    if period.starts_at >= now:
        period.delete()
        return
    period.ends_at = now
    period.save(update_fields=["ends_at"])


def _open(base: Subscription, spec: PeriodSpec, earlier: list[TermsPeriod], now: datetime) -> TermsPeriod:
    """Begin a period now: in the stretch of the same subscription's earlier ones, else in a new stretch."""
    last = earlier[-1] if earlier else None
    goes_on = last is not None and last.subscription_id == base.pk
    return TermsPeriod.objects.create(
        organization=base.organization,
        subscription=base,
        window_anchor=last.window_anchor if last and goes_on else base.anchor,
        stretch_start=last.stretch_start if last and goes_on else now,
        starts_at=now,
        written_at=now,
        **spec.columns,
    )


def _plan_ahead(current: TermsPeriod, base: Subscription, change: PlanChange | None, now: datetime) -> None:
    ahead = change if change and change.effective_at > now else None
    ends_at = ahead.effective_at if ahead else base.cancel_at
    if current.ends_at != ends_at:
        current.ends_at = ends_at
        current.save(update_fields=["ends_at"])
    if ahead:
        TermsPeriod.objects.create(
            organization=base.organization,
            subscription=base,
            plan=ahead.to_plan,
            interval=ahead.to_interval,
            bought=ahead.to_quantity,
            companion_paid=current.companion_paid,
            window_anchor=current.window_anchor,
            stretch_start=current.stretch_start,
            starts_at=ahead.effective_at,
            written_at=now,
        )


def _snapshot(period: TermsPeriod) -> tuple[object, ...]:
    return (period.plan_id, period.interval, period.bought, period.companion_paid, period.starts_at, period.ends_at)

"""The events that plans publish, for emails and webhooks, and the data of each."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.models import Organization
from notifications.services import publish
from plans.models import DunningCase, OnDemand, Subscription
from plans.presentation import price_line


def subscription_data(subscription: Subscription) -> dict[str, object]:
    """What `subscription.updated` carries. The names are those of `docs/webhooks.md`, which programs rely on."""
    return {
        "subscription": subscription.stripe_id,
        "role": subscription.role,
        "plan": subscription.plan.code,
        "interval": subscription.interval,
        "quantity": subscription.quantity,
        "status": subscription.status,
        "standing": subscription.dunning_status,
        "cancel_at": subscription.cancel_at.isoformat() if subscription.cancel_at else None,
        "trial_end": subscription.trial_end.isoformat() if subscription.trial_end else None,
        "current_period_end": subscription.current_period_end.isoformat() if subscription.current_period_end else None,
    }


def announce_subscription(*, subscription: Subscription, before: dict[str, object] | None, now: datetime) -> None:
    """`subscription.updated`, once per change since `before`. A subscription that never began is not announced."""
    data = subscription_data(subscription)
    if data == before or (subscription.revision == 0 and not subscription.is_live):
        return
    subscription.revision += 1
    subscription.save(update_fields=["revision"])
    publish(
        type="subscription.updated",
        organization=subscription.organization,
        data=data,
        key=f"{subscription.stripe_id}:{subscription.revision}",
        now=now,
    )


def announce_failed_attempt(*, case: DunningCase, attempt: int, now: datetime) -> None:
    """`payment.failed`, once per invoice and attempt."""
    _publish_case("payment.failed", case, f"{case.stripe_invoice_id}:{attempt}", now, attempt=attempt)


def announce_reminder(*, case: DunningCase, now: datetime) -> None:
    _publish_case("payment.reminder", case, case.stripe_invoice_id, now)


def announce_downgrade(*, case: DunningCase, now: datetime) -> None:
    _publish_case("plan.downgraded", case, case.stripe_invoice_id, now)


def announce_restored_plan(*, case: DunningCase, now: datetime) -> None:
    _publish_case("plan.restored", case, case.stripe_invoice_id, now)


def announce_suspension(*, case: DunningCase, now: datetime) -> None:
    _publish_case("organization.suspended", case, case.stripe_invoice_id, now)


def announce_restoration(*, case: DunningCase, now: datetime) -> None:
    _publish_case("organization.restored", case, case.stripe_invoice_id, now)


def announce_refusal(*, organization: Organization, on_demand: OnDemand, now: datetime) -> None:
    publish(
        type="on_demand.refused",
        organization=organization,
        data={"quantity": on_demand.wanted, "reason": on_demand.refusal},
        email_context={"plan_url": _page("plans:plan", organization)},
        key=f"{organization.public_id}:{now.isoformat()}",
        now=now,
    )


def announce_trial_end(*, subscription: Subscription, days: int, now: datetime) -> None:
    """Once per trial and number of days."""
    assert subscription.trial_end is not None
    publish(
        type="trial.ending",
        organization=subscription.organization,
        data={
            "plan": subscription.plan.code,
            "plan_name": subscription.plan.name,
            "interval": subscription.interval,
            "trial_end": subscription.trial_end.isoformat(),
            "days": days,
        },
        key=f"{subscription.stripe_id}:{subscription.trial_end.isoformat()}:{days}",
        now=now,
        email_context={
            "ends": _when(subscription.trial_end),
            "price": price_line(subscription),
            "plan_url": _page("plans:plan", subscription.organization),
        },
    )


def _publish_case(type: str, case: DunningCase, key: str, now: datetime, **more: object) -> None:
    plan, pack = case.subscription, case.pack_subscription
    publish(
        type=type,
        organization=case.organization,
        data={
            "invoice": case.stripe_invoice_id,
            "number": case.invoice_number,
            "amount_due": case.amount_due,
            "currency": case.currency,
            "amount": str(case.money),
            "hosted_invoice_url": case.hosted_invoice_url,
            "subscription": plan.stripe_id if plan else pack.stripe_subscription if pack else None,
            "role": plan.role if plan else "pack",
            "plan": plan.plan.code if plan else None,
            "plan_name": plan.plan.name if plan else None,
            "pack": pack.pack.code if pack else None,
            "attempts": case.attempts,
            "next_attempt_at": case.next_attempt_at.isoformat() if case.next_attempt_at else None,
            "suspends_at": case.suspends_at.isoformat() if case.suspends_at else None,
        }
        | more,
        key=key,
        now=now,
        email_context={
            "what": case.what,
            "pay_url": case.hosted_invoice_url or _page("plans:invoices", case.organization),
            "plan_url": _page("plans:plan", case.organization),
            "tries_again": _when(case.next_attempt_at),
            "suspends": _when(case.suspends_at),
            "is_base": plan is not None and plan.role == Subscription.Role.BASE,
            "is_pack": pack is not None,
        },
    )


def _page(name: str, organization: Organization) -> str:
    return f"{settings.PORTAL_URL}{reverse(name, args=[organization.public_id])}"


def _when(moment: datetime | None) -> str:
    return f"{moment:%-d %b %Y, %H:%M} UTC" if moment else ""

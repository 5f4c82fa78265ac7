"""The events that credits publish, and the data of each, in one place.

`data` is what webhooks carry: a contract with the products that receive it. What only the emails say (words, addresses
of pages) is in their context.
"""

from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings
from django.urls import reverse

from accounts.models import Organization
from core.money import Money
from core.quantities import as_text
from credits.models import (
    AutoTopUp,
    CreditGrant,
    GiftCard,
    GiftCardOrder,
    Purchase,
    Refund,
    WalletAlert,
)
from notifications import services as notifications
from payments.stripe_objects import StripeInvoice


def announce_grant(*, grant: CreditGrant, purchase: Purchase | None = None, now: datetime) -> None:
    """`credits.granted`, once per grant. A purchase's `resume` goes back untouched."""
    notifications.publish(
        type="credits.granted",
        organization=grant.wallet.organization,
        key=grant.public_id,
        data={
            "grant": grant.public_id,
            "unit": grant.wallet.unit_id,
            "amount": as_text(grant.amount),
            "source": grant.source,
            "reason": grant.reason,
            "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
            "purchase": purchase.public_id if purchase else None,
            "resume": purchase.resume if purchase else None,
        },
        now=now,
    )


def announce_receipt(*, purchase: Purchase, now: datetime) -> None:
    """The receipt email of a paid purchase."""
    notifications.publish(
        type="purchase.receipt",
        organization=purchase.organization,
        key=purchase.public_id,
        data={
            "purchase": purchase.public_id,
            "title": purchase.title,
            "paid": str(purchase.paid),
            "receipt_url": purchase.receipt_url,
        },
        email_context={
            "facts": [{"label": label, "value": value} for label, value in _receipt(purchase)],
            "for_somebody": purchase.kind == Purchase.Kind.GIFT_CARD,
            "topped_up": purchase.kind == Purchase.Kind.TOP_UP,
            "purchase_url": purchase.page_url,
        },
        now=now,
    )


def announce_failure(*, purchase: Purchase, now: datetime) -> None:
    """A payment under way for days came to nothing: the buyer has left the page and must be notified."""
    notifications.publish(
        type="purchase.failed",
        organization=purchase.organization,
        key=purchase.public_id,
        data={"purchase": purchase.public_id, "title": purchase.title, "reason": purchase.failure},
        email_context={"price": str(purchase.money), "buy_url": _page("buy", purchase.organization)},
        now=now,
    )


def announce_unpaid_renewal(*, first: Purchase, invoice: StripeInvoice, now: datetime) -> None:
    """A recurring pack was not paid this time: no credits, until it is or another pack is bought."""
    notifications.publish(
        type="purchase.failed",
        organization=first.organization,
        key=f"renewal:{invoice.id}",
        data={
            "purchase": first.public_id,
            "title": first.title,
            "reason": "This pack renews by itself, and your card was declined. It is tried again within some days.",
        },
        email_context={
            "price": str(Money(invoice.amount_due, invoice.currency)),
            "pay_url": invoice.hosted_invoice_url,
            "buy_url": _page("buy", first.organization),
        },
        now=now,
    )


def announce_redemption(*, card: GiftCard, now: datetime) -> None:
    """`gift_card.redeemed`, to the organization that has the credits now."""
    assert card.redeemed_by is not None
    notifications.publish(
        type="gift_card.redeemed",
        organization=card.redeemed_by,
        key=card.public_id,
        data={
            "gift_card": card.public_id,
            "name": card.name,
            "unit": card.unit_id,
            "amount": as_text(card.amount),
            "grant": card.grant.public_id if card.grant else None,
        },
        now=now,
    )


def send_bought_card(*, card: GiftCard, order: GiftCardOrder, code: str, now: datetime) -> None:
    """The code, to whom the card is for; the message is removed from the log once it is sent."""
    notifications.send_email(
        to=order.recipient,
        template="gift_card",
        context={
            "card": card,
            "order": order,
            "code": code,
            "sender": order.sender or order.purchase.organization.name,
            "sign_up_url": f"{settings.PORTAL_URL}{reverse('account_signup')}",
        },
        key=f"gift-card:{card.public_id}",
        confidential=True,
        now=now,
    )


def announce_refund(*, refund: Refund, now: datetime) -> None:
    """`refund.completed`: the money has left us."""
    purchase = refund.purchase
    notifications.publish(
        type="refund.completed",
        organization=purchase.organization,
        key=refund.public_id,
        data={
            "refund": refund.public_id,
            "purchase": purchase.public_id,
            "title": purchase.title,
            "amount": refund.amount,
            "currency": purchase.currency,
            "unit": purchase.unit_id,
            "credits": as_text(refund.credits),
            "reason": refund.reason,
        },
        email_context={
            "money": str(refund.money),
            "worth": purchase.unit.describe(refund.credits),
            "purchase_url": purchase.page_url,
        },
        now=now,
    )


def announce_low(*, alert: WalletAlert, available: Decimal, now: datetime) -> None:
    """`credits.low`, once per top-up."""
    _about_balance("credits.low", alert, available, now)


def announce_exhausted(*, alert: WalletAlert, now: datetime) -> None:
    """`credits.exhausted`, once per top-up."""
    _about_balance("credits.exhausted", alert, Decimal(0), now)


def announce_expiring(*, grant: CreditGrant, days: int, now: datetime) -> bool:
    """`credits.expiring`, once per grant and warning. False when it was published before."""
    event = notifications.publish(
        type="credits.expiring",
        organization=grant.wallet.organization,
        key=f"{grant.public_id}:{days}",
        data={
            "grant": grant.public_id,
            "unit": grant.wallet.unit_id,
            "amount": as_text(grant.remaining - grant.held),
            "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
            "days": days,
        },
        email_context={
            "worth": grant.wallet.unit.describe(grant.remaining - grant.held),
            "expires": _moment(grant.expires_at) if grant.expires_at else "",
            "source": grant.reason or grant.get_source_display(),
            "credits_url": _page("overview", grant.wallet.organization),
        },
        now=now,
    )
    return event.is_new


def announce_top_up_off(*, top_up: AutoTopUp, purchase: Purchase, now: datetime) -> None:
    """The owner must act: the standing order bought nothing and is off."""
    notifications.publish(
        type="top_up.switched_off",
        organization=purchase.organization,
        key=purchase.public_id,
        data={
            "unit": purchase.unit_id,
            "title": purchase.title,
            "price": str(purchase.money),
            "reason": top_up.off_reason,
        },
        email_context={
            "buy_url": _page("buy", purchase.organization),
            "automation_url": _page("automation", purchase.organization),
        },
        now=now,
    )


def _about_balance(code: str, alert: WalletAlert, available: Decimal, now: datetime) -> None:
    wallet = alert.wallet
    notifications.publish(
        type=code,
        organization=wallet.organization,
        key=f"{wallet.pk}:{alert.top_ups}",
        data={
            "unit": wallet.unit_id,
            "available": as_text(available),
            "after_last_top_up": as_text(alert.level),
        },
        email_context={
            "unit_name": wallet.unit.name,
            "worth": wallet.unit.describe(available),
            "level": wallet.unit.describe(alert.level),
            "own_threshold": wallet.unit.describe(alert.threshold) if alert.threshold is not None else "",
            "buy_url": _page("buy", wallet.organization),
            "automation_url": _page("automation", wallet.organization),
        },
        now=now,
    )


def _receipt(purchase: Purchase) -> list[tuple[str, str]]:
    """What a receipt has to say, line by line."""
    lines = [
        ("What", purchase.title),
        ("Paid", str(purchase.paid)),
        ("When", _moment(purchase.paid_at) if purchase.paid_at else ""),
        ("For", purchase.organization.name),
        ("Number", purchase.public_id),
    ]
    if purchase.paid != purchase.money:
        lines.insert(1, ("Price", f"{purchase.money} before discounts and taxes"))
    if purchase.kind == Purchase.Kind.GIFT_CARD:
        lines.append(("Code sent to", purchase.gift_card_order.recipient))
    elif purchase.grant is not None:
        expires_at = purchase.grant.expires_at
        lines.append(("Valid", f"until {_moment(expires_at)}" if expires_at else "for ever"))
    return lines


def _page(name: str, organization: Organization) -> str:
    return f"{settings.PORTAL_URL}{reverse(f'credits:{name}', args=[organization.public_id])}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"

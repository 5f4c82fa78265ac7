"""May an organization use n of a meter now? The answer as programs and people get it, with the way out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypedDict
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from accounts.models import Organization
from core.quantities import as_text, grouped
from credits.engine.wallet_state import WalletState
from credits.models import CreditPack, Wallet
from plans.models import Meter
from plans.terms_in_force import terms_for
from usage.engine.entitlement import Decision
from usage.services.meter_snapshots import MeterSnapshot, meter_snapshots

ONE = Decimal(1)


class AllowanceAnswer(TypedDict):
    """What the plan includes per window; quantities as texts, `included` None is unlimited."""

    included: str | None
    used: str
    held: str
    remaining: str | None
    window_start: str
    window_end: str


class NextExpiryAnswer(TypedDict):
    amount: str
    at: str


class CreditsAnswer(TypedDict):
    """Of one wallet, in credits of its unit."""

    unit: str
    available: str
    held: str
    debt: str
    next_expiry: NextExpiryAnswer | None


class CommitmentAnswer(TypedDict):
    bought: str
    used: str


class ConcurrencyAnswer(TypedDict):
    limit: int
    open: int


class ActionAnswer(TypedDict):
    """The way out of a refusal."""

    kind: Literal["buy_credits", "change_plan", "buy_quantity", "pay_invoice"]
    url: str


class EntitlementAnswer(TypedDict):
    """An entitlement as the API gives it; sections that do not apply are None."""

    meter: str | None
    allowed: bool
    code: str
    message: str
    allowance: AllowanceAnswer | None
    credits: CreditsAnswer | None
    commitment: CommitmentAnswer | None
    concurrency: ConcurrencyAnswer | None
    on_exhausted: str | None
    as_of: str
    action: ActionAnswer | None


class OfferedPackAnswer(TypedDict):
    """`price` is in minor units of `currency`."""

    code: str
    credits: str | None
    price: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A decision about one meter, and all that was looked at."""

    snapshot: MeterSnapshot
    decision: Decision

    def as_json(self) -> EntitlementAnswer:
        snapshot, decision = self.snapshot, self.decision
        terms = snapshot.meter_terms
        return {
            "meter": snapshot.meter.code,
            "allowed": decision.allowed,
            "code": decision.code,
            "message": message_of(snapshot, decision),
            "allowance": _allowance(snapshot),
            "credits": _credits(snapshot),
            "commitment": {
                "bought": str(terms.commitment.bought),
                "used": as_text(snapshot.use.used),
            }
            if terms and terms.commitment
            else None,
            "concurrency": {"limit": terms.concurrency, "open": snapshot.use.open_holds}
            if terms and terms.concurrency is not None
            else None,
            "on_exhausted": _on_exhausted(snapshot),
            "as_of": snapshot.at.isoformat(),
            "action": action_for(snapshot, decision),
        }


def entitlements(
    *, organization: Organization, meters: Iterable[Meter], quantity: Decimal = ONE, now: datetime
) -> list[Entitlement]:
    """One answer for each meter, exact up to the last accepted event."""
    snapshots = meter_snapshots([(organization, meter) for meter in meters], at=now)
    return [Entitlement(snapshot, snapshot.decide(quantity)) for snapshot in snapshots]


def meters_of(*, organization: Organization, now: datetime) -> list[Meter]:
    """Those of the plan, in its order."""
    codes = list(terms_for(organization=organization, at=now).meters)
    found = {meter.code: meter for meter in Meter.objects.in_use().filter(code__in=codes)}
    return [found[code] for code in codes if code in found]


def unit_entitlement(*, organization: Organization, unit: str, now: datetime) -> EntitlementAnswer:
    """The same shape for plain credits, for the refusal of a hold that names a unit in place of a meter."""
    wallet = Wallet.objects.state(organization=organization, unit=unit, at=now)
    code = "suspended" if organization.suspended_at else "debt" if wallet.debt else "limit_reached"
    missing = f"{grouped(wallet.debt)} {unit} credits are owed" if wallet.debt else f"the {unit} credits do not suffice"
    suspended = code == "suspended"
    return {
        "meter": None,
        "allowed": False,
        "code": code,
        "message": suspended_message(organization) if suspended else f"Refused: {missing}. Add credits to go on.",
        "allowance": None,
        "credits": wallet_json(unit, wallet),
        "commitment": None,
        "concurrency": None,
        "on_exhausted": None,
        "as_of": now.isoformat(),
        "action": pay_invoice(organization)
        if suspended
        else {"kind": "buy_credits", "url": buy_url(organization, unit)},
    }


def packs_for(units: Iterable[str]) -> list[OfferedPackAnswer]:
    """What is on sale of these units, cheapest first; open amounts are offered at their minimum."""
    return [
        {
            "code": pack.code,
            "credits": as_text(pack.credits) if pack.credits is not None else None,
            "price": pack.price if pack.price is not None else pack.open_minimum,
            "currency": pack.currency,
        }
        for pack in CreditPack.objects.on_sale().filter(unit__in=list(units))
    ]


def wallet_json(unit: str, wallet: WalletState) -> CreditsAnswer:
    soonest = wallet.next_expiry
    return {
        "unit": unit,
        "available": as_text(wallet.usable),
        "held": as_text(wallet.held),
        "debt": as_text(wallet.debt),
        "next_expiry": {"amount": as_text(soonest.amount), "at": soonest.at.isoformat()} if soonest else None,
    }


def message_of(snapshot: MeterSnapshot, decision: Decision) -> str:
    """What is so and, where it is a refusal, how to go on; for people."""
    name, terms, used = snapshot.meter.name, snapshot.meter_terms, grouped(snapshot.use.used)
    ends = f"{snapshot.window.end:%-d %b %Y %H:%M} UTC"
    included = grouped(terms.included) if terms and terms.included is not None else None
    match decision.code:
        case "allowance" if terms and terms.commitment:
            return f"{name}: {used} of {terms.commitment.bought} bought are in use."
        case "allowance" if included is None:
            return f"{name}: unlimited on this plan."
        case "allowance":
            return f"{name}: {used} of {included} included are used until {ends}."
        case "credits":
            return f"{name}: what is included is used; credits pay for more."
        case "billed":
            return f"{name}: what is included is used; more is billed at the end of the month."
        case "on_demand":
            return f"{name}: beyond what was bought, billed monthly on demand."
        case "limit_reached":
            return f"{name}: {used} of {included} included are used. {_way_out(snapshot)} More is included from {ends}."
        case "commitment_reached":
            bought = terms.commitment.bought if terms and terms.commitment else 0
            return f"{name}: all {bought} that were bought are in use. Buy the next bundle to go on."
        case "concurrency_reached":
            limit = terms.concurrency if terms else 0
            return f"{name}: {limit} at a time are possible on this plan, and all are running. Wait for one to end."
        case "debt":
            return f"{name}: credits are owed. Add credits: they repay this first, then work goes on."
        case "budget_reached":
            return f"{name}: the monthly cap on billed usage is reached. It begins anew on {ends}."
        case "suspended":
            return suspended_message(snapshot.organization)
        case _:
            return f"{name} is not part of the present plan. Choose a plan that has it."


def action_for(snapshot: MeterSnapshot, decision: Decision) -> ActionAnswer | None:
    """What to do about a refusal, and where; None when it is allowed."""
    if decision.allowed:
        return None
    organization = snapshot.organization
    match decision.code:
        case "suspended":
            return pay_invoice(organization)
        case "commitment_reached":
            return {"kind": "buy_quantity", "url": page("plans:plan", organization)}
        case "debt" | "limit_reached" if units := paying_units(snapshot):
            return {"kind": "buy_credits", "url": buy_url(organization, units[0])}
        case _:
            return {"kind": "change_plan", "url": f"{settings.PORTAL_URL}{reverse('pricing')}"}


def suspended_message(organization: Organization) -> str:
    return f"{organization.name} is suspended for an unpaid bill. Pay it, and everything works again."


def pay_invoice(organization: Organization) -> ActionAnswer:
    return {"kind": "pay_invoice", "url": page("plans:invoices", organization)}


def checkout_url(snapshot: MeterSnapshot, decision: Decision) -> str:
    action = action_for(snapshot, decision)
    return action["url"] if action else buy_url(snapshot.organization, None)


def buy_url(organization: Organization, unit: str | None) -> str:
    return page("credits:buy", organization) + (f"?{urlencode({'unit': unit})}" if unit else "")


def page(name: str, organization: Organization) -> str:
    """A page's whole address."""
    return f"{settings.PORTAL_URL}{reverse(name, kwargs={'org_id': organization.public_id})}"


def paying_units(snapshot: MeterSnapshot) -> list[str]:
    """Whose credits would let more of it through, in the order in which they are drawn."""
    terms = snapshot.meter_terms
    return [rate.unit for rate in terms.credit_rates] if terms and terms.uses_credits else []


def _way_out(snapshot: MeterSnapshot) -> str:
    return "Buy credits or choose a larger plan to go on." if paying_units(snapshot) else "Choose a larger plan."


def _allowance(snapshot: MeterSnapshot) -> AllowanceAnswer | None:
    terms = snapshot.meter_terms
    if terms is None or terms.commitment is not None:
        return None
    remaining = snapshot.remaining
    return {
        "included": None if terms.included is None else as_text(terms.included),
        "used": as_text(snapshot.use.used),
        "held": as_text(snapshot.use.held_included),
        "remaining": None if remaining is None else as_text(remaining),
        "window_start": snapshot.window.start.isoformat(),
        "window_end": snapshot.window.end.isoformat(),
    }


def _credits(snapshot: MeterSnapshot) -> CreditsAnswer | None:
    """Of the wallet that would pay: the first with anything in it, else the first that is tried."""
    terms = snapshot.meter_terms
    if terms is None or not terms.credit_rates or not terms.uses_credits:
        return None
    units = [rate.unit for rate in terms.credit_rates]
    filled = (unit for unit in units if snapshot.wallet(unit).available or snapshot.wallet(unit).debt)
    unit = next(filled, units[0])
    return wallet_json(unit, snapshot.wallet(unit))


def _on_exhausted(snapshot: MeterSnapshot) -> str | None:
    terms = snapshot.meter_terms
    if terms is None:
        return None
    if terms.commitment is not None:
        return "on_demand" if terms.commitment.on_demand else "block"
    return terms.beyond

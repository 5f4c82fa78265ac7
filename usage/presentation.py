"""How usage is put into words and numbers on pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse

from core.money import Money
from core.quantities import ZERO, grouped
from usage.engine.entitlement import Decision
from usage.services.entitlements import Entitlement, action_for, buy_url, message_of, page, paying_units
from usage.services.history import Point
from usage.services.meter_status import MeterStatus

NEAR = 75


@dataclass(frozen=True, slots=True)
class MeterLine:
    """A meter as `components/meter.html` shows it: numbers of the bar, and the same in words."""

    name: str
    url: str
    used: str
    units: str
    detail: str
    included: Decimal
    credits: Decimal
    billed: Decimal
    unpaid: Decimal
    of: Decimal
    badge: str
    badge_tone: str
    percent: int | None


def meter_line(entitlement: Entitlement) -> MeterLine:
    status = entitlement.status
    included, credits, billed, unpaid = shares(status)
    quota = _quota(status)
    used = status.use.used
    badge, tone = _badge(entitlement)
    return MeterLine(
        name=status.meter.name,
        url=reverse("usage:meter", args=[status.organization.public_id, status.meter.code]),
        used=f"{grouped(used)} {unit_name(status, used)}",
        units=unit_name(status, ZERO),
        detail=_detail(status, quota, credits, billed, unpaid),
        included=included,
        credits=credits,
        billed=billed,
        unpaid=unpaid,
        of=max(used, quota or ZERO, included + credits + billed + unpaid) or Decimal(1),
        badge=badge,
        badge_tone=tone,
        percent=percent_of(used, quota),
    )


def shares(status: MeterStatus) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """What the window used so far: included, from credits, billed, and what nothing has paid for yet."""
    use, coverage = status.use, status.use.coverage
    credits = sum(use.ladder_start.credits.values(), ZERO) + coverage.from_credits
    billed = use.ladder_start.billed + coverage.billed
    open_quantity = max(use.overage - coverage.total + coverage.unpaid, ZERO)
    if status.meter_terms and status.meter_terms.beyond == "bill":
        billed, open_quantity = billed + open_quantity, ZERO
    return max(use.charged - credits - billed - open_quantity, ZERO), credits, billed, open_quantity


def percent_of(used: Decimal, quota: Decimal | None) -> int | None:
    return int(used * 100 / quota) if quota else None


def unit_name(status: MeterStatus, quantity: Decimal) -> str:
    name = status.meter.unit_name
    return name if quantity == 1 or name.isupper() or name.endswith("s") else f"{name}s"


def chart(points: Sequence[Point]) -> dict[str, Any]:
    """What `components/chart_months.html` draws."""
    peak = max((total_of(point) for point in points), default=ZERO)
    return {
        "peak": peak or Decimal(1),
        "peak_label": grouped(peak.quantize(Decimal("0.01")).normalize() + ZERO),
        "half_label": grouped((peak / 2).quantize(Decimal("0.01")).normalize() + ZERO),
        "months": [
            {
                "short": f"{point.start:%b}",
                "label": f"{point.start:%B %Y}",
                "included": point.from_allowance,
                "credits": point.from_credits,
                "billed": point.billed,
                "unpaid": point.unpaid,
                "total": grouped(total_of(point)),
            }
            for point in points
        ],
        "has_unpaid": any(point.unpaid for point in points),
    }


def day_table(points: Sequence[Point]) -> dict[str, Any]:
    """Days as rows of a table; what paid for none of them gets no column."""
    names = {"from_allowance": "Included", "from_credits": "Credits", "billed": "Billed", "unpaid": "Unpaid"}
    shown = [name for name in names if any(getattr(point, name) for point in points)]
    return {
        "columns": [names[name] for name in shown],
        "rows": [
            {"start": point.start, "counted": point.billable, "parts": [getattr(point, name) for name in shown]}
            for point in points
        ],
    }


def total_of(point: Point) -> Decimal:
    return point.from_allowance + point.from_credits + point.billed + point.unpaid


def csv_rows(meter: str, points: Iterable[Point]) -> Iterable[list[object]]:
    yield ["start (UTC)", "meter", "reported", "billable", "from allowance", "from credits", "billed", "unpaid"]
    for point in points:
        parts = (point.quantity, point.billable, point.from_allowance, point.from_credits, point.billed, point.unpaid)
        yield [point.start.isoformat(), meter, *(f"{part.normalize():f}" for part in parts)]


def _quota(status: MeterStatus) -> Decimal | None:
    return status.meter_terms.included if status.meter_terms else None


def _detail(status: MeterStatus, quota: Decimal | None, credits: Decimal, billed: Decimal, unpaid: Decimal) -> str:
    terms = status.meter_terms
    if terms is None:
        return "not part of the present plan"
    if terms.commitment:
        return f"of {terms.commitment.bought} bought"
    unit = f" {name}" if (name := status.meter.unit_name).isupper() else ""
    parts = ["unlimited"] if quota is None else [f"of {grouped(quota)}{unit} included"] if quota else []
    for quantity, words in ((credits, "from credits"), (billed, "billed later"), (unpaid, "not paid yet")):
        if quantity:
            parts.append(f"{grouped(quantity)} {words}")
    return " · ".join(parts)


def _badge(entitlement: Entitlement) -> tuple[str, str]:
    if not entitlement.decision.allowed:
        words = {"concurrency_reached": "All running", "debt": "Credits owed", "suspended": "Suspended"}
        return words.get(entitlement.decision.code, "Used up"), "bad"
    percent = percent_of(entitlement.status.use.used, _quota(entitlement.status))
    if percent is not None and percent >= NEAR and not entitlement.status.use.overage:
        return f"{min(percent, 100)} %", "warn"
    return "", ""


def notice_of(entitlement: Entitlement) -> dict[str, str] | None:
    """The page's notice: what to do before the meter is used up, or now that it is. None while there is enough."""
    status = entitlement.status
    organization = status.organization
    percent = percent_of(status.use.used, _quota(status))
    if entitlement.decision.allowed and (percent is None or percent < NEAR or entitlement.decision.code != "allowance"):
        return None
    units = paying_units(status)
    commitment = status.meter_terms and status.meter_terms.commitment
    buys = bool(units) and not commitment
    return {
        "tone": "info" if entitlement.decision.allowed else "warn",
        "title": f"{status.meter.name}: {grouped(status.use.used)} of {grouped(_quota(status) or ZERO)} used"
        if entitlement.decision.allowed
        else entitlement.as_json()["message"],
        "body": _what_then(status, buys),
        "label": "Buy credits" if buys else "Choose a quantity" if commitment else "See plans",
        "url": f"{reverse('credits:buy', args=[organization.public_id])}?unit={units[0]}"
        if buys
        else f"{reverse('plans:plan', args=[organization.public_id])}{'#commitment' if commitment else ''}",
    }


def _what_then(status: MeterStatus, buys: bool) -> str:
    if buys:
        return "Credits keep it going beyond what is included, or a larger plan includes more."
    if status.meter_terms and status.meter_terms.commitment:
        return ""
    if status.meter_terms and status.meter_terms.is_billed:
        return "What goes beyond is billed with the next invoice. A larger plan includes more."
    return "A larger plan includes more."


# What usage beyond the included does, by the allowance's policy.
BEYOND = {
    "block": "Beyond it, more is refused until then.",
    "credits": "Beyond it, credits pay; where there are none, more is refused.",
    "bill": "Beyond it, usage is billed with the next invoice.",
    "credits_then_bill": "Beyond it, credits pay first, and then the next invoice.",
}
ACTIONS = {
    "pay_invoice": "See the invoices",
    "buy_quantity": "Choose a quantity",
    "buy_credits": "Buy credits",
    "change_plan": "See the plans",
}


def email_words(status: MeterStatus, decision: Decision) -> dict[str, str]:
    """What the emails about a meter say of it: amounts with their unit, times with their zone, one thing to do."""
    terms, used = status.meter_terms, status.use.used
    included = terms.included if terms and terms.included is not None else None
    action = action_for(status, decision)
    units = paying_units(status)
    if action is None and units and terms and terms.beyond.startswith("credits"):
        action = {"kind": "buy_credits", "url": buy_url(status.organization, units[0])}
    return {
        "meter_name": status.meter.name,
        "used": f"{grouped(used)} {unit_name(status, used)}",
        "included": "" if included is None else f"{grouped(included)} {unit_name(status, included)}",
        "new_window": f"{status.window.end:%-d %b %Y, %H:%M} UTC",
        "beyond": BEYOND.get(terms.beyond, "") if terms else "",
        "message": message_of(status, decision),
        "action_label": ACTIONS[action["kind"]] if action else "See your usage",
        "action_url": action["url"] if action else page("usage:overview", status.organization),
        "usage_url": page("usage:overview", status.organization),
    }


def billed_money(status: MeterStatus, amount: int) -> Money | None:
    """What the window's usage is to cost by now; None where nothing is billed."""
    terms = status.meter_terms
    return Money(amount, terms.currency) if terms and terms.is_billed and terms.currency else None

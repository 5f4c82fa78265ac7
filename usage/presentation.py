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
from usage.services.meter_snapshots import MeterSnapshot

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
    snapshot = entitlement.snapshot
    included, credits, billed, unpaid = shares(snapshot)
    quota = _quota(snapshot)
    used = snapshot.use.used
    badge, tone = _badge(entitlement)
    return MeterLine(
        name=snapshot.meter.name,
        url=reverse("usage:meter", args=[snapshot.organization.public_id, snapshot.meter.code]),
        used=f"{grouped(used)} {unit_name(snapshot, used)}",
        units=unit_name(snapshot, ZERO),
        detail=_detail(snapshot, quota, credits, billed, unpaid),
        included=included,
        credits=credits,
        billed=billed,
        unpaid=unpaid,
        of=max(used, quota or ZERO, included + credits + billed + unpaid) or Decimal(1),
        badge=badge,
        badge_tone=tone,
        percent=percent_of(used, quota),
    )


def shares(snapshot: MeterSnapshot) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """What the window used so far: included, from credits, billed, and what nothing has paid for yet."""
    use, coverage = snapshot.use, snapshot.use.coverage
    credits = sum(use.ladder_start.credits.values(), ZERO) + coverage.from_credits
    billed = use.ladder_start.billed + coverage.billed
    open_quantity = max(use.overage - coverage.total + coverage.unpaid, ZERO)
    if snapshot.meter_terms and snapshot.meter_terms.beyond == "bill":
        billed, open_quantity = billed + open_quantity, ZERO
    return max(use.charged - credits - billed - open_quantity, ZERO), credits, billed, open_quantity


def percent_of(used: Decimal, quota: Decimal | None) -> int | None:
    return int(used * 100 / quota) if quota else None


def unit_name(snapshot: MeterSnapshot, quantity: Decimal) -> str:
    name = snapshot.meter.unit_name
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


def _quota(snapshot: MeterSnapshot) -> Decimal | None:
    return snapshot.meter_terms.included if snapshot.meter_terms else None


def _detail(snapshot: MeterSnapshot, quota: Decimal | None, credits: Decimal, billed: Decimal, unpaid: Decimal) -> str:
    terms = snapshot.meter_terms
    if terms is None:
        return "not part of the present plan"
    if terms.commitment:
        return f"of {terms.commitment.bought} bought"
    unit = f" {name}" if (name := snapshot.meter.unit_name).isupper() else ""
    parts = ["unlimited"] if quota is None else [f"of {grouped(quota)}{unit} included"] if quota else []
    for quantity, words in ((credits, "from credits"), (billed, "billed later"), (unpaid, "not paid yet")):
        if quantity:
            parts.append(f"{grouped(quantity)} {words}")
    return " · ".join(parts)


def _badge(entitlement: Entitlement) -> tuple[str, str]:
    if not entitlement.decision.allowed:
        words = {"concurrency_reached": "All running", "debt": "Credits owed", "suspended": "Suspended"}
        return words.get(entitlement.decision.code, "Used up"), "bad"
    percent = percent_of(entitlement.snapshot.use.used, _quota(entitlement.snapshot))
    if percent is not None and percent >= NEAR and not entitlement.snapshot.use.overage:
        return f"{min(percent, 100)} %", "warn"
    return "", ""


def notice_of(entitlement: Entitlement) -> dict[str, str] | None:
    """The page's notice: what to do before the meter is used up, or now that it is. None while there is enough."""
    snapshot = entitlement.snapshot
    organization = snapshot.organization
    percent = percent_of(snapshot.use.used, _quota(snapshot))
    if entitlement.decision.allowed and (percent is None or percent < NEAR or entitlement.decision.code != "allowance"):
        return None
    units = paying_units(snapshot)
    commitment = snapshot.meter_terms and snapshot.meter_terms.commitment
    buys = bool(units) and not commitment
    return {
        "tone": "info" if entitlement.decision.allowed else "warn",
        "title": f"{snapshot.meter.name}: {grouped(snapshot.use.used)} of {grouped(_quota(snapshot) or ZERO)} used"
        if entitlement.decision.allowed
        else entitlement.as_json()["message"],
        "body": _what_then(snapshot, buys),
        "label": "Buy credits" if buys else "Choose a quantity" if commitment else "See plans",
        "url": f"{reverse('credits:buy', args=[organization.public_id])}?unit={units[0]}"
        if buys
        else f"{reverse('plans:plan', args=[organization.public_id])}{'#commitment' if commitment else ''}",
    }


def _what_then(snapshot: MeterSnapshot, buys: bool) -> str:
    if buys:
        return "Credits keep it going beyond what is included, or a larger plan includes more."
    if snapshot.meter_terms and snapshot.meter_terms.commitment:
        return ""
    if snapshot.meter_terms and snapshot.meter_terms.is_billed:
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


def email_words(snapshot: MeterSnapshot, decision: Decision) -> dict[str, str]:
    """What the emails about a meter say of it: amounts with their unit, times with their zone, one thing to do."""
    terms, used = snapshot.meter_terms, snapshot.use.used
    included = terms.included if terms and terms.included is not None else None
    action = action_for(snapshot, decision)
    units = paying_units(snapshot)
    if action is None and units and terms and terms.beyond.startswith("credits"):
        action = {"kind": "buy_credits", "url": buy_url(snapshot.organization, units[0])}
    return {
        "meter_name": snapshot.meter.name,
        "used": f"{grouped(used)} {unit_name(snapshot, used)}",
        "included": "" if included is None else f"{grouped(included)} {unit_name(snapshot, included)}",
        "new_window": f"{snapshot.window.end:%-d %b %Y, %H:%M} UTC",
        "beyond": BEYOND.get(terms.beyond, "") if terms else "",
        "message": message_of(snapshot, decision),
        "action_label": ACTIONS[action["kind"]] if action else "See your usage",
        "action_url": action["url"] if action else page("usage:overview", snapshot.organization),
        "usage_url": page("usage:overview", snapshot.organization),
    }


def billed_money(snapshot: MeterSnapshot, amount: int) -> Money | None:
    """What the window's usage is to cost by now; None where nothing is billed."""
    terms = snapshot.meter_terms
    return Money(amount, terms.currency) if terms and terms.is_billed and terms.currency else None

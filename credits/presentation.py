"""How credits are put into words and numbers on pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Organization
from core.money import Money, minor_digits
from core.quantities import as_text, grouped
from credits.engine.wallet_state import WalletState
from credits.models import CreditGrant, CreditHold, CreditPack, LedgerEntry, Unit, Wallet
from credits.services.forecasts import forecast


@dataclass(frozen=True, slots=True)
class PackCard:
    """A pack as `components/pack_card.html` or `pack_open.html` show it."""

    code: str
    amount: str
    unit: str
    price: str
    note: str
    per: str = ""
    is_open: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    step: Decimal | None = None
    label: str = ""
    value: str = ""
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PackGroup:
    unit: Unit
    packs: list[PackCard]


def pack_groups(
    packs: Iterable[CreditPack],
    *,
    errors: Mapping[str, list[str]] | None = None,
    typed: Mapping[str, str] | None = None,
) -> list[PackGroup]:
    """Packs by unit. `typed`, a form that was sent, and `errors` bring back an open amount and why it was refused."""
    groups: dict[str, PackGroup] = {}
    for pack in packs:
        group = groups.setdefault(pack.unit_id, PackGroup(pack.unit, []))
        refused = (errors or {}).get(pack.code, [])
        value = (typed or {}).get("amount", "") if (typed or {}).get("pack") == pack.code else ""
        group.packs.append(_open_card(pack, refused, value) if pack.is_open else _card(pack))
    return list(groups.values())


def amount_and_unit(unit: Unit, quantity: Decimal) -> tuple[str, str]:
    """For large figures: `("$64.20", "")`, `("8,400", "MAU credits")`."""
    if unit.currency:
        return precise_money(quantity, unit.currency), ""
    return grouped(quantity), unit.name


def precise_money(value: Decimal, currency: str) -> str:
    """As money, with the further places that credits may have: `$0.30`, `$0.0035`."""
    rounded = Money.of_major(value, currency)
    if rounded.major == value:
        return str(rounded)
    sign = "−" if value < 0 else ""
    exact = as_text(abs(value))
    places = len(exact.partition(".")[2])
    symbol = str(Money(0, currency)).rstrip("0.")
    return f"{sign}{symbol}{abs(value):,.{places}f}"


def _card(pack: CreditPack) -> PackCard:
    assert pack.credits is not None and pack.money is not None
    amount, unit = amount_and_unit(pack.unit, pack.credits)
    return PackCard(
        code=pack.code,
        amount=amount,
        unit=unit or "of credits",
        price=f"{pack.money}{f' every {pack.recurring}' if pack.recurring else ''}",
        per="" if pack.unit.currency else _per_thousand(pack),
        note=_validity(pack),
    )


def _open_card(pack: CreditPack, errors: list[str], value: str) -> PackCard:
    lowest, highest = Money(pack.open_minimum or 0, pack.currency), Money(pack.open_maximum or 0, pack.currency)
    return PackCard(
        code=pack.code,
        amount=pack.name or "Any amount",
        unit="",
        price="",
        note=f"{lowest} to {highest}, {_validity(pack)}",
        is_open=True,
        minimum=lowest.major,
        maximum=highest.major,
        step=Decimal(1).scaleb(-minor_digits(pack.currency)),
        label=f"Amount in {pack.currency.upper()}",
        value=value or as_text(lowest.major),
        errors=errors,
    )


def _per_thousand(pack: CreditPack) -> str:
    assert pack.credits is not None and pack.price is not None
    size = Decimal(1000) if pack.credits >= 1000 else Decimal(100)
    if pack.credits <= size:
        return ""
    return f"{Money(int(pack.price * size / pack.credits), pack.currency)} per {grouped(size)}"


def _validity(pack: CreditPack) -> str:
    return f"valid {pack.valid_days:,} days" if pack.valid_days else "never expires"


@dataclass(frozen=True, slots=True)
class Balance:
    """One wallet as a page shows it: the figure, what needs saying about it, and the lots behind it."""

    unit: Unit
    amount: str
    unit_name: str
    note: str
    runs_out_at: datetime | None
    held: str
    debt: str
    frozen: str
    lots: list["LotLine"]


@dataclass(frozen=True, slots=True)
class LotLine:
    grant: str
    left: str
    of: str
    source: str
    reason: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One movement as a sentence and a signed amount."""

    at: datetime
    what: str
    reference: str
    amount: str
    gain: bool
    balance: str
    who: str


@dataclass(frozen=True, slots=True)
class Month:
    """What came and went in one calendar month (UTC)."""

    start: date
    added: str
    used: str
    expired: str
    other: str
    end_balance: str


def balances_of(organization: Organization, *, now: datetime) -> list[Balance]:
    """Every wallet of the organization, those with something in them first."""
    states = Wallet.objects.states(organization=organization, at=now)
    wallets = Wallet.objects.filter(organization=organization).select_related("unit").order_by("unit_id")
    shown = [_balance(wallet, states[wallet.unit_id], now) for wallet in wallets]
    return sorted(shown, key=lambda balance: balance.amount in ("0", "$0.00"))


def in_words(unit: Unit, quantity: Decimal) -> str:
    """Short, for tables: `$3.10`, `1,000`."""
    return amount_and_unit(unit, quantity)[0]


def entry_lines(entries: Iterable[LedgerEntry], unit: Unit) -> list[EntryLine]:
    entries = list(entries)
    jobs = _jobs_of(entries)
    return [
        EntryLine(
            at=entry.created_at,
            what=entry.reason or jobs.get(_hold_id(entry)) or entry.get_kind_display(),
            reference=entry.reference,
            amount=f"{'+' if entry.amount > 0 else ''}{in_words(unit, entry.amount)}",
            gain=entry.amount > 0,
            balance=in_words(unit, entry.balance_after),
            who=str(entry.actor or ""),
        )
        for entry in entries
    ]


def _hold_id(entry: LedgerEntry) -> str:
    """`hold_…` of `hold:hold_…:capture`; empty for what no hold caused."""
    return entry.reference.split(":")[1] if entry.reference.startswith("hold:") else ""


def _jobs_of(entries: Iterable[LedgerEntry]) -> dict[str, str]:
    """By hold: `Job map-render 8812: $5.00 held, cost $3.10`."""
    holds = CreditHold.objects.filter(
        public_id__in={_hold_id(entry) for entry in entries} - {""}, status=CreditHold.Status.CAPTURED
    ).select_related("wallet__unit")
    lines = {}
    for hold in holds:
        unit = hold.wallet.unit
        name = "Job" if hold.reference.startswith("usage:") else f"Job {hold.reference}"
        lines[hold.public_id] = f"{name}: {in_words(unit, hold.amount)} held, cost {in_words(unit, hold.captured)}"
    return lines


def month_totals(wallet: Wallet, *, now: datetime) -> list[Month]:
    """The last twelve calendar months (UTC), this one first; those before the wallet's first entry are left out."""
    months = _last_months(now)
    since = datetime.combine(months[-1], datetime.min.time(), UTC)
    entries = LedgerEntry.objects.filter(wallet=wallet)
    rows = (
        entries.filter(created_at__gte=since)
        .annotate(month=TruncMonth("created_at", tzinfo=UTC))
        .values("month", "kind")
        .annotate(total=Sum("amount"))
    )
    sums: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        sums[row["month"].date()][_column(row["kind"])] += row["total"]
    before = entries.filter(created_at__lt=since).order_by("-sequence").values_list("balance_after", flat=True).first()
    begun = before is not None
    balance = before or Decimal(0)
    ends = _balances_at_ends(entries, since)
    shown = []
    for start in reversed(months):
        begun = begun or start in ends
        if not begun:
            continue
        balance = ends.get(start, balance)
        moved = {name: in_words(wallet.unit, sums[start][name]) for name in ("added", "used", "expired", "other")}
        shown.append(Month(start=start, end_balance=in_words(wallet.unit, balance), **moved))
    return shown[::-1]


def _last_months(now: datetime) -> list[date]:
    """The first days of this month and of the eleven before it."""
    counted = now.year * 12 + now.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(counted, counted - 12, -1)]


def _column(kind: str) -> str:
    kinds = LedgerEntry.Kind
    if kind in (kinds.GRANT, kinds.REINSTATE):
        return "added"
    if kind in (kinds.SPEND, kinds.CAPTURE, kinds.RESTORE):
        return "used"
    return "expired" if kind == kinds.EXPIRE else "other"


def _balances_at_ends(entries: QuerySet[LedgerEntry], since: datetime) -> dict[date, Decimal]:
    """The balance after the last entry of each month that has one."""
    last = (
        entries.filter(created_at__gte=since)
        .annotate(month=TruncMonth("created_at", tzinfo=UTC))
        .order_by("month", "-sequence")
        .distinct("month")
        .values_list("month", "balance_after")
    )
    return {month.date(): balance for month, balance in last}


def _balance(wallet: Wallet, state: WalletState, now: datetime) -> Balance:
    unit = wallet.unit
    amount, unit_name = amount_and_unit(unit, state.available)
    grants = CreditGrant.objects.in_bulk([lot.id for lot in state.lots])
    ends = forecast(wallet=wallet, state=state, now=now).runs_out_at if state.available else None
    return Balance(
        unit=unit,
        amount=amount,
        unit_name=unit_name,
        note=_note(wallet, state, ends, now),
        runs_out_at=ends,
        held=in_words(unit, state.held) if state.held else "",
        debt=in_words(unit, state.debt) if state.debt else "",
        frozen=in_words(unit, state.frozen) if state.frozen else "",
        lots=[
            LotLine(
                grant=lot.public_id,
                left=in_words(unit, lot.remaining),
                of=in_words(unit, grants[lot.id].amount),
                source=grants[lot.id].get_source_display(),
                reason=grants[lot.id].reason,
                expires_at=lot.expires_at,
            )
            for lot in state.lots
        ],
    )


def _note(wallet: Wallet, state: WalletState, ends: datetime | None, now: datetime) -> str:
    """The one thing worth knowing about a balance."""
    if state.debt:
        return f"{in_words(wallet.unit, state.debt)} owed; add credits to go on"
    if ends is not None and ends <= now + timedelta(days=45):
        return f"runs out about {ends:%a} {ends.day} {ends:%b %Y}"
    if state.next_expiry is not None:
        at = state.next_expiry.at
        return f"{in_words(wallet.unit, state.next_expiry.amount)} expire on {at.day} {at:%b %Y} unless used"
    return ""

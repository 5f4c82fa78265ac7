"""Price ladders: what a quantity costs, tier by tier (graduated) or per package. `cost` adds the tiers up.

A ladder says nothing of what its prices are in: credits of a unit for credit rates, major units of a currency (dollars)
for bill rates. Prices are never negative, so a cost never falls as the quantity grows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import NotRequired, Protocol, TypedDict

from core.quantities import STEP, ZERO, NotExact, as_text, as_typed, exact_decimal

# Twenty digits of quantity times twenty-six of price, and room for a quotient: nothing is rounded on the way.
EXACT = Context(prec=90)
PRICE_PLACES = 12
PRICE_STEP = Decimal(1).scaleb(-PRICE_PLACES)
# Prices and ends of tiers lie below this.
LIMIT = Decimal(10) ** 14


class TierJson(TypedDict):
    """A tier in the catalogue file: decimal strings; the last one has no `up_to`."""

    up_to: NotRequired[str]
    price: str


class PackageJson(TypedDict):
    size: str
    price: str


LadderJson = list[TierJson] | PackageJson


class InvalidLadder(ValueError):
    """A ladder that makes no sense; the message says which part and why."""


class Ladder(Protocol):
    def exact_cost(self, quantity: Decimal) -> Decimal:
        """The cost of the first `quantity` units, not rounded."""

    def reach(self, budget: Decimal) -> Decimal | None:
        """The largest quantity whose exact cost is at most `budget`, not rounded; None when there is no limit."""

    def as_json(self) -> LadderJson:
        """The form of the catalogue file; `parse` reads it back."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A price for each unit up to and including `up_to`, counted from zero; None is "and beyond"."""

    up_to: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each unit is charged at the price of the tier it falls into. The last tier, and only that, has no end."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        if not self.tiers:
            raise InvalidLadder("A ladder needs at least one tier.")
        below = ZERO
        for number, tier in enumerate(self.tiers, start=1):
            last = number == len(self.tiers)
            _refuse_unfit_price(tier.price, f"Tier {number}")
            if last != (tier.up_to is None):
                raise InvalidLadder(
                    "The last tier has no upper end." if last else f"Tier {number} needs an upper end: one follows it."
                )
            if tier.up_to is not None:
                if tier.up_to <= below or tier.up_to != tier.up_to.quantize(STEP):
                    raise InvalidLadder(
                        f"Tier {number} must end above {as_text(below)}, with at most six decimal places."
                    )
                below = tier.up_to

    def exact_cost(self, quantity: Decimal) -> Decimal:
        total = below = ZERO
        for tier in self.tiers:
            top = quantity if tier.up_to is None else min(quantity, tier.up_to)
            total += max(top - below, ZERO) * tier.price
            if tier.up_to is None or quantity <= tier.up_to:
                break
            below = tier.up_to
        return total

    def reach(self, budget: Decimal) -> Decimal | None:
        below = spent = ZERO
        for tier in self.tiers:
            room = None if tier.up_to is None else tier.up_to - below
            if tier.price and (room is None or spent + room * tier.price > budget):
                return below + (budget - spent) / tier.price
            if room is None:
                return None
            spent += room * tier.price
            below += room
        raise AssertionError("The last tier of a ladder has no end.")

    def as_json(self) -> list[TierJson]:
        return [
            {"price": as_text(tier.price)}
            if tier.up_to is None
            else {"up_to": as_text(tier.up_to), "price": as_text(tier.price)}
            for tier in self.tiers
        ]

    def __str__(self) -> str:
        if len(self.tiers) == 1:
            return f"{as_text(self.tiers[0].price)} each"
        steps = [f"{as_text(t.price)} up to {as_text(t.up_to)}" for t in self.tiers if t.up_to is not None]
        return f"{', '.join(steps)}, then {as_text(self.tiers[-1].price)}"


@dataclass(frozen=True, slots=True)
class PerPackage:
    """`price` for every package of `size` units begun: the number of packages rounds up."""

    size: Decimal
    price: Decimal

    def __post_init__(self) -> None:
        if self.size <= 0 or self.size != self.size.quantize(STEP):
            raise InvalidLadder("A package's size must be more than zero, with at most six decimal places.")
        _refuse_unfit_price(self.price, "A package")

    def exact_cost(self, quantity: Decimal) -> Decimal:
        return (quantity / self.size).to_integral_value(ROUND_CEILING) * self.price if quantity > 0 else ZERO

    def reach(self, budget: Decimal) -> Decimal | None:
        return budget // self.price * self.size if self.price else None

    def as_json(self) -> PackageJson:
        return {"size": as_text(self.size), "price": as_text(self.price)}

    def __str__(self) -> str:
        return f"{as_text(self.price)} per {as_text(self.size)}"


def parse(value: object) -> Ladder:
    """From `[{"up_to", "price"}, …, {"price"}]` or `{"size", "price"}`. Raises InvalidLadder, naming the part."""
    if isinstance(value, dict):
        _refuse_other_keys(value, {"size", "price"}, "A package")
        return PerPackage(_number(value.get("size"), "The package's size"), _number(value.get("price"), "The price"))
    if not isinstance(value, (list, tuple)) or not all(isinstance(tier, dict) for tier in value):
        raise InvalidLadder("A ladder is a list of tiers, or a package with a size and a price.")
    tiers = []
    for number, tier in enumerate(value, start=1):
        _refuse_other_keys(tier, {"up_to", "price"}, f"Tier {number}")
        up_to = tier.get("up_to")
        tiers.append(
            Tier(
                None if up_to is None else _number(up_to, f"The end of tier {number}"),
                _number(tier.get("price"), f"The price of tier {number}"),
            )
        )
    return Graduated(tuple(tiers))


def cost(ladder: Ladder, quantity: Decimal) -> Decimal:
    """The cost of the first `quantity` units of a window; a fraction of the sixth place is charged in full."""
    with localcontext(EXACT):
        return ladder.exact_cost(quantity).quantize(STEP, rounding=ROUND_CEILING)


def cost_of_span(ladder: Ladder, *, start: Decimal, end: Decimal) -> Decimal:
    """The cost of going on from `start` to `end`. Consecutive spans add up to the cost of the whole, exactly."""
    return cost(ladder, end) - cost(ladder, start)


def affordable(ladder: Ladder, *, amount: Decimal, start: Decimal, wanted: Decimal) -> Decimal:
    """The largest quantity, in steps of a millionth and at most `wanted`, that `amount` pays for after `start`."""
    return _within(ladder, cost(ladder, start) + amount, start, wanted)


def money_cost(ladder: Ladder, quantity: Decimal, *, minor_digits: int) -> int:
    """The cost of the first `quantity` units in minor units, rounded half up.

    The running total is rounded, never an event: what is owed is the difference of two totals, so nothing adds up from
    roundings. Stripe rounds an invoice line the same way.
    """
    with localcontext(EXACT):
        return int(ladder.exact_cost(quantity).scaleb(minor_digits).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def affordable_within_cap(ladder: Ladder, *, cap: int, minor_digits: int, start: Decimal, wanted: Decimal) -> Decimal:
    """The largest quantity after `start`, at most `wanted`, that keeps the window's total within `cap` minor units.

    Compared before rounding, so a cap is not exceeded even by half a minor unit.
    """
    return _within(ladder, Decimal(cap).scaleb(-minor_digits), start, wanted)


def _within(ladder: Ladder, budget: Decimal, start: Decimal, wanted: Decimal) -> Decimal:
    with localcontext(EXACT):
        reach = ladder.reach(budget)
        room = wanted if reach is None else reach.quantize(STEP, rounding=ROUND_DOWN) - start
        return max(min(wanted, room), ZERO)


def _number(value: object, what: str) -> Decimal:
    """Staff type these, into a form or a file."""
    try:
        number = exact_decimal(as_typed(value) if isinstance(value, str) else value)
    except NotExact as problem:
        raise InvalidLadder(f"{what} must be {problem}, below 10^14.") from None
    if abs(number) >= LIMIT:
        raise InvalidLadder(f"{what} must be a number below 10^14.")
    return number


def _refuse_unfit_price(price: Decimal, what: str) -> None:
    if price < 0 or price != price.quantize(PRICE_STEP):
        raise InvalidLadder(f"{what} must have a price of zero or more, with at most twelve decimal places.")


def _refuse_other_keys(value: Mapping[str, object], known: set[str], what: str) -> None:
    if unknown := sorted(set(value) - known):
        raise InvalidLadder(f"{what} has an unknown key {unknown[0]!r}; it takes {' and '.join(sorted(known))}.")

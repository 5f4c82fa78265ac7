"""What there should be at Stripe, by the apps that sell it. Codes are ours and never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Interval = Literal["day", "week", "month", "year"]
Fields = dict[str, Any]
"""What a spec makes of an object at Stripe, by Stripe's own names."""


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """An entitlement feature; `code` is its lookup key at Stripe."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class MeterSpec:
    """A billing meter; `code` is its event name. Only the name can be changed once it exists."""

    code: str
    name: str
    formula: Literal["sum", "count", "last"] = "last"


@dataclass(frozen=True, kw_only=True)
class ProductSpec:
    """`bullets` are the lines of Stripe's own pricing pages; `features` the codes of `FeatureSpec`s it entitles to.

    `active=False` takes it off sale; what is sold stays.
    """

    code: str
    name: str
    description: str = ""
    bullets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    active: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TierSpec:
    """Up to and including this many units (None: without end), each costs `unit_amount` minor units."""

    up_to: int | None
    unit_amount: Decimal
    flat_amount: int = 0


@dataclass(frozen=True, kw_only=True)
class PriceSpec:
    """One way to pay for a product, in minor units of `currency`.

    Exactly one of: `amount` (per unit, may be a fraction of a minor unit), `tiers` (graduated), `open_amount` (the
    customer chooses between a minimum and a maximum). `interval` makes it recurring; `meter` bills what that meter
    counted; `package_size` charges `amount` for each started package. Whatever but `nickname`, `active` and `metadata`
    changes makes a new price at Stripe: those who subscribed to the old one keep it.
    """

    lookup_key: str
    product: str
    currency: str
    amount: Decimal | int | None = None
    tiers: tuple[TierSpec, ...] = ()
    open_amount: tuple[int, int] | None = None
    interval: Interval | None = None
    interval_count: int = 1
    meter: str | None = None
    package_size: int | None = None
    nickname: str = ""
    active: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ways = [self.amount is not None, bool(self.tiers), self.open_amount is not None]
        if sum(ways) != 1:
            raise ValueError(f"Price {self.lookup_key} needs exactly one of amount, tiers and open_amount.")
        if self.meter and not self.interval:
            raise ValueError(f"Price {self.lookup_key} is metered, so it needs an interval.")


Spec = FeatureSpec | MeterSpec | ProductSpec | PriceSpec

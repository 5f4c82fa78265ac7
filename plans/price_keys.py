"""What our prices are called at Stripe: lookup keys that say which plan, component and interval a price is for.

plan:pro:base:month            the plan itself
plan:team:quantity:year        one of the committed quantity
plan:pro:metered:sessions      usage of a meter beyond what is included, always by the month
plan:pro:metered:sessions:7    the same at the own ladder with that number of one organization
"""

from dataclasses import dataclass

PREFIX = "plan"


@dataclass(frozen=True, slots=True)
class PriceKey:
    plan: str
    component: str
    interval: str = "month"
    meter: str = ""
    override: str = ""

    def __str__(self) -> str:
        parts = [PREFIX, self.plan, self.component, self.meter or self.interval]
        return ":".join([*parts, self.override] if self.override else parts)

    @classmethod
    def parse(cls, text: str | None) -> "PriceKey | None":
        """None for a price that is not a plan's."""
        match (text or "").split(":"):
            case [str(prefix), plan, "metered", meter, *override] if prefix == PREFIX and len(override) < 2:
                return cls(plan, "metered", meter=meter, override="".join(override))
            case [str(prefix), plan, ("base" | "quantity") as component, interval] if prefix == PREFIX:
                return cls(plan, component, interval)
        return None


def product_code(plan: str) -> str:
    return f"{PREFIX}:{plan}"

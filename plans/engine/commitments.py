"""Commitments: which quantities of a plan can be bought, and what comes next."""

from dataclasses import dataclass


class QuantityRefused(ValueError):
    """A quantity that cannot be bought; the message says what can."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `minimum` up to `maximum` (None: no end) in steps of `bundle`, counted from the minimum."""

    minimum: int
    bundle: int
    maximum: int | None

    def require(self, quantity: int) -> int:
        """The quantity itself. Raises QuantityRefused."""
        if quantity < self.minimum:
            raise QuantityRefused(f"The smallest quantity is {self.minimum}.")
        if self.maximum is not None and quantity > self.maximum:
            raise QuantityRefused(f"The largest quantity is {self.maximum}.")
        if (quantity - self.minimum) % self.bundle:
            below = quantity - (quantity - self.minimum) % self.bundle
            above = below + self.bundle
            near = f"{below} or {above}" if self.maximum is None or above <= self.maximum else str(below)
            raise QuantityRefused(f"It is sold in bundles of {self.bundle}: choose {near}.")
        return quantity

    def covering(self, used: int) -> int | None:
        """The smallest quantity that can be bought and covers `used`; None when that is beyond the maximum."""
        if used <= self.minimum:
            return self.minimum
        bundles = -(-(used - self.minimum) // self.bundle)
        quantity = self.minimum + bundles * self.bundle
        return quantity if self.maximum is None or quantity <= self.maximum else None

    def next_after(self, bought: int) -> int | None:
        """What one more bundle makes of `bought`; None when the maximum is reached."""
        return self.covering(max(bought + 1, self.minimum))

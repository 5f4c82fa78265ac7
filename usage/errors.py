"""What usage refuses, and why."""

from decimal import Decimal
from typing import TYPE_CHECKING

from core.errors import PaymentRequired, PortalError, RuleRefused
from core.quantities import as_text

if TYPE_CHECKING:
    from plans.models import Meter
    from usage.engine.entitlement import Decision
    from usage.services.meter_snapshots import MeterSnapshot


class EventRejected(Exception):
    """One event that is not taken in; `code` is one of the API's reject codes.

    No PortalError: it is named in the answer to its batch, whose other events are taken.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class EmptyEvent(PortalError):
    """400. An object with nothing in it that an event has."""

    code = "invalid"
    http_status = 400

    def __init__(self, *, missing: set[str]) -> None:
        fields = {name: ["This field is required."] for name in sorted(missing)}
        super().__init__('Send one event with its id, organization and meter, or {"events": […]}.', fields=fields)


class MeterNotHoldable(RuleRefused):
    """422. Subjects and readings cannot be set aside."""

    code = "meter_not_holdable"

    def __init__(self, meter: "Meter") -> None:
        super().__init__(
            f"{meter.name} cannot be held: it counts {meter.get_aggregation_display().lower()}. "
            "Ask for the entitlement before the job, and report the event after it.",
            meter=meter.code,
        )


class HoldRefused(PaymentRequired):
    """402. What was asked for is not covered; `code` is the entitlement's. Quantities are of the meter."""

    def __init__(self, *, snapshot: "MeterSnapshot", decision: "Decision", quantity: Decimal, message: str) -> None:
        missing = min(decision.missing, quantity) if decision.missing else quantity
        super().__init__(
            message,
            code=decision.code,
            required=as_text(quantity),
            available=as_text(quantity - missing),
            shortfall=as_text(missing),
        )
        self.snapshot, self.decision = snapshot, decision

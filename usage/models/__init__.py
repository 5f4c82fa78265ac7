"""Events, counters, settlements, usage holds, and the tally's runs."""

from usage.models.counters import MeterState, UsageCounter, WindowSubject
from usage.models.events import UsageEvent
from usage.models.holds import UsageHold
from usage.models.settlements import Settlement, SettlementDraw
from usage.models.tally import TallyRun, TallyTrouble

__all__ = [
    "MeterState",
    "Settlement",
    "SettlementDraw",
    "TallyRun",
    "TallyTrouble",
    "UsageCounter",
    "UsageEvent",
    "UsageHold",
    "WindowSubject",
]

"""Usage in the back office: everything to look at, nothing to change, and a page to try an event on."""

from usage.admin import counters, events, holds, settlements, tally

__all__ = ["counters", "events", "holds", "settlements", "tally"]

"""What a sync did, in words."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Report:
    """`say` is called with each line as it happens. `problems` are what a person must look at."""

    say: Callable[[str], None]
    changes: list[str] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def change(self, words: str) -> None:
        """Something at Stripe is different now."""
        self.changes.append(words)
        self.say(words)

    def edit(self, words: str) -> None:
        """Somebody had changed something at Stripe by hand."""
        self.edits.append(words)
        self.say(f"Edited at Stripe: {words}")

    def problem(self, words: str) -> None:
        self.problems.append(words)
        self.say(f"Problem: {words}")

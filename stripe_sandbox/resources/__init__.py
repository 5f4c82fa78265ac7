"""One file per Stripe resource: which requests it answers, and the rules behind them."""

from importlib import import_module
from pathlib import Path


def load() -> None:
    """Import every resource, so that its routes and its handlers of the clock are registered."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            import_module(f"{__name__}.{path.stem}")

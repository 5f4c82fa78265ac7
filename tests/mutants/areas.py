"""Which sources are changed, and where the tests are that should notice.

Sources are named by folder and pattern. Of the tests in a folder those are run that come by a change, quickest first.
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

PURE = [
    "tests/plans/test_price_ladders.py",
    "tests/plans/test_commitment_bounds.py",
    "tests/plans/test_windows.py",
    "tests/plans/test_terms_timeline.py",
    "tests/usage/test_how_overage_is_paid.py",
    "tests/usage/test_decisions.py",
    "tests/usage/test_days_of_a_window.py",
    "tests/usage/test_reading_events.py",
    "tests/usage/test_settlement_against_a_slow_model.py",
    "tests/usage/test_what_counts.py",
]
LEDGER = [
    "tests/credits/test_ledger_answers.py",
    "tests/credits/test_ledger_is_append_only.py",
    "tests/credits/test_spending.py",
    "tests/credits/test_holds.py",
    "tests/credits/test_taking_back.py",
    "tests/credits/test_grants_and_expiry.py",
    "tests/credits/test_wallet_reads.py",
    "tests/credits/test_audit.py",
    "tests/credits/test_burn_order.py",
    "tests/credits/test_hooks.py",
    "tests/credits/test_refunds.py",
    "tests/credits/test_money_goes_back_once.py",
    "tests/credits/test_ledger_state_machine.py",
]
# Source (a pattern) to tests (files and folders). The first pattern that fits a file is its area.
AREAS = {
    "credits/sql/**/*.sql": LEDGER,
    "credits/engine/*.py": ["tests/credits/test_credit_arithmetic.py", "tests/credits/test_gift_cards.py"],
    "credits/services/*.py": ["tests/credits", "tests/usage"],
    "plans/engine/*.py": [*PURE, "tests/plans", "tests/usage"],
    "plans/services/*.py": ["tests/plans"],
    "usage/engine/*.py": [*PURE, "tests/usage"],
    "usage/services/*.py": ["tests/usage"],
    "notifications/engine/*.py": ["tests/notifications"],
    "core/quantities.py": ["tests/core", *PURE],
    "core/money.py": ["tests/core", *PURE],
}
# What tests of the SQL functions call.
LEDGER_IN_PYTHON = "credits/ledger.py"
# Left out: what needs a browser or a Redis server, moves many rows, or runs processes and races for many seconds.
MARKED = "not browser and not redis and not volume"
SLOW = [
    "tests/credits/test_ledger_races.py",
    "tests/credits/test_order_of_events.py",
    "tests/credits/test_racing_events.py",
]


def sources() -> dict[str, list[str]]:
    """Every file that is changed, with its tests."""
    found: dict[str, list[str]] = {}
    for pattern, tests in AREAS.items():
        present = [place for place in tests if (ROOT / place).exists()]
        for path in sorted(ROOT.glob(pattern)):
            found.setdefault(str(path.relative_to(ROOT)), present)
    return found

"""What the tests of the tally run in processes of their own: `python -m tests.usage.processes tally …`."""

import os
import signal
import subprocess
import sys
from datetime import datetime

import django


def run_beside(*arguments: str) -> subprocess.Popen[str]:
    """One of these in a process of its own, on the test's database."""
    from tests.billing_portal.processes import database_url  # late: in the process itself, Django is not set up yet

    environment = os.environ | {"DATABASE_URL": database_url(), "DEBUG": "1"}
    command = [sys.executable, "-m", "tests.usage.processes", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def tally(at: str) -> None:
    from usage.services.tally import tally

    print(tally(now=datetime.fromisoformat(at)).credits)


def die_in_the_middle(at: str) -> None:
    """Settle one batch, begin the next, and be killed before it is committed."""
    from django.db import transaction

    from usage.services import tally as tallies
    from usage.services.meter_states import lock_due_to_settle
    from usage.services.settlement import settle

    now = datetime.fromisoformat(at)
    tallies.ORGANIZATIONS_AT_ONCE = 2
    run, (first, second, *_) = tallies.begin_tally(now=now)
    tallies.tally_batch(run=run, organization_ids=first, now=now)
    with transaction.atomic():
        settle(lock_due_to_settle(second, now=now), now=now)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    {"tally": tally, "die_in_the_middle": die_in_the_middle}[sys.argv[1]](*sys.argv[2:])

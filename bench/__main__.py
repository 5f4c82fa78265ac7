"""`make bench`: run the measurements and print their tables.

`ARGS="ledger"` runs one part; `ARGS="--seconds 2"` makes each timed load shorter.
"""

import argparse
import os
import sys

from bench import ledger, server, usage
from bench.report import table
from bench.workers import set_up

PARTS = {"ledger": ledger.measure, "usage": usage.measure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts; all by default")
    parser.add_argument("--seconds", type=int, default=8, help="length of each timed load (8)")
    options = parser.parse_args()

    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "DEMO": "1", "DEBUG": "0"}
    configured = server.configured()
    ours, theirs = f"portal_bench_{os.getpid()}", f"pgbench_{os.getpid()}"
    with server.scratch(configured, ours), server.scratch(configured, theirs):
        server.use(ours)
        set_up()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        tpcb = server.Pgbench(configured, theirs)
        print(f"Machine: {server.machine(configured)}", flush=True)
        missed = 0
        for name in options.parts or PARTS:
            lines = PARTS[name](tpcb=tpcb, seconds=options.seconds, say=lambda text: print(text, file=sys.stderr))
            missed += sum(not line.is_met for line in lines)
            print(f"\n{name}\n\n{table(lines)}", flush=True)
        connection.close()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

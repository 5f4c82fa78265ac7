"""`make mutants`: change the source in one place, run the tests of that place, see whether one fails.

    make mutants                                        a sample, the same every time
    make mutants ARGS="--seed 7 --sample 200"           another one
    make mutants ARGS="credits/engine plans/engine"     everything in these files or folders
    make mutants ARGS="--all"                           everything; takes hours

What survives is behaviour that no test asks for, or a change that changes nothing: those stand in `equivalent.toml`,
each with the reason. Fails where less than 95 % of the changes that change something are noticed.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.mutants import areas, sql_changes
from tests.mutants.python_changes import Change, changes_of
from tests.mutants.trials import NOT_VIABLE, SURVIVED, Findings, try_changes

WANTED_PERCENT = 95
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", help="files or folders: everything in them")
    parser.add_argument("--all", action="store_true", help="everything")
    parser.add_argument("--sample", type=int, default=60, help="how many otherwise")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    sources = areas.sources()
    every = [change for path in sources for change in _changes(path)]
    changes = every
    if options.paths:
        changes = [change for change in every if change.path.startswith(tuple(options.paths))]
    elif not options.all:
        chosen = set(sorted(every, key=partial(_lot, options.seed))[: options.sample])
        changes = [change for change in every if change in chosen]
    equivalent = _equivalent(every)
    wanted = [change for change in changes if _key(change) not in equivalent]
    found = _try(wanted, sources)
    return 2 if len(found.outcomes) < len(wanted) else _report(found, changes)


def _try(changes: Sequence[Change], sources: Mapping[str, Sequence[str]]) -> Findings:
    """A process for each core; each takes the next change when it has tried one."""
    processes, spawning = os.cpu_count() or 1, multiprocessing.get_context("spawn")
    found = Findings()
    with spawning.Manager() as manager, ProcessPoolExecutor(processes, mp_context=spawning) as pool:
        waiting = manager.Queue()
        for number in range(len(changes)):
            waiting.put(number)
        together = manager.Barrier(processes)
        trying = [
            pool.submit(try_changes, changes, sources, waiting, together, process) for process in range(processes)
        ]
        for part in trying:
            found.outcomes |= part.result().outcomes
            found.red |= part.result().red
    return found


def _changes(path: str) -> list[Change]:
    text = (areas.ROOT / path).read_text()
    if path.endswith(".py"):
        return changes_of(path, text)
    return [
        Change(path, name, before, after, number)
        for name, statement in sql_changes.units(text)
        for number, (before, after, _changed) in enumerate(sql_changes.changes_in(statement))
    ]


def _lot(seed: int, change: Change) -> bytes:
    """Decides who is in the sample. It stays what it is while others come and go, so that the sample changes little."""
    return hashlib.sha256(repr((seed, _key(change))).encode()).digest()


def _key(change: Change) -> tuple[str, str, str]:
    return change.path, change.function, change.what


def _equivalent(every: Sequence[Change]) -> set[tuple[str, str, str]]:
    listed = tomllib.loads(EQUIVALENT.read_text())
    keys = {(path, entry["function"], entry["change"]) for path, entries in listed.items() for entry in entries}
    if gone := keys - {_key(change) for change in every}:
        raise SystemExit("\n".join([f"{EQUIVALENT.name} lists what is no longer there:", *map(str, sorted(gone))]))
    return keys


def _report(found: Findings, changes: Sequence[Change]) -> int:
    tried = [change for change in changes if found.outcomes.get(change, NOT_VIABLE) != NOT_VIABLE]
    survived = [change for change in tried if found.outcomes[change] == SURVIVED]
    all_by, tried_by, survived_by = (Counter(one.path for one in ones) for ones in (changes, tried, survived))
    print(f"\n{'':50}noticed    of  equivalent or refused")
    for path in sorted(all_by):
        there, left = tried_by[path], survived_by[path]
        print(f"{path:50}{there - left:7}{there:6}{all_by[path] - there:9}")
    percent = 100 * (len(tried) - len(survived)) / max(len(tried), 1)
    print(f"\n{len(tried) - len(survived)} of {len(tried)} changes were noticed: {percent:.1f} %")
    for change in survived:
        print(f"survived: {change.where}: {change.what}")
    for test in sorted(found.red):
        print(f"fails without any change, and was left out: {test}")
    return int(percent < WANTED_PERCENT or bool(found.red))


if __name__ == "__main__":
    sys.exit(main())

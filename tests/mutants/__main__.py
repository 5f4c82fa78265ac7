"""`make mutants`: change the source in one place, run the tests of that place, see whether one fails.

    make mutants                                        a sample, the same every time
    make mutants ARGS="--seed 7 --sample 200"           another one
    make mutants ARGS="credits/engine plans/engine"     everything in these files or folders
    make mutants ARGS="--all"                           everything; takes hours

What survives is behaviour that no test asks for, or a change that changes nothing: those stand in `equivalent.toml`,
each with the reason. Fails where less than 95 % of the changes that change something are noticed.
"""

import argparse
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from tests.mutants import areas, sql_changes
from tests.mutants.python_changes import Change, changes_of
from tests.mutants.trials import NOT_VIABLE, SURVIVED, Trials

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
        chosen = set(random.Random(options.seed).sample(range(len(every)), options.sample))
        changes = [change for place, change in enumerate(every) if place in chosen]
    equivalent = _equivalent(every)
    trials = Trials([change for change in changes if _key(change) not in equivalent], sources)

    # Examples in the same order every time, and no search for the smallest one that fails: that it fails is enough.
    phases = [Phase.explicit, Phase.generate]
    hypothesis_settings.register_profile("mutants", derandomize=True, database=None, phases=phases)
    hypothesis_settings.load_profile("mutants")
    places = dict.fromkeys(place for change in trials.changes for place in sources[change.path])
    ignored = [f"--ignore={path}" for path in areas.SLOW]
    status = pytest.main([*places, *ignored, "-m", areas.MARKED, "-q", "-s", "-p", "no:cacheprovider"], [trials])
    is_whole = status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if not is_whole or len(trials.outcomes) < len(trials.changes):
        return 2
    return _report(trials, changes)


def _changes(path: str) -> list[Change]:
    text = (areas.ROOT / path).read_text()
    if path.endswith(".py"):
        return changes_of(path, text)
    return [
        Change(path, name, before, after, number)
        for name, statement in sql_changes.units(text)
        for number, (before, after, _changed) in enumerate(sql_changes.changes_in(statement))
    ]


def _key(change: Change) -> tuple[str, str, str]:
    return change.path, change.function, change.what


def _equivalent(every: Sequence[Change]) -> set[tuple[str, str, str]]:
    listed = tomllib.loads(EQUIVALENT.read_text())
    keys = {(path, entry["function"], entry["change"]) for path, entries in listed.items() for entry in entries}
    if gone := keys - {_key(change) for change in every}:
        raise SystemExit("\n".join([f"{EQUIVALENT.name} lists what is no longer there:", *map(str, sorted(gone))]))
    return keys


def _report(trials: Trials, changes: Sequence[Change]) -> int:
    tried = [change for change in trials.changes if trials.outcomes[change] != NOT_VIABLE]
    survived = [change for change in tried if trials.outcomes[change] == SURVIVED]
    all_by, tried_by, survived_by = (Counter(one.path for one in ones) for ones in (changes, tried, survived))
    print(f"\n{'':50}noticed    of  equivalent or refused")
    for path in sorted(all_by):
        there, left = tried_by[path], survived_by[path]
        print(f"{path:50}{there - left:7}{there:6}{all_by[path] - there:9}")
    percent = 100 * (len(tried) - len(survived)) / max(len(tried), 1)
    print(f"\n{len(tried) - len(survived)} of {len(tried)} changes were noticed: {percent:.1f} %")
    for change in survived:
        print(f"survived: {change.where}: {change.what}")
    for test in sorted(trials.red):
        print(f"fails without any change, and was left out: {test}")
    return int(percent < WANTED_PERCENT or bool(trials.red))


if __name__ == "__main__":
    sys.exit(main())

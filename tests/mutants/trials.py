"""Tries changes inside one pytest run: everything is imported and the test database made once, then one fork for each.

A fork puts the change into the running program, runs the tests in question until one fails, and ends. In Python the
changed functions get new code, wherever they have been imported to; in the database the changed function is created
anew, and afterwards the old one again.

Before that each test is run once without any change, to learn which functions it calls: it is run for their changes
only. That is remembered for the next run.
"""

import gc
import importlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Barrier
from typing import Any

import psycopg
import pytest
from _pytest.runner import runtestprotocol
from django.db import connection
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import blocking_manager_key

from tests import flush
from tests.mutants import memory, running_code, sql_changes
from tests.mutants.areas import LEDGER_IN_PYTHON, MARKED, ROOT, SLOW
from tests.mutants.python_changes import Change, changed_tree

# A test hangs that takes twenty times as long as it took before, or where that is not known, very long.
TIMES_LONGER, AT_LEAST_SECONDS, AT_MOST_SECONDS = 20, 10, 90
MOST_RED = 9
NOT_VIABLE = "the language refuses it"
SURVIVED = "SURVIVED"


@dataclass(slots=True)
class Findings:
    """Of each change the test that noticed, or what else happened; and the tests that fail without any change."""

    outcomes: dict[Change, str] = field(default_factory=dict)
    red: set[str] = field(default_factory=set)


def try_changes(
    changes: Sequence[Change],
    sources: Mapping[str, Sequence[str]],
    waiting: "Queue[int]",
    together: Barrier,
    process: int,
) -> Findings:
    """Take change after change, in one pytest run with a database of its own. Those that it did not get through have no
    outcome.
    """
    # Examples in the same order every time, and no search for the smallest one that fails: that it fails is enough.
    phases = [Phase.explicit, Phase.generate]
    hypothesis_settings.register_profile("mutants", derandomize=True, database=None, phases=phases)
    hypothesis_settings.load_profile("mutants")
    trials = Trials(changes, sources, waiting, together, process)
    places = dict.fromkeys(place for change in changes for place in sources[change.path])
    ignored = [f"--ignore={path}" for path in SLOW]
    try:
        pytest.main([*places, *ignored, "-m", MARKED, "-q", "-s", "-p", "no:cacheprovider"], [trials])
    finally:
        together.abort()  # Whoever still waits for this one need not.
    return trials.found


class Trials:
    """A pytest plugin. `tests` are the files and folders where each source's tests are; `waiting` are the places in
    `changes` that no process has taken yet, `together` is where the processes wait for each other, and `process` the
    number of this one, from 0.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        tests: Mapping[str, Sequence[str]],
        waiting: "Queue[int]",
        together: Barrier,
        process: int,
    ) -> None:
        self.changes, self.tests = changes, tests
        self.waiting, self.together, self.process = waiting, together, process
        self.found = Findings()
        self._green: set[str] = set()
        """Tests that passed in this run without any change."""
        self._known = memory.recall()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        settings = connection.settings_dict
        settings["TEST"]["NAME"] = f"test_{settings['NAME']}_mutants{self.process}"
        self._unblock = session.config.stash[blocking_manager_key].unblock
        self._nothing = _Nothing.from_parent(session, name="nothing")
        self._items = {item.nodeid: item for item in session.items}
        for path in self.tests:
            if path.endswith(".py"):
                importlib.import_module(running_code.name_of(path))
        # One test of each folder makes what stays for all: the test database, and what tests begin with. None that
        # starts a server, since a fork has no threads but its own.
        plain = [one for one in session.items if "db" in one.fixturenames and "sandbox" not in one.fixturenames]
        for first in {one.path.parent: one for one in reversed(plain)}.values():
            runtestprotocol(first, nextitem=self._nothing, log=False)
        connection.close()
        watched = [path for path in {*self.tests, LEDGER_IN_PYTHON} if path.endswith(".py")]
        self._live = running_code.functions_of(watched)
        self._called = running_code.note_calls(watched, self._live)
        gc.freeze()
        self._learn()
        while True:
            try:
                number = self.waiting.get_nowait()
            except Empty:
                return True
            change = self.changes[number]
            outcome = self.found.outcomes[change] = self._outcome(change)
            self._known = memory.keep(self._known)
            print(f"{number + 1}/{len(self.changes)} {change.where}: {change.what}  [{outcome}]", flush=True)

    def _outcome(self, change: Change) -> str:
        while True:
            ended, last = self._fork(change, self._tests_of(change))
            if ended == "passed":
                return SURVIVED
            if ended == NOT_VIABLE or self._is_green(last):
                return last if ended == "failed" else f"{ended} {last}".strip()

    def _learn(self) -> None:
        """Run this process's share of the tests of which nothing is known, and wait until the others have theirs."""
        left = [one for one in self._items if one not in self._known][self.process :: self.together.parties]
        while left:
            ended, last = self._fork(None, left)
            if ended == "passed":
                break
            self._add_red(last)
            left = left[left.index(last) + 1 :]
        memory.keep(self._known)
        self.together.wait()
        self._known = memory.keep(self._known)

    def _tests_of(self, change: Change) -> list[str]:
        """Those that come by the change, the quickest first."""
        places = tuple(self.tests[change.path])
        wanted = [one for one in self._known if one.startswith(places) and one in self._items]
        coming = [one for one in wanted if one not in self.found.red and self._comes_by(one, change)]
        return sorted(coming, key=lambda one: self._known[one][0])

    def _comes_by(self, test: str, change: Change) -> bool:
        _, calls = self._known[test]
        path, function = change.path, change.function
        if path.endswith(".sql"):
            # Called from Python by its own name, or else from other functions.
            path, function = LEDGER_IN_PYTHON, function.removeprefix("ledger_")
            if not hasattr(importlib.import_module(running_code.name_of(path)), function):
                function = ""
        return [path, function] in calls if function else any(place == path for place, _ in calls)

    def _is_green(self, test: str) -> bool:
        """A test that failed with a change: does it pass without? It did once; it may be one that does not always."""
        if test not in self._green | self.found.red:
            ended, _ = self._fork(None, [test])
            if ended == "passed":
                self._green.add(test)
            else:
                self._add_red(test)
        return test in self._green

    def _add_red(self, test: str) -> None:
        self.found.red.add(test)
        if len(self.found.red) > MOST_RED:
            pytest.exit(f"Too many tests fail without any change, such as {test}.", returncode=2)

    def _fork(self, change: Change | None, tests: list[str]) -> tuple[str, str]:
        """How it ended, and with which test."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            try:
                self._be_child(change, tests, os.fdopen(writing, "w", buffering=1))
            finally:
                os._exit(1)  # Whatever happened in there: only the parent goes on with the run.
        os.close(writing)
        ended, last = "passed", ""
        with os.fdopen(reading) as reports:
            for line in reports:
                ended, last, known = json.loads(line)
                if known:
                    self._known[last] = known
        _, status = os.waitpid(child, 0)
        if status:
            ended = "hangs" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else "dies"
            self._clean_up()
        if change and change.path.endswith(".sql"):
            self._execute(_statement(change))
        return ended, last

    def _be_child(self, change: Change | None, tests: list[str], reports: Any) -> None:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)

        def tell(ended: str, test: str = "", known: Any = None) -> None:
            reports.write(json.dumps([ended, test, known]) + "\n")

        try:
            if change is not None:
                self._put(change)
        except Exception:  # a module that can no longer be read, a statement that the server refuses
            tell(NOT_VIABLE)
            os._exit(0)
        for test in tests:
            signal.alarm(self._patience(test))
            tell("dies", test)
            began = time.monotonic()
            self._called.clear()
            outcomes = runtestprotocol(self._items[test], nextitem=self._nothing, log=False)
            if any(outcome.failed for outcome in outcomes):
                tell("failed", test)
                break
            tell("passed", test, None if test in self._known else [time.monotonic() - began, sorted(self._called)])
        os._exit(0)

    def _patience(self, test: str) -> int:
        if test not in self._known:
            return AT_MOST_SECONDS
        return round(min(AT_LEAST_SECONDS + TIMES_LONGER * self._known[test][0], AT_MOST_SECONDS))

    def _put(self, change: Change) -> None:
        if change.path.endswith(".sql"):
            changed = list(sql_changes.changes_in(_statement(change)))
            self._execute(changed[change.number][2])
            return
        tree = changed_tree((ROOT / change.path).read_text(), change.number)
        code = running_code.compiled(tree, change.path)
        if change.function:
            running_code.put_functions(code, self._live)
        else:
            running_code.put_constants(code, change.path, self._live)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as server:
            server.execute(sql_changes.replacing(statement))

    def _clean_up(self) -> None:
        """What a test that was killed has left in the database."""
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with self._unblock():
            flush.empty_tables()
            connection.close()


def _statement(change: Change) -> str:
    return dict(sql_changes.units((ROOT / change.path).read_text()))[change.function]


class _Nothing(pytest.Item):
    """What comes after every test: only what belongs to the whole session is kept for it."""

    def runtest(self) -> None:
        raise NotImplementedError

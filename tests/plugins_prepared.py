"""What many tests begin with, made once and copied in for every later one.

    prepared("a catalogue", make=lambda: load(text=CATALOGUE, now=LONG_AGO))

The first test that asks has it made as in life. What that changed in the database, at the Stripe sandbox and in the
outbox is noted, and done over for the tests that follow in the same process: a handful of statements instead of some
hundreds. Steps build on each other, so a name stands for a step and for all that it builds on.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection, transaction

from tests.flush import filled_tables
from tests.plugins_stripe import PortalSandbox, SandboxState

# For each table its primary key, and what COPY reads and writes: all columns but those that PostgreSQL computes.
TABLES = """
    SELECT relation.relname,
           max(quote_ident(attname)) FILTER (WHERE attnum = key.indkey[0]),
           string_agg(quote_ident(attname), ', ') FILTER (WHERE attgenerated = '')
    FROM pg_class relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    JOIN pg_index key ON key.indrelid = relation.oid AND key.indisprimary
    WHERE relation.relnamespace = current_schema()::regnamespace AND relation.relkind = 'r'
    GROUP BY relation.relname
"""
Contents = dict[str, dict[str, bytes]]
"""Of each table that is not empty the rows by primary key, each as a line of COPY."""


class StepDoesNotFit(Exception):
    """The test did something of its own before a step that others begin with."""


@dataclass(frozen=True)
class Step:
    """What a step changed."""

    statements: list[tuple[str, list[str] | bytes]]
    mails: list[EmailMessage]
    stripe_before: SandboxState | None
    stripe_after: SandboxState | None


class Prepared:
    def __init__(self) -> None:
        self._steps: dict[Hashable, Step] = {}

    def __call__(self, *name: Hashable, make: Callable[[], object], sandbox: PortalSandbox | None = None) -> None:
        """Take the step `name`; `make` is how. With `sandbox` what it does at Stripe is a part of it.

        Raises `StepDoesNotFit` when the test has done something before that the step, done over, would undo.
        """
        stripe_before = sandbox.state() if sandbox else None
        if name in self._steps:
            self._do_over(self._steps[name], stripe_before, sandbox)
            return
        before, mails = self._contents(), len(mail.outbox)
        make()
        statements = list(self._difference(before, self._contents()))
        stripe_after = sandbox.state() if sandbox else None
        self._steps[name] = Step(statements, mail.outbox[mails:], stripe_before, stripe_after)

    def _do_over(self, step: Step, stripe: SandboxState | None, sandbox: PortalSandbox | None) -> None:
        if stripe != step.stripe_before:
            raise StepDoesNotFit("Stripe is not as it was when this was done first.")
        with transaction.atomic(), connection.cursor() as cursor:
            for statement, rows in step.statements:
                if isinstance(rows, bytes):
                    with cursor.copy(statement) as copy:
                        copy.write(rows)
                else:
                    cursor.execute(statement, [rows])
                    if cursor.rowcount != len(rows):
                        raise StepDoesNotFit(f"Rows are missing that were there when this was done first: {statement}")
        mail.outbox += step.mails
        if sandbox is not None and step.stripe_after is not None:
            sandbox.put_back(step.stripe_after)

    def _difference(self, before: Contents, after: Contents) -> Any:
        """The statements that lead from one to the other. Foreign keys are checked when the transaction ends."""
        for table in before | after:
            key, columns = self._tables[table]
            old, new = before.get(table, {}), after.get(table, {})
            if gone := [identity for identity, line in old.items() if new.get(identity) != line]:
                yield f'DELETE FROM "{table}" WHERE {key}::text = ANY(%s)', gone
            if came := [line for identity, line in new.items() if old.get(identity) != line]:
                yield f'COPY "{table}" ({columns}) FROM STDIN', b"".join(came)

    def _contents(self) -> Contents:
        return {table: self._rows(table) for table in filled_tables()}

    def _rows(self, table: str) -> dict[str, bytes]:
        key, columns = self._tables[table]
        with connection.cursor() as cursor:
            # In the order of the column itself: an output column of the same name would come first, sorted as text.
            cursor.execute(f'SELECT {key}::text FROM "{table}" AS kept ORDER BY kept.{key}')
            identities = [identity for (identity,) in cursor.fetchall()]
            with cursor.copy(f'COPY (SELECT {columns} FROM "{table}" AS kept ORDER BY kept.{key}) TO STDOUT') as copy:
                lines = b"".join(copy).splitlines(keepends=True)
        return dict(zip(identities, lines, strict=True))

    @cached_property
    def _tables(self) -> dict[str, tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            return {table: (key, columns) for table, key, columns in cursor.fetchall()}


@pytest.fixture(scope="session")
def prepared() -> Prepared:
    return Prepared()

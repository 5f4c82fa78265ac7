"""Let transactional tests clean up after themselves.

The ledger forbids TRUNCATE and DELETE by triggers, and Django empties the tables after a transactional test. For that
moment, and in the test database only, the triggers are switched off. What a test wrote is deleted instead of truncating
every table there is: emptying a hundred and fifty tables that are empty takes a second, deleting some rows nothing.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.test import TransactionTestCase

# Made by migrations, and changed by no test.
KEPT = {"auth_permission", "django_content_type", "django_migrations"}
TABLES_WITH_TRIGGERS = """
    SELECT DISTINCT relation.relname
    FROM pg_trigger trigger JOIN pg_class relation ON relation.oid = trigger.tgrelid
    WHERE NOT trigger.tgisinternal AND relation.relnamespace = current_schema()::regnamespace
"""
# Deleting these row by row would take minutes; what nothing refers to and no trigger guards can be truncated.
LARGE_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 8 * 1024 * 1024
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE confrelid = pg_class.oid)
      AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal)
"""


@contextmanager
def user_triggers_disabled(among: Collection[str] | None = None) -> Iterator[None]:
    """Without the triggers of our own, on all tables or those `among` them."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES_WITH_TRIGGERS)
        tables = [table for (table,) in cursor.fetchall() if among is None or table in among]
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        try:
            yield
        finally:
            for table in tables:
                cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')


@transaction.atomic
def empty_tables() -> None:
    """Delete every row of every table but those that migrations fill."""
    with connection.cursor() as cursor:
        cursor.execute(LARGE_TABLES)
        for (table,) in cursor.fetchall():
            if table not in KEPT:
                cursor.execute(f'TRUNCATE "{table}"')
    filled = filled_tables()
    with user_triggers_disabled(among=filled), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in filled:
            cursor.execute(f'DELETE FROM "{table}"')
        # Now, since a table with checks still to be made cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def install() -> None:
    """Replace the flush of every transactional test; tests inside a rolled-back transaction never come here."""

    def teardown(self: TransactionTestCase) -> None:
        empty_tables()

    TransactionTestCase._fixture_teardown = teardown


def filled_tables() -> list[str]:
    """The tables that have rows, but for those that migrations fill."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - KEPT)
        filled = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)
        cursor.execute(filled)
        return [table for (table,) in cursor.fetchall()]

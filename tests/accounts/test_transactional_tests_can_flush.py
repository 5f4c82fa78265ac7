"""Tables that forbid TRUNCATE (the ledger) are emptied after a transactional test all the same, and stay guarded."""

import pytest
from django.db import DatabaseError, connection

from tests.flush import user_triggers_disabled

GUARD = """
CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept for ever'; END $$;
CREATE TABLE guarded (id int);
CREATE TRIGGER guarded_no_truncate BEFORE TRUNCATE ON guarded EXECUTE FUNCTION refuse_truncate();
"""


@pytest.fixture
def guarded_table(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(GUARD)
        yield "guarded"
        cursor.execute("DROP TABLE guarded; DROP FUNCTION refuse_truncate()")


def test_the_guard_holds_except_while_switched_off(guarded_table):
    with connection.cursor() as cursor:
        with user_triggers_disabled():
            cursor.execute("TRUNCATE guarded")
        with pytest.raises(DatabaseError, match="kept for ever"):
            cursor.execute("TRUNCATE guarded")

"""The ledger's functions and triggers, version 1. Its files are frozen: see docs/ledger.md before changing one."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "v1"
FILES = [
    "types",
    "posting",
    "burn_order",
    "spending",
    "restoring",
    "holds",
    "grants",
    "consumed_since",
    "audit",
    "append_only",
    "storage",
]
REMOVE = """
    DROP TRIGGER ledger_entries_never_change ON credits_ledgerentry;
    DROP TRIGGER grant_terms_never_change ON credits_creditgrant;
    DO $$
    DECLARE made record;
    BEGIN
        FOR made IN SELECT oid::regprocedure AS signature FROM pg_proc
            WHERE proname LIKE 'ledger\\_%' AND pronamespace = current_schema()::regnamespace
        LOOP
            EXECUTE 'DROP FUNCTION ' || made.signature || ' CASCADE';
        END LOOP;
    END $$;
    DROP TYPE ledger_result;
    DROP TYPE ledger_drawing;
    DROP TYPE ledger_leg;
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [
        migrations.RunSQL("\n".join((SQL / f"{name}.sql").read_text() for name in FILES), REMOVE),
    ]

"""For tests of who waits for whom."""

from django.db import connection


def wait_until_somebody_waits():
    """Until another connection waits for a lock that this one holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    for _ in range(20_000):
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")

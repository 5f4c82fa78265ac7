"""For tests of who waits for whom."""

import threading

from django.db import connection, connections, transaction

from credits.models import Wallet


def assert_locked_in_order(first, second, work):
    """`work`, on a connection of its own, waits for the first wallet before it locks the second."""

    def alone():
        try:
            work()
        finally:
            connections.close_all()

    working = threading.Thread(target=alone)
    with transaction.atomic():
        Wallet.objects.select_for_update().get(pk=first.pk)
        working.start()
        wait_until_somebody_waits()
        assert Wallet.objects.select_for_update(nowait=True).get(pk=second.pk) == second
    working.join()


def wait_until_somebody_waits():
    """Until another connection waits for a lock that this one holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    for _ in range(20_000):
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")

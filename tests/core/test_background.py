"""Work is handed over after the commit, and a broker that is down stops nobody."""

import pytest
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from core.background import after_commit

pytestmark = pytest.mark.django_db(transaction=True)
done = []


@shared_task
def work(*arguments):
    done.append(arguments)


class WithoutBroker:
    """A task whose broker is away, as `delay` of Celery answers then."""

    def __init__(self, trouble):
        self.trouble = trouble

    def delay(self, *arguments):
        raise self.trouble


refused = WithoutBroker(OperationalError("refused"))
unreachable = WithoutBroker(ConnectionRefusedError())


@pytest.fixture(autouse=True)
def nothing_done():
    done.clear()


def test_a_task_runs_when_the_transaction_has_been_committed():
    with transaction.atomic():
        after_commit(f"{__name__}.work", 7, "x")
        assert done == []
    assert done == [(7, "x")]


def test_what_is_rolled_back_queues_nothing():
    with transaction.atomic():
        after_commit(f"{__name__}.work")
        transaction.set_rollback(True)
    assert done == []


@pytest.mark.parametrize("task", ["refused", "unreachable"])
def test_with_the_broker_down_the_callers_work_stands_and_the_log_says_so(task, caplog):
    with transaction.atomic():
        after_commit(f"{__name__}.{task}", 7)
    assert f"The broker took no {__name__}.{task}(7,)" in caplog.text

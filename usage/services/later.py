"""Hand work to a worker once the transaction is through."""

import logging
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def later(task_name: str, *args: Any) -> None:
    """Queue a task of this app on commit. With the broker down, the minute's round or the next tally does it."""

    def send() -> None:
        from usage import tasks  # late: the tasks call the services that call this

        try:
            getattr(tasks, task_name).delay(*args)
        except (OperationalError, OSError):
            logger.warning("The broker took no task %s%r; the next round will.", task_name, args, exc_info=True)

    transaction.on_commit(send)

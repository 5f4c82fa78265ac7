"""Hand work to a worker once the transaction is through."""

import logging
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def after_commit(task: str, *args: Any) -> None:
    """Queue a task by its name (`credits.tasks.follow_money`) on commit.

    With the broker down nobody is bothered: every such task has a sweep that finds its work in the database.
    """

    def send() -> None:
        try:
            # Imported by name: only a worker has gathered the tasks of all apps.
            import_string(task).delay(*args)
        except (OperationalError, OSError):
            logger.warning("The broker took no %s%r; a sweep will.", task, args, exc_info=True)

    transaction.on_commit(send)

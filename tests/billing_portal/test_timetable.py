"""What beat sends exists, and some worker of the Procfile takes it."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from billing_portal.celery import app as celery_app
from billing_portal.schedule import BEAT_SCHEDULE

# Loading the tasks runs the system checks, and dj-stripe's ask the database.
pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def served_queues() -> set[str]:
    procfile = (ROOT / "Procfile").read_text()
    return {queue for names in re.findall(r"--queues (\S+)", procfile) for queue in names.split(",")}


def test_every_scheduled_task_is_registered():
    celery_app.loader.import_default_modules()

    assert {entry["task"] for entry in BEAT_SCHEDULE.values()} <= set(celery_app.tasks)


def test_the_workers_of_the_procfile_serve_every_queue():
    assert served_queues() == {queue.name for queue in settings.CELERY_TASK_QUEUES}


def test_every_task_goes_to_a_queue_that_is_served():
    celery_app.loader.import_default_modules()
    ours = {name: task for name, task in celery_app.tasks.items() if not name.startswith("celery.")}

    routed = {celery_app.amqp.router.route(task._get_exec_options(), name)["queue"].name for name, task in ours.items()}

    assert ours
    assert routed <= served_queues()


def test_no_two_queues_share_an_exchange_and_key():
    bindings = [(queue.exchange.name, queue.routing_key) for queue in settings.CELERY_TASK_QUEUES]

    assert len(set(bindings)) == len(bindings)

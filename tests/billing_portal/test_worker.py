"""A task sent by one process is run by the worker of another, over files and over Redis."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.billing_portal.processes import ROOT, database_url, environment, run_manage

SEND = "from core.tasks import delete_old_idempotent_requests as task; task.delay()"


@pytest.fixture(params=["files", pytest.param("redis", marks=pytest.mark.redis)])
def installation(request: pytest.FixtureRequest, transactional_db: None, tmp_path: Path) -> dict[str, str]:
    """The variables of an installation on the test's database with a queue of its own."""
    redis = {"REDIS_URL": request.getfixturevalue("redis_url")} if request.param == "redis" else {"REDIS_URL": ""}
    return {"DEBUG": "1", "DATABASE_URL": database_url(), "VAR_DIR": str(tmp_path), "LOG_JSON": "1"} | redis


@pytest.fixture
def worker(installation: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    command = "worker --pool threads --concurrency 2 --queues celery --without-gossip --without-mingle"
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "--quiet", "--app", "billing_portal", *command.split()],
        cwd=ROOT,
        env=environment(**installation),
        stderr=subprocess.PIPE,
        text=True,
    )
    # Whoever reads its log would otherwise wait for ever for a line that does not come.
    patience = threading.Timer(60, process.kill)
    patience.start()
    yield process
    patience.cancel()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_a_task_is_run_by_the_worker(installation, worker):
    sent = run_manage("shell", "--no-imports", "-c", SEND, **installation)
    assert sent.returncode == 0, sent.stderr

    seen = []
    for line in worker.stderr:
        seen.append(line)
        if line.startswith("{") and json.loads(line)["event"] in ("task_succeeded", "task_failed"):
            break

    assert '"task_succeeded"' in seen[-1], "".join(seen)

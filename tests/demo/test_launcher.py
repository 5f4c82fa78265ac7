"""`make demo` says what is in its way, and leaves nothing running behind."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError

from demo import child_process, launcher

HOLDS_THE_LOCK = """
import fcntl, sys
lock = open(sys.argv[1], "a")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def demo(settings, tmp_path):
    settings.DEMO = True
    settings.VAR_DIR = tmp_path
    return settings


def test_it_refuses_to_fill_a_database_that_is_no_demo():
    with pytest.raises(CommandError, match="Set DEMO=1"):
        launcher.run(print)


@pytest.mark.parametrize(
    ("setting", "way_out"), [("PORTAL_URL", "PORT=8080 make demo"), ("STRIPE_SANDBOX_URL", "STRIPE_SANDBOX_URL=http")]
)
def test_a_busy_port_is_named_with_a_way_out(demo, setting, way_out):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            demo.PORTAL_URL = demo.STRIPE_SANDBOX_URL = f"http://127.0.0.1:{free.getsockname()[1]}"
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        setattr(demo, setting, f"http://{address}")

        with pytest.raises(CommandError) as refused:
            launcher.run(print)

    assert address in str(refused.value)
    assert way_out in str(refused.value)


def test_a_second_demo_in_the_same_place_is_refused(demo, monkeypatch):
    monkeypatch.setattr(launcher, "END_SECONDS", 0.2)
    lock_path = demo.VAR_DIR / "demo.lock"
    holder = _holder(lock_path)

    with pytest.raises(CommandError, match="running already"):
        launcher.run(print)

    holder.communicate("")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_what_the_launcher_started_ends_with_it(tmp_path, ending):
    lock_path = tmp_path / "demo.lock"
    holder = _holder(lock_path)
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    process = subprocess.Popen(
        [sys.executable, child_process.__file__, str(lock_path), "-", *command],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"

    holder.send_signal(ending)

    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_command_that_ends_by_itself_passes_its_exit_code_on(tmp_path):
    lock_path = tmp_path / "demo.lock"
    with open(lock_path, "a") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)

        done = subprocess.run(
            [sys.executable, child_process.__file__, str(lock_path), "-", "sh", "-c", "exit 3"], check=False
        )

    assert done.returncode == 3


def test_a_command_waits_for_its_gate(tmp_path):
    lock_path, gate = tmp_path / "demo.lock", tmp_path / "gate"
    holder = _holder(lock_path)
    process = subprocess.Popen(
        [sys.executable, child_process.__file__, str(lock_path), str(gate), "sh", "-c", "exit 3"]
    )

    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    gate.touch()

    assert process.wait(timeout=20) == 3
    holder.communicate("")


def _holder(lock_path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(lock_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process

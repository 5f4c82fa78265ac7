"""The sandbox as a process of its own: it starts, is spoken to, stops when told, and remembers."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from stripe_sandbox.testing import SandboxControl

ROOT = Path(__file__).parents[2]


def start(port: int, state: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stripe_sandbox", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert f"listening on http://127.0.0.1:{port}" in process.stderr.readline()
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stderr is not None
    process.stderr.close()


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    state = tmp_path / "var" / "state.sqlite3"
    sandbox = SandboxControl(f"http://127.0.0.1:{port}")
    process = start(port, state)
    try:
        customer = sandbox.client.v1.customers.create({"name": "Ada"})
        sandbox.advance(days=40)
        now = sandbox.get("state")["now"]
    finally:
        stop(process)
    process = start(port, state)
    try:
        assert sandbox.client.v1.customers.retrieve(customer.id).name == "Ada"
        assert sandbox.get("state")["now"] == now
        assert urllib.request.urlopen(f"{sandbox.url}/healthz").read() == b'{"status": "ok"}'
    finally:
        stop(process)

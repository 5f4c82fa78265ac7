"""The portal behind granian, as it is run, and clients that keep their connections."""

import http.client
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

WORKERS = 2
THREADS = os.environ.get("BENCH_THREADS", "4")
"""Of each worker. They wait for each other's Python: fewer shorten the slowest answers, more keep slow pages apart."""


@contextmanager
def portal() -> Iterator[int]:
    """Serve the measured database; the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "billing_portal.wsgi:application"]
    options = ["--port", str(port), "--workers", str(WORKERS), "--blocking-threads", THREADS, "--log-level", "error"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "bench.settings", "LOG_LEVEL": "ERROR"}
    server = subprocess.Popen([*command, *options], env=environment)
    try:
        _wait(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("The portal did not start.")


def post_all(port: int, key: str, path: str, bodies: Sequence[bytes], *, clients: int) -> float:
    """Seconds until every body was posted, shared among clients. Each must be answered with 200."""
    context = multiprocessing.get_context("fork")
    shares = [bodies[number::clients] for number in range(clients)]
    processes = [context.Process(target=_post_share, args=(port, key, path, share)) for share in shares]
    started = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("A client was refused.")
    return time.perf_counter() - started


def _post_share(port: int, key: str, path: str, bodies: Sequence[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for body in bodies:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or b'"rejected":[]' not in text:
            raise RuntimeError(text[:300])


def get_for(port: int, key: str, paths: Sequence[str], *, clients: int, seconds: float) -> tuple[float, float]:
    """Requests per second and the 99th percentile in milliseconds, of clients that ask without a pause."""
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    processes = [
        context.Process(target=_get_for, args=(port, key, paths[number::clients] or paths, seconds, results))
        for number in range(clients)
    ]
    for process in processes:
        process.start()
    taken = [duration for _ in processes for duration in results.get(timeout=seconds + 60)]
    for process in processes:
        process.join()
    taken.sort()
    return len(taken) / seconds, taken[int(len(taken) * 0.99)] * 1000


def _get_for(port: int, key: str, paths: Sequence[str], seconds: float, results: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}"}
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        connection.request("GET", paths[len(taken) % len(paths)], headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} for {paths[len(taken) % len(paths)]}")
        taken.append(time.perf_counter() - started)
    results.put(taken)

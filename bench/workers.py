"""Clients as the product has them: processes of their own, each with Django and its own connection."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any


def rate(
    prepare: Callable[..., Callable[[], object]], arguments: tuple[Any, ...], *, clients: int, seconds: float
) -> float:
    """Steps per second of all clients together. `prepare(number, *arguments)` returns a client's one step to repeat."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(clients)
    counts = context.Queue()
    processes = [
        context.Process(target=_client, args=(prepare, (number, *arguments), barrier, counts, seconds))
        for number in range(clients)
    ]
    for process in processes:
        process.start()
    total = sum(counts.get(timeout=seconds + 60) for _ in processes)
    for process in processes:
        process.join()
    return total / seconds


def _client(
    prepare: Callable[..., Callable[[], object]],
    arguments: tuple[Any, ...],
    barrier: Barrier,
    counts: Any,
    seconds: float,
) -> None:
    set_up()
    step = prepare(*arguments)
    step()
    barrier.wait()
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        step()
        count += 1
    counts.put(count)


def set_up() -> None:
    """Django as in production, where no queries are recorded, and as a worker is once it is ready."""
    import django

    from billing_portal.memory import keep_what_is_loaded

    django.setup()
    keep_what_is_loaded()

"""The broker in a folder: every message arrives whole, once, at the queue it was sent to."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from kombu import Connection, Exchange, Queue

from billing_portal.file_broker import Transport

MESSAGES = 300


@pytest.fixture
def connect(tmp_path):
    """A new connection to the broker of this test."""
    (tmp_path / "queue").mkdir()
    Transport.global_state.clear()  # what Kombu remembers of the last test's folder
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
    }
    return lambda: Connection("filesystem://localhost", transport=Transport, transport_options=options)


def queue(name: str) -> Queue:
    return Queue(name, Exchange(name), routing_key=name)


def sender(connection: Connection, name: str) -> Callable[[object], object]:
    producer = connection.Producer(exchange=Exchange(name), routing_key=name, serializer="json")
    return lambda body: producer.publish(body, declare=[queue(name)])


def receiver(connection: Connection, name: str) -> Callable[[], object | None]:
    """Takes the next message's body, or None."""
    bound = queue(name)(connection.default_channel)
    bound.declare()

    def take() -> object | None:
        message = bound.get(no_ack=True)
        return message.payload if message else None

    return take


def test_messages_are_taken_in_the_order_they_were_sent(connect):
    with connect() as connection:
        send, take = sender(connection, "celery"), receiver(connection, "celery")
        for number in range(20):
            send(number)

        assert [take() for _ in range(20)] == list(range(20))


def test_a_message_reaches_its_own_queue_only(connect):
    with connect() as connection:
        takes = {name: receiver(connection, name) for name in ("celery", "mail", "webhooks")}
        sender(connection, "mail")("a letter")

        assert takes["celery"]() is None
        assert takes["webhooks"]() is None
        assert takes["mail"]() == "a letter"
        assert takes["mail"]() is None


def test_writers_and_readers_at_once_lose_double_and_tear_nothing(connect):
    taken: list[int] = []
    all_sent = threading.Event()

    def write(start: int) -> None:
        with connect() as connection:
            send = sender(connection, "celery")
            for number in range(start, start + MESSAGES):
                send({"number": number, "padding": "x" * 5_000})

    def read() -> None:
        with connect() as connection:
            take = receiver(connection, "celery")
            while True:
                nothing_follows = all_sent.is_set()
                if message := take():
                    taken.append(message["number"])
                elif nothing_follows:
                    return

    writers = [threading.Thread(target=write, args=[start * MESSAGES]) for start in range(2)]
    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in [*writers, *readers]:
        thread.start()
    for thread in writers:
        thread.join()
    all_sent.set()
    for thread in readers:
        thread.join()

    assert Counter(taken) == Counter(range(2 * MESSAGES))

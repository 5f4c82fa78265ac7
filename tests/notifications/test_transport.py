"""One request to a stranger ends in time and in bounds, and goes where it was checked to go."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from notifications.webhooks import transport
from notifications.webhooks.targets import Target
from notifications.webhooks.transport import EXCERPT_BYTES, Answer, post

Talk = Callable[[socket.socket], None]


@pytest.fixture
def server() -> Iterator[Callable[[Talk], int]]:
    """`server(talk)` is the port of a server that lets `talk` have each connection."""
    listeners: list[socket.socket] = []

    def start(talk: Talk) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


def target(port: int, *, scheme: str = "http", host: str = "hooks.example", addresses=("127.0.0.1",)) -> Target:
    return Target(scheme, host, port, "/in", tuple(addresses))


def call(where: Target, *, timeout_seconds: float = 5) -> Answer:
    return post(where, body=b"{}", headers={"webhook-id": "msg_1"}, timeout_seconds=timeout_seconds)


def says(answer: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        whole_request(connection)
        connection.sendall(answer)

    return talk


def whole_request(connection: socket.socket) -> bytes:
    """Closing with something unread would tear the connection down before the answer is read."""
    request = b""
    while not request.endswith(b"{}") and (more := connection.recv(65536)):
        request += more
    return request


def drips(beginning: bytes) -> Talk:
    """A byte every few milliseconds, for ever: no single read ever times out."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(beginning)
        pause = threading.Event()
        while not pause.wait(0.01):
            connection.sendall(b"x")

    return talk


def test_the_connection_goes_to_the_checked_address_under_the_original_name(server):
    heard = []

    def talk(connection: socket.socket) -> None:
        heard.append(whole_request(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    port = server(talk)
    answer = call(target(port))

    assert answer.accepted and answer.status_code == 204
    assert heard[0].startswith(b"POST /in HTTP/1.1\r\n")
    assert f"Host: hooks.example:{port}\r\n".encode() in heard[0]
    assert b"webhook-id: msg_1\r\n" in heard[0]


def test_the_next_address_is_tried_when_one_refuses(server):
    port = server(says(b"HTTP/1.1 200 OK\r\n\r\n"))

    assert call(target(port, addresses=["127.0.0.2", "127.0.0.1"])).accepted


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 ", b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 200 OK\r\nx-"],
    ids=["nothing", "status line", "continue", "headers"],
)
def test_a_receiver_that_drips_is_cut_off_at_the_deadline(server, beginning):
    answer = call(target(server(drips(beginning))), timeout_seconds=0.3)

    assert answer == Answer(error="No answer within 0.3 seconds.", duration_ms=answer.duration_ms)
    assert 250 <= answer.duration_ms < 3000


def test_an_endless_body_is_cut_off_but_its_status_counts(server):
    answer = call(target(server(drips(b"HTTP/1.1 200 OK\r\n\r\n"))), timeout_seconds=1)

    assert answer.accepted and answer.duration_ms < 5000


def test_only_the_beginning_of_a_large_body_is_read(server):
    answer = call(target(server(says(b"HTTP/1.1 500 Oops\r\n\r\n" + b"a" * 1_000_000))))

    assert (answer.status_code, answer.excerpt) == (500, "a" * EXCERPT_BYTES)


def test_an_excerpt_is_text_that_the_database_takes(server):
    answer = call(target(server(says(b"HTTP/1.1 200 OK\r\n\r\n\x00\xff\xfeok"))))

    assert answer.excerpt == "���ok"


@pytest.mark.parametrize(
    "nonsense", [b"", b"220 mail ready\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a" * 99_999]
)
def test_what_is_not_http_is_a_failure_in_words(server, nonsense):
    answer = call(target(server(says(nonsense))))

    assert answer.status_code is None and answer.error and not answer.accepted


@pytest.fixture
def certificate(tmp_path, monkeypatch) -> Iterator[Path]:
    """A certificate for hooks.example that this process trusts, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [
        x509.DNSName("hooks.example"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.7")),
    ]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "hooks.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    transport._tls.cache_clear()
    yield path
    transport._tls.cache_clear()


def over_tls(certificate: Path, talk: Talk) -> Talk:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def wrapped(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            talk(encrypted)

    return wrapped


def test_tls_checks_the_name_though_the_connection_goes_to_an_address(server, certificate):
    port = server(over_tls(certificate, says(b"HTTP/1.1 200 OK\r\n\r\n")))

    assert call(target(port, scheme="https")).accepted
    assert call(target(port, scheme="https", host="127.0.0.7")).accepted

    impostor = call(target(port, scheme="https", host="elsewhere.example"))
    assert impostor.status_code is None and "certificate was not accepted" in impostor.error


def test_a_tls_handshake_that_never_ends_is_cut_off(server):
    answer = call(target(server(lambda connection: threading.Event().wait(2)), scheme="https"), timeout_seconds=0.3)

    assert answer.error == "No answer within 0.3 seconds." and answer.duration_ms < 2000


def test_plain_text_where_tls_is_expected_is_a_failure_in_words(server):
    port = server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))

    answer = call(target(port, scheme="https"))

    assert answer.status_code is None and answer.error

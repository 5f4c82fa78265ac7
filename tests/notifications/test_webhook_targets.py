"""Webhooks go to the open internet over TLS, and nowhere else."""

import pytest

from core.errors import InvalidInput
from notifications.models import WebhookAttempt, WebhookDelivery
from notifications.services.deliveries import deliver_due
from notifications.services.endpoints import create_endpoint
from notifications.webhooks.targets import check_target, is_public

PUBLIC = "93.184.215.14"


def public(host: str, port: int) -> list[str]:
    return [PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "//hooks.example/",
        "hooks.example",
        "https://",
        "https:///path",
        "https://user:pass@hooks.example/",
        "https://hooks.example@127.0.0.1/",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://hooks.example:https/",
        "https://hooks.example/#part",
        "https://[::1",
        "https://hooks.example/a b",
        "https://hooks.example\\@127.0.0.1/",
        "https://hooks.example/\r\nHost: other",
        "https://hooks.example/\x00",
        "https://höks.example/",
        "https://hooks.example/" + "a" * 500,
        "",
    ],
)
def test_what_is_not_a_plain_https_url_is_refused(url):
    with pytest.raises(InvalidInput) as refusal:
        check_target(url, resolve=public)
    assert refusal.value.field == "url"


def test_a_url_is_taken_apart_as_it_will_be_called():
    target = check_target("https://Hooks.Example:8443/in?key=1&b=%20", resolve=public)

    assert (target.scheme, target.host, target.port, target.path) == (
        "https",
        "hooks.example",
        8443,
        "/in?key=1&b=%20",
    )
    assert target.addresses == (PUBLIC,)
    assert check_target("https://hooks.example", resolve=public).path == "/"
    assert check_target("https://hooks.example", resolve=public).port == 443


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "4000::1",
        "192.88.99.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ],
)
def test_an_address_that_is_not_of_the_open_internet_is_refused(address):
    assert not is_public(address)
    with pytest.raises(InvalidInput, match="private or reserved"):
        check_target("https://hooks.example/", resolve=lambda host, port: [address])


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_open_internet_is_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "3232235777",
        "[::1]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "localhost",
    ],
)
def test_other_ways_to_write_a_private_address_are_refused_by_the_real_resolver(host):
    with pytest.raises(InvalidInput, match=r"private or reserved|cannot be resolved"):
        check_target(f"https://{host}/")


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(InvalidInput, match="private or reserved"):
        check_target("https://hooks.example/", resolve=lambda host, port: [PUBLIC, "10.0.0.1"])


@pytest.mark.parametrize("problem", [OSError("no such name"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_is_refused(problem):
    def fails(host: str, port: int) -> list[str]:
        raise problem

    with pytest.raises(InvalidInput, match="cannot be resolved"):
        check_target("https://hooks.example/", resolve=fails)


def test_the_setting_allows_private_targets_and_plain_http(settings):
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = True

    assert check_target("http://127.0.0.1:9000/in").port == 9000
    with pytest.raises(InvalidInput):
        check_target("ftp://127.0.0.1/")


def test_a_name_that_turns_private_after_saving_is_not_called(say, receiver, settings, real_now):
    """The check is made again at every attempt: the receiver would answer, were it asked."""
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = False
    port = receiver.url.partition("://")[2].partition(":")[2].partition("/")[0]
    endpoint = create_endpoint(url=f"https://rebinding.example:{port}/webhooks", resolve=public)
    receiver.secrets.append(endpoint.secret)
    WebhookDelivery.objects.all().delete()
    say_without_sending = say("demo.letter")
    WebhookDelivery.objects.create(
        event=say_without_sending, endpoint=endpoint, retry_from=real_now, next_attempt_at=real_now
    )

    deliver_due(endpoint_id=endpoint.pk, now=real_now, resolve=lambda host, port: ["127.0.0.1"])

    attempt = WebhookAttempt.objects.get()
    assert attempt.status_code is None and "private or reserved" in attempt.error
    assert receiver.accepted == receiver.unsigned == []
    assert WebhookDelivery.objects.get().status == WebhookDelivery.Status.FAILED

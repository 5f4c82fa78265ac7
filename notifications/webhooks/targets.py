"""Where a webhook may go: https, and no address inside our own network.

Checked when an endpoint is saved and again at every attempt, on the very addresses that are then connected to, so a
name that changes its mind between the check and the connection gains nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from core.errors import InvalidInput

MAX_LENGTH = 500
# https://www.rfc-editor.org/rfc/rfc3986#section-2
URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # https://www.rfc-editor.org/rfc/rfc6052
# https://www.iana.org/assignments/ipv6-address-space: whatever else there is, is not handed out.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-…, where Python's own list has gaps.
SPECIAL = [ipaddress.ip_network(block) for block in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# (host, port) -> addresses, in the order in which to try them. Raises OSError or UnicodeError.
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, with the checked addresses to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def system_resolver(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def check_target(url: str, *, resolve: Resolver = system_resolver) -> Target:
    """Take a URL apart and resolve it. Raises InvalidInput(field="url") for one that may not be called."""
    if len(url) > MAX_LENGTH or not URL_CHARACTERS.fullmatch(url):
        raise _refused(f"Give a URL of at most {MAX_LENGTH} characters, with anything unusual percent-encoded.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("That is not a URL. Write it like https://example.com/webhooks.") from None
    allowed = ("https", "http") if settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS else ("https",)
    if parts.scheme not in allowed:
        raise _refused("The URL must begin with https://, so that nobody on the way can read or change a webhook.")
    if not parts.hostname or parts.fragment or port == 0:
        raise _refused("The URL needs a host, and no fragment. Write it like https://example.com/webhooks.")
    if parts.username is not None or parts.password is not None:
        raise _refused("Leave user name and password out of the URL; the signature proves who is calling.")
    port = port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port, path, _public_addresses(parts.hostname, port, resolve))


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, looking through IPv6 forms that carry an IPv4 address."""
    ip: IPAddress = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if embedded is None and ip in NAT64:
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            return is_public(str(embedded))
        if ip not in GLOBAL_UNICAST:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or any(ip in block for block in SPECIAL))


def _public_addresses(host: str, port: int, resolve: Resolver) -> tuple[str, ...]:
    try:
        addresses = tuple(resolve(host, port))
    except (OSError, UnicodeError):
        addresses = ()
    if not addresses:
        raise _refused(f"The name {host} cannot be resolved. Check its spelling and its DNS records.")
    if not settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS and not all(map(is_public, addresses)):
        raise _refused(f"{host} leads to a private or reserved address. Webhooks go only to public ones.")
    return addresses


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="url")

"""Who is asking: this kit needs no more of a caller than the number by which to tell it from others."""

from rest_framework.request import Request


def caller_of(request: Request) -> int:
    """The primary key of what the authentication put into `request.auth`; every view that asks for a key has one."""
    return int(request.auth.pk)

"""Ids that customers and programs see: a prefix that says what it is, and 22 random characters (131 bits)."""

import functools
import secrets
import string
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _TextColumn = models.CharField[Any, Any]
else:  # Django's fields take no parameters
    _TextColumn = models.CharField

ALPHABET = string.ascii_letters + string.digits
RANDOM_LENGTH = 22


def new_public_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))}"


class PublicIdField(_TextColumn):
    """A unique, immutable id such as `org_…`, made when the row is made."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs |= {
            "max_length": 40,
            "unique": True,
            "editable": False,
            "default": functools.partial(new_public_id, prefix),
        }
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, _args, kwargs = super().deconstruct()
        for implied in ("max_length", "unique", "editable", "default"):
            kwargs.pop(implied, None)
        return name, path, [self.prefix], kwargs

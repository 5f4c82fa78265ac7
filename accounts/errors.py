"""Refusals of accounts."""

from core.errors import RuleRefused


class InvitationClosed(RuleRefused):
    """It was used, withdrawn or has expired; `code` says which."""


class LastOwner(RuleRefused):
    """An organization that has an owner keeps one."""

    code = "last_owner"

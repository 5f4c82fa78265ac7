"""The unique cause that every posting names."""

import re

from core.errors import InvalidInput

MAX_LENGTH = 255
_NUMBERED = re.compile(r"#\d+\Z")


def parse_reference(reference: object, *, field: str = "reference") -> str:
    """A reference for a posting. Raises InvalidInput when empty, too long, or ending like `#2`.

    That ending numbers the further entries of one posting.
    """
    text = parse_name(reference, field=field)
    if _NUMBERED.search(text):
        raise InvalidInput(f"{field} must not end with # and a number.", field=field)
    return text


def parse_name(reference: object, *, field: str = "reference") -> str:
    """Any text that names something once. Raises InvalidInput when empty or too long."""
    if not isinstance(reference, str) or not reference.strip() or "\0" in reference:
        raise InvalidInput(f"{field} must be a text that is not empty.", field=field)
    if len(reference) > MAX_LENGTH:
        raise InvalidInput(f"{field} must have at most {MAX_LENGTH} characters.", field=field)
    return reference

"""Names of organizations, keys and people, as they will stand on pages and in email subjects."""

import unicodedata

from core.errors import InvalidInput

NAME_LENGTH = 120


def clean_name(name: str) -> str:
    """The name with single blanks and no line breaks. Raises InvalidInput when nothing, or too much, is left."""
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("Give it a name.", field="name")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InvalidInput("The name holds a character that cannot be shown.", field="name")
    if len(name) > NAME_LENGTH:
        raise InvalidInput(f"The name may have at most {NAME_LENGTH} characters.", field="name")
    return name

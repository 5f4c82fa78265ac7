"""JSON that comes out as it went in: `0.1` stays a number, and exactly that one.

For what a product gives us to give back, such as `resume`: the API reads numbers as Decimal, which Django's own encoder
would turn into strings, and a float into other numbers. Use `JSONField(encoder=ExactEncoder, decoder=ExactDecoder)`.
"""

import json
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


class ExactEncoder(DjangoJSONEncoder):
    """Writes a Decimal as a JSON number with all its digits. Raises ValueError for NaN and infinity."""

    def encode(self, o: Any) -> str:
        if isinstance(o, Decimal):
            if not o.is_finite():
                raise ValueError(f"JSON has no number {o}.")
            return str(o)
        parts = []
        if isinstance(o, dict):
            for name, value in o.items():
                parts.append(super().encode(str(name)) + self.key_separator + self.encode(value))
            return "{" + self.item_separator.join(parts) + "}"
        if isinstance(o, (list, tuple)):
            for value in o:
                parts.append(self.encode(value))  # a comprehension would double the depth of the stack
            return "[" + self.item_separator.join(parts) + "]"
        return super().encode(o)


class ExactDecoder(json.JSONDecoder):
    """Reads a number with a fraction or an exponent as a Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"parse_float": Decimal, **kwargs})

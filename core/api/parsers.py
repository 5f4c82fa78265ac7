"""JSON read exactly: decimals stay decimals, and whatever the database could not keep is refused here."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

LARGEST_EXPONENT = 400


class ExactJSONParser(BaseParser):
    """Numbers with a point or an exponent become `Decimal`, never floats.

    Refused with 400: NaN and infinities, a name given twice in one object, exponents that would unfold into gigabytes,
    NUL characters and lone surrogates (PostgreSQL stores neither), nesting deeper than the interpreter follows, other
    encodings than UTF-8. A body larger than `DATA_UPLOAD_MAX_MEMORY_SIZE` is refused with 413 before it is read.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request: Request | None = (parser_context or {}).get("request")
        body: bytes = request.body if request is not None else stream.read()
        try:
            value = json.loads(
                body.decode("utf-8"),
                parse_float=_decimal,
                parse_constant=_refuse_constant,
                object_pairs_hook=_object,
            )
            if b"\\u" in body or b"\x00" in body:
                _refuse_unstorable_text(value)
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None
        return value


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if ("e" in text or "E" in text) and number and abs(number.adjusted()) > LARGEST_EXPONENT:
        raise ValueError(f"the exponent of {text[:40]} is out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON knows")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name “{twice}” stands twice in one object")
    return names


def _refuse_unstorable_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("a text holds a NUL character or half of a surrogate pair")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unstorable_text(name)
            _refuse_unstorable_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable_text(inner)

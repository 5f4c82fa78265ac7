"""Gift card codes: twenty letters of Crockford's base 32, a hundred random bits, in groups of four.

https://www.crockford.com/base32.html: no I, L, O or U, and what people type for 0 and 1 is understood.
"""

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 20
GROUP = 4
_AS_MEANT = str.maketrans("OIL", "011")


def new_code() -> str:
    """Such as `7XQ2-M4VT-09GK-HRNW-E5CD`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def normalised(typed: str) -> str:
    """What was meant by what was typed: without blanks and dashes, in capitals, O as 0, I and L as 1."""
    return "".join(letter for letter in typed.upper() if letter.isalnum()).translate(_AS_MEANT)


def hash_of(code: str) -> str:
    """What is stored. A plain hash will do: a hundred random bits cannot be guessed from it, at any speed."""
    return hashlib.sha256(normalised(code).encode()).hexdigest()


def last_four(code: str) -> str:
    return normalised(code)[-4:]

"""What codes of the catalogue look like."""

from django.core.validators import RegexValidator

code_validator = RegexValidator(
    r"^[a-z0-9][a-z0-9_.-]*\Z",
    "A code is made of lowercase letters, digits, '-', '_' and '.', and begins with a letter or digit.",
)

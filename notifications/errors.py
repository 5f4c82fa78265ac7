"""What can be wrong with a call of notifications."""


class UnknownEventType(LookupError):
    """A type nobody registered: a mistake in the program, not in the data."""

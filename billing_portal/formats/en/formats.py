"""Dates without riddles: day before month, the month in letters, the zone behind every time."""

DATE_FORMAT = "j M Y"
SHORT_DATE_FORMAT = DATE_FORMAT
DATETIME_FORMAT = r"j M Y, H:i \U\T\C"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
TIME_FORMAT = r"H:i \U\T\C"

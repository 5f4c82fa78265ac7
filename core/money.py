"""Money: integer minor units and an ISO currency, never a float."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

# https://docs.stripe.com/currencies#zero-decimal and #three-decimal
ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# What Stripe takes: https://docs.stripe.com/currencies#presentment-currencies
_CODES = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd
jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad
ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl
thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
"""
CURRENCIES = frozenset(_CODES.split())
# The most minor units that a price or a limit of the catalogue may say: a guard against slips of the pen. What Stripe
# takes in one charge is less; what a column of eight bytes holds is more.
LARGEST_AMOUNT = 10**12
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
# Minor units; what Stripe charges at once: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
LARGEST_CHARGE = 99_999_999


def minor_digits(currency: str) -> int:
    """How many decimal places a currency's minor unit stands for: 2 for usd, 0 for jpy, 3 for kwd."""
    code = currency.lower()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of a currency."""

    amount: int
    currency: str

    @classmethod
    def of_major(cls, value: Decimal, currency: str) -> Self:
        """From major units (dollars), rounded half up to the minor unit."""
        scaled = value.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return cls(int(scaled), currency.lower())

    @property
    def major(self) -> Decimal:
        return Decimal(self.amount).scaleb(-minor_digits(self.currency))

    def __str__(self) -> str:
        """`$1,234.50`, `−€3.00`, `¥500`, `CHF 20.00`."""
        sign = "−" if self.amount < 0 else ""
        digits = f"{abs(self.major):,.{minor_digits(self.currency)}f}"
        symbol = SYMBOLS.get(self.currency.lower())
        return f"{sign}{symbol}{digits}" if symbol else f"{sign}{self.currency.upper()} {digits}"

"""What is sold: each app registers a function that yields the specs of everything it sells or has sold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from payments.stripe_catalogue.specs import FeatureSpec, MeterSpec, PriceSpec, ProductSpec, Spec

SpecT = TypeVar("SpecT", FeatureSpec, MeterSpec, ProductSpec, PriceSpec)
Source = Callable[[], Iterable[Spec]]
_sources: dict[str, Source] = {}


def register_source(name: str, source: Source) -> None:
    """Registering a source with the same `name` replaces it."""
    _sources[name] = source


@dataclass
class Catalogue:
    """Everything that should be at Stripe, by code."""

    features: dict[str, FeatureSpec]
    meters: dict[str, MeterSpec]
    products: dict[str, ProductSpec]
    prices: dict[str, PriceSpec]

    @classmethod
    def gather(cls) -> Self:
        """Raises `ValueError` when two sources use one code, or a price names a product or meter that nobody has."""
        catalogue = cls({}, {}, {}, {})
        for source in _sources.values():
            for spec in source():
                catalogue._add(spec)
        for price in catalogue.prices.values():
            if price.product not in catalogue.products:
                raise ValueError(f"Price {price.lookup_key} is of product {price.product}, which is in no source.")
            if price.meter and price.meter not in catalogue.meters:
                raise ValueError(f"Price {price.lookup_key} bills meter {price.meter}, which is in no source.")
        for product in catalogue.products.values():
            for feature in product.features:
                if feature not in catalogue.features:
                    raise ValueError(f"Product {product.code} has feature {feature}, which is in no source.")
        return catalogue

    def _add(self, spec: Spec) -> None:
        match spec:
            case FeatureSpec():
                _put(self.features, spec.code, spec)
            case MeterSpec():
                _put(self.meters, spec.code, spec)
            case ProductSpec():
                _put(self.products, spec.code, spec)
            case PriceSpec():
                _put(self.prices, spec.lookup_key, spec)


def _put(specs: dict[str, SpecT], code: str, spec: SpecT) -> None:
    if code in specs:
        raise ValueError(f"Two sources use the code {code}.")
    specs[code] = spec

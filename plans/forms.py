"""Form fields. A ladder is a small table of fields: one price, tiers, or packages. Works without JavaScript."""

from collections.abc import Mapping
from typing import Any, TypedDict

from django import forms
from django.core.exceptions import ValidationError

from plans.engine import price_ladders
from plans.engine.price_ladders import Graduated, Ladder, PerPackage

ROWS = 6


class LadderInput(TypedDict):
    """A ladder as the widget's fields are filled in: tiers of "up to" and "price", or a package."""

    tiers: list[tuple[str, str]]
    size: str
    package_price: str


class LadderWidget(forms.Widget):
    """`ROWS` lines of "up to" and "price", and below them a package's size and price."""

    template_name = "admin/plans/ladder_widget.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        typed = _as_input(value)
        rows = [(f"{name}-up_to-{i}", f"{name}-price-{i}") for i in range(max(ROWS, len(typed["tiers"]) + 1))]
        filled = typed["tiers"] + [("", "")] * (len(rows) - len(typed["tiers"]))
        context = super().get_context(name, None, attrs)
        context["widget"] |= {
            "rows": [
                {"up_to_name": up_to, "price_name": price, "up_to": values[0], "price": values[1]}
                for (up_to, price), values in zip(rows, filled, strict=True)
            ],
            "size_name": f"{name}-size",
            "package_price_name": f"{name}-package_price",
            "size": typed["size"],
            "package_price": typed["package_price"],
        }
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: object, name: str) -> LadderInput:
        """What was typed, as it was typed: the field makes sense of it, and the form shows it again."""
        tiers = []
        index = 0
        while f"{name}-price-{index}" in data:
            tiers.append((data.get(f"{name}-up_to-{index}", "").strip(), data[f"{name}-price-{index}"].strip()))
            index += 1
        while tiers and tiers[-1] == ("", ""):
            tiers.pop()
        return {
            "tiers": tiers,
            "size": data.get(f"{name}-size", "").strip(),
            "package_price": data.get(f"{name}-package_price", "").strip(),
        }

    def value_omitted_from_data(self, data: Mapping[str, object], files: object, name: str) -> bool:
        return f"{name}-price-0" not in data

    def use_required_attribute(self, initial: object) -> bool:
        return False


class LadderFormField(forms.Field):
    widget = LadderWidget

    def to_python(self, value: Any) -> Ladder | None:
        if value in self.empty_values or isinstance(value, (Graduated, PerPackage)):
            return value or None
        tiers, size, package_price = value["tiers"], value["size"], value["package_price"]
        package = bool(size or package_price)
        if tiers and package:
            raise ValidationError("Give tiers or a package, not both.")
        if not tiers and not package:
            return None
        graduated = [{"price": price} | ({"up_to": up_to} if up_to else {}) for up_to, price in tiers]
        try:
            return price_ladders.parse({"size": size, "price": package_price} if package else graduated)
        except price_ladders.InvalidLadder as problem:
            raise ValidationError(str(problem)) from None

    def has_changed(self, initial: object, data: object) -> bool:
        return _as_input(initial) != _as_input(data)


def _as_input(value: Any) -> LadderInput:
    """A ladder as the fields would have been filled in; what was typed is returned as it is."""
    match value:
        case PerPackage():
            package = value.as_json()
            return LadderInput(tiers=[], size=package["size"], package_price=package["price"])
        case Graduated():
            tiers = [(tier.get("up_to", ""), tier["price"]) for tier in value.as_json()]
            return LadderInput(tiers=tiers, size="", package_price="")
        case {"tiers": tiers, "size": size, "package_price": price}:
            return LadderInput(tiers=tiers, size=size, package_price=price)
    return LadderInput(tiers=[], size="", package_price="")

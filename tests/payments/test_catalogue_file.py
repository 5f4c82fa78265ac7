"""The catalogue file: everything wrong is named with its place and nothing changes; what is right is done at once."""

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from core.errors import RuleRefused
from core.money import CURRENCIES, LARGEST_AMOUNT
from core.quantities import LARGEST, PLACES
from payments.catalogue_file import CatalogueRefused, dump, entries, load, register_section, values
from payments.catalogue_file.entries import Entry, Table, save_row
from payments.models import CatalogueEntry


class InShop(Entry):
    """Kept here as the file says it, with a catalogue entry whose revision counts each time it was saved."""

    kept: ClassVar[dict[str, dict[str, Any]]]

    @classmethod
    def present(cls):
        codes = CatalogueEntry.objects.order_by("id").values_list("code", flat=True)
        return [cls.model_construct(**cls.kept[code]) for code in codes if code in cls.kept]

    def save(self, *, changed, now):
        if "name" in changed and self.name == "Forbidden":
            raise RuleRefused("this shop does not sell that")
        self.kept[self.code] = self.kept.get(self.code, {}) | self.as_columns(changed)
        row = CatalogueEntry.objects.filter(code=self.code).first()
        save_row(CatalogueEntry, self.code, {"kind": "feature", "revision": row.revision + 1 if row else 0})


class Shelf(InShop):
    section = "shelves"
    order = 10
    kept = {}

    code: Annotated[str, values.code(100)]


class Tier(Table):
    up_to: values.PositiveQuantity | None = None
    price: values.Quantity


class Rate(Table):
    unit: Annotated[str, values.code(100)]
    ladder: Annotated[list[Tier], Field(min_length=1)]


class Rule(Table):
    statuses: list[Annotated[str, values.text(200)]]
    min_ms: Annotated[int, values.whole(0)] | None = None


class Goods(InShop):
    section = "goods"
    order = 20
    kept = {}

    code: Annotated[str, values.code(100)]
    name: Annotated[str, values.text(20)]
    shelf: Annotated[str, values.reference("shelves")] | None = None
    price: values.Amount | None = None
    list_price: values.Amount | None = None
    currency: values.Currency = ""
    size: Annotated[Annotated[str, values.one_of(("small", "large"))] | None, values.clearable] = None
    weight: Annotated[Decimal | Literal["unlimited"], values.or_word("unlimited", values.Quantity)] | None = None
    days: Annotated[int, values.whole(0, 3650)] | None = None
    tags: list[Annotated[str, values.text(200)]] | None = None
    rule: Rule | None = None
    rates: list[Rate] = []
    retired: bool = False

    def problems(self):
        if self.price is not None and self.list_price is not None and self.price > self.list_price:
            yield "price", "must not exceed list_price"


@pytest.fixture(autouse=True)
def shop(monkeypatch, db):
    """Two tables as an app would declare them, `shelves` and `goods`, and what is kept of them."""
    monkeypatch.setattr(entries, "_sections", {})
    for entry in (Goods, Shelf):
        entry.kept.clear()
        register_section(entry)
    return Goods.kept


def refused(text, now):
    """The problems of a file, having made sure that nothing changed."""
    before = list(CatalogueEntry.objects.order_by("id").values())
    with pytest.raises(CatalogueRefused) as caught:
        load(text=text, now=now)
    assert list(CatalogueEntry.objects.order_by("id").values()) == before
    return caught.value.problems


def test_entries_are_created_then_updated_then_unchanged(now):
    text = '[[goods]]\ncode = "tea"\nname = "Tea"\nprice = 500'
    assert [str(each) for each in load(text=text, now=now)] == ["goods tea created"]
    assert [str(each) for each in load(text=text, now=now)] == ["goods tea unchanged"]
    [changed] = load(text=text.replace("500", "600"), now=now)
    assert changed.verb == "updated"


def test_an_entry_that_exists_may_say_only_what_changes(now, shop):
    load(text='[[goods]]\ncode = "tea"\nname = "Tea"\nprice = 500\nsize = "large"', now=now)
    load(text='[[goods]]\ncode = "tea"\nprice = 600', now=now)
    assert shop["tea"] == {"code": "tea", "name": "Tea", "price": 600, "size": "large"}
    load(text='[[goods]]\ncode = "tea"\nsize = "none"', now=now)
    assert shop["tea"]["size"] is None


def test_what_is_referred_to_may_come_later_in_the_file(now):
    text = '[[goods]]\ncode = "tea"\nname = "Tea"\nshelf = "top"\n[[shelves]]\ncode = "top"'
    assert [str(each) for each in load(text=text, now=now)] == ["shelves top created", "goods tea created"]


@pytest.mark.parametrize(
    "line, problem",
    [
        ('colour = "red"', "goods[0].colour: is not known here"),
        ("name = 5", "goods[0].name: must be a text"),
        ('name = "  "', "goods[0].name: must not be empty"),
        (f'name = "{"x" * 21}"', "goods[0].name: must not be longer than 20 characters, and has 21"),
        ('shelf = "nowhere"', "goods[0].shelf: there is no 'nowhere' among the shelves"),
        ('price = "500"', "goods[0].price: must be a whole number"),
        ("price = 5.5", "goods[0].price: must be a whole number"),
        ("price = true", "goods[0].price: must be a whole number"),
        ("price = -1", "goods[0].price: must be between 0 and"),
        ("price = 99999999999999999999", "goods[0].price: must be between 0 and"),
        ('currency = "USD"', "goods[0].currency: must be a currency"),
        ('currency = "xyz"', "goods[0].currency: must be a currency"),
        ('size = "huge"', "goods[0].size: must be one of small, large"),
        ('weight = "heavy"', "goods[0].weight: must be a number in quotation marks"),
        ('weight = "-1"', "goods[0].weight: must be at least 0"),
        ('weight = "0.1234567"', "goods[0].weight: must not have more than 6 decimal places"),
        ("weight = nan", "goods[0].weight: must be a finite number"),
        ('weight = "Infinity"', "goods[0].weight: must be a finite number"),
        ('weight = "1e20"', "goods[0].weight: must be less than"),
        ("weight = []", "goods[0].weight: must be a number"),
        ("days = 3651", "goods[0].days: must be between 0 and 3,650, and is 3,651"),
        ('tags = "a"', "goods[0].tags: must be a list of texts"),
        ("tags = [1]", "goods[0].tags: must be a text"),
        ("rule = 1", "goods[0].rule: must be a table"),
        ("rule = { min_ms = 5 }", "goods[0].rule.statuses: is missing"),
        ("rule = { statuses = [], max = 1 }", "goods[0].rule.max: is not known here"),
        ("rates = 1", "goods[0].rates: must be a list of tables"),
        ('rates = [{ unit = "usd", ladder = [] }]', "goods[0].rates[0].ladder: needs at least 1"),
        (
            'rates = [{ unit = "usd", ladder = [{ up_to = "0", price = "1" }] }]',
            "goods[0].rates[0].ladder[0].up_to: must be more than 0",
        ),
        ('retired = "yes"', "goods[0].retired: must be true or false"),
        ("price = 2\nlist_price = 1", "goods[0].price: must not exceed list_price"),
    ],
)
def test_an_impossible_value_is_refused_by_name_and_place(now, line, problem):
    name = "" if line.startswith("name") else 'name = "Tea"\n'
    [found] = refused(f'[[goods]]\ncode = "tea"\n{name}{line}', now)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("[[good]]", "good: is not known here; known are shelves, goods"),
        ('goods = "tea"', "goods: must be a list of tables"),
        ("[[goods]]\nname = 'x'", "goods[0].code: is missing"),
        ("[[goods]]\ncode = 'tea'", "goods[0].name: is missing"),
        ("[[goods]]\ncode = 'A tea'\nname = 'x'", "goods[0].code: must be a code"),
        ("[[goods]\n", "This is not TOML: "),
        ("a = 1\na = 2", "This is not TOML: "),
        ("[[goods]]\ncode = 'tea'\nname = 'Forbidden'", "goods[0]: this shop does not sell that"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(now, text, problem):
    [found] = refused(text, now)
    assert found.startswith(problem)


def test_all_problems_are_named_at_once_and_nothing_is_changed(now):
    text = """
    [[shelves]]
    code = "top"
    [[goods]]
    code = "tea"
    name = "Tea"
    [[goods]]
    code = "tea"
    name = "Tea again"
    [[goods]]
    code = "milk"
    price = -5
    """
    assert refused(text, now) == [
        "goods[1].code: 'tea' was already given in goods[0]",
        "goods[2].name: is missing",
        "goods[2].price: must be between 0 and 1,000,000,000,000, and is -5",
    ]


def test_a_refusal_by_the_database_takes_back_the_entries_before_it(now):
    refused("[[goods]]\ncode='tea'\nname='Tea'\n[[goods]]\ncode='x'\nname='Forbidden'", now)
    assert CatalogueEntry.objects.count() == 0


def test_decimals_are_exact_however_they_are_written(now, shop):
    load(text='[[goods]]\ncode = "a"\nname = "A"\nweight = "0.003"', now=now)
    load(text='[[goods]]\ncode = "b"\nname = "B"\nweight = 0.0022', now=now)
    load(text='[[goods]]\ncode = "c"\nname = "C"\nweight = 7', now=now)
    load(text='[[goods]]\ncode = "d"\nname = "D"\nweight = "unlimited"', now=now)
    weights = [shop[code]["weight"] for code in "abcd"]
    assert weights == [Decimal("0.003"), Decimal("0.0022"), Decimal(7), "unlimited"]


def test_a_dump_loads_without_changing_anything(now):
    text = """
    [[goods]]
    code = "tea"
    name = "Té \\"verde\\" \\\\ \\t ✓"
    price = 500
    currency = "eur"
    weight = "12.50"
    tags = ["a", "b, c", ""]
    rule = { statuses = ["success"], min_ms = 5000 }
    retired = true
    [[goods.rates]]
    unit = "sessions"
    ladder = [{ price = "1" }]
    [[goods.rates]]
    unit = "usd"
    ladder = [{ up_to = "1000000", price = "0.003" }, { price = "0.0022" }]
    """.replace(', ""]', "]")
    load(text=text, now=now)

    dumped = dump()

    assert "[[goods.rates]]" in dumped
    assert 'ladder = [{ up_to = "1000000", price = "0.003" }, { price = "0.0022" }]' in dumped
    assert 'rule = { statuses = ["success"], min_ms = 5000 }' in dumped
    assert 'weight = "12.5"' in dumped
    assert [each.verb for each in load(text=dumped, now=now)] == ["unchanged"]
    assert dump() == dumped


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
AMOUNTS = st.integers(0, LARGEST_AMOUNT)
QUANTITIES = st.decimals(0, LARGEST, places=PLACES)
TIERS = st.builds(Tier, up_to=st.none() | QUANTITIES.filter(bool), price=QUANTITIES)
RATES = st.builds(Rate, unit=st.just("usd"), ladder=st.lists(TIERS, min_size=1, max_size=3))
SAID_OF_GOODS = st.fixed_dictionaries(
    {"name": TEXTS.filter(str.strip)},
    optional={
        "price": AMOUNTS,
        "currency": st.sampled_from(sorted(CURRENCIES)),
        "size": st.sampled_from(["small", "large"]),
        "weight": st.just("unlimited") | QUANTITIES,
        "days": st.integers(0, 3650),
        "tags": st.lists(TEXTS.filter(str.strip), max_size=9),
        "rule": st.builds(
            Rule, statuses=st.lists(TEXTS.filter(str.strip)), min_ms=st.none() | st.integers(0, 2**31 - 1)
        ),
        "rates": st.lists(
            st.builds(Rate, unit=st.just("usd"), ladder=st.lists(TIERS, min_size=1, max_size=3)), max_size=3
        ),
        "retired": st.booleans(),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(shop=st.lists(SAID_OF_GOODS, max_size=4))
def test_whatever_there_is_survives_being_written_and_read(now, shop):
    CatalogueEntry.objects.all().delete()
    Goods.kept.clear()
    for number, said in enumerate(shop):
        Goods.model_construct(code=f"g{number}", **said).save(changed=said.keys() | {"code"}, now=now)

    dumped = dump()

    assert {each.verb for each in load(text=dumped, now=now)} <= {"unchanged"}
    CatalogueEntry.objects.all().delete()
    Goods.kept.clear()
    assert {each.verb for each in load(text=dumped, now=now)} <= {"created"}
    assert dump() == dumped


def test_what_is_there_stays_though_no_file_may_say_it(now, shop):
    """An older version, or the admin, may have allowed more than a file does."""
    long = "A name of more than twenty characters"
    Goods.model_construct(code="tea", name=long, price=1).save(changed={"code", "name", "price"}, now=now)

    assert [str(each) for each in load(text='[[goods]]\ncode = "tea"\nprice = 2', now=now)] == [
        "goods tea updated: price"
    ]
    assert shop["tea"] == {"code": "tea", "name": long, "price": 2}
    assert refused('[[goods]]\ncode = "tea"\nlist_price = 1', now) == ["goods[0].price: must not exceed list_price"]


def test_what_contradicts_is_said_of_every_entry_that_is_otherwise_in_order(now):
    text = """
    [[goods]]
    code = "tea"
    name = "Tea"
    price = 2
    list_price = 1
    rates = [{ unit = "A", ladder = 1, more = 2 }, { unit = "usd", ladder = [{ price = 1.5, up_to = "x" }] }]
    [[goods]]
    code = "milk"
    name = "Milk"
    price = 2
    list_price = 1
    """
    assert refused(text, now) == [
        "goods[0].rates[0].unit: must be a code: lower-case letters, digits, '-', '_' and '.', at most 100 of them",
        "goods[0].rates[0].ladder: must be a list of tables",
        "goods[0].rates[0].more: is not known here; known are unit, ladder",
        "goods[0].rates[1].ladder[0].up_to: must be a number in quotation marks, such as \"12.5\", and is 'x'",
        "goods[1].price: must not exceed list_price",
    ]


ANYTHING = ["'~'", "1", "-1", "1.5", "nan", "true", "1979-05-27", "[[]]", "[{}]", "[1, 'a']", "{}", "{ a = [1] }"]


@pytest.mark.parametrize("key", Goods.model_fields)
def test_every_refusal_is_in_our_own_words(now, key):
    """Whatever TOML can say is taken or refused; nothing breaks, and nothing is said in the words of a library."""
    for value in ANYTHING:
        problems = refused(f"[[goods]]\n{key} = {value}", now)
        assert all(re.fullmatch(r"goods(\[0\])?[a-z_.\[\]0-9]*: [a-z].*", problem) for problem in problems)
        assert not re.search(r"[Ii]nput|valid|type|instance|dict", " ".join(problems))


def test_the_commands_say_what_they_did(tmp_path, capsys):
    file = tmp_path / "catalogue.toml"
    file.write_text('[[goods]]\ncode = "tea"\nname = "Tea"\n')

    call_command("load_catalog", str(file), "--dry-run")
    printed = capsys.readouterr().out
    assert "goods tea created" in printed
    assert "Dry run: nothing was changed." in printed
    assert CatalogueEntry.objects.count() == 0

    call_command("load_catalog", str(file))
    assert "1 changed, 0 unchanged." in capsys.readouterr().out
    call_command("dump_catalog")
    assert capsys.readouterr().out == '[[goods]]\ncode = "tea"\nname = "Tea"\n'


def test_the_command_fails_with_every_problem(tmp_path):
    file = tmp_path / "catalogue.toml"
    file.write_text("[[goods]]\nprice = -1\n")
    with pytest.raises(CommandError) as caught:
        call_command("load_catalog", str(file))
    message = str(caught.value)
    assert message.startswith("Nothing was changed. 3 problem(s):")
    assert "goods[0].code: is missing" in message
    assert "goods[0].name: is missing" in message
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("load_catalog", str(file))

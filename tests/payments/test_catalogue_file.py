"""The catalogue file: everything wrong is named with its place and nothing changes; what is right is done at once."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from core.errors import RuleRefused
from payments.catalogue_file import (
    Amount,
    CatalogueRefused,
    Choice,
    Code,
    Currency,
    Flag,
    Quantity,
    Reference,
    Section,
    Table,
    Tables,
    Text,
    Texts,
    Whole,
    dump,
    load,
    register_section,
    save_by_code,
    sections,
)
from payments.models import CatalogueEntry

RATE = {"up_to": Quantity(optional=True, above_minimum=True), "price": Quantity()}


def dearer_is_not_cheaper(entry):
    if entry.get("price", 0) > entry.get("list_price", 10**9):
        yield "price", "must not exceed list_price"


@pytest.fixture(autouse=True)
def shop(monkeypatch, db):
    """Two tables as an app would declare them, `shelves` and `goods`, kept as catalogue entries."""
    monkeypatch.setattr(sections, "_registry", type(sections._registry)())
    kept, revisions = {}, {}

    def save(*, entry, now):
        if entry.get("name") == "Forbidden":
            raise RuleRefused("this shop does not sell that")
        code, before = entry["code"], kept.get(entry["code"], {})
        kept[code] = before | entry
        revisions[code] = revisions.get(code, 0) + (kept[code] != before)
        values = {"kind": "feature", "revision": revisions[code]}
        return save_by_code(CatalogueEntry, code=code, values=values)[1]

    def codes():
        return CatalogueEntry.objects.values_list("code", flat=True)

    register_section(
        Section(
            name="goods",
            order=20,
            fields={
                "code": Code(),
                "name": Text(max_length=20),
                "shelf": Reference(section="shelves", optional=True),
                "price": Amount(optional=True),
                "list_price": Amount(optional=True),
                "currency": Currency(optional=True),
                "size": Choice(choices=("small", "large"), optional=True, clearable=True),
                "weight": Quantity(optional=True, words=("unlimited",)),
                "days": Whole(maximum=3650, optional=True),
                "tags": Texts(optional=True),
                "rule": Table({"statuses": Texts(), "min_ms": Whole(optional=True)}, optional=True),
                "rates": Tables({"unit": Code(), "ladder": Tables(RATE, minimum=1)}, inline=False, optional=True),
                "retired": Flag(),
            },
            known=codes,
            save=save,
            read=lambda: [kept[code] for code in codes() if "name" in kept.get(code, {})],
            check=dearer_is_not_cheaper,
        )
    )
    register_section(Section(name="shelves", order=10, fields={"code": Code()}, known=codes, save=save, read=list))
    return kept


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
    assert changed.change.verb == "updated"


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
    assert [each.change.verb for each in load(text=dumped, now=now)] == ["unchanged"]
    assert dump() == dumped


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

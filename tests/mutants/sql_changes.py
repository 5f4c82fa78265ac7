"""The changes that are tried in SQL: in the functions and triggers of a file, and in statements within Python."""

import re
from collections.abc import Iterator

UNIT = re.compile(r"^CREATE (?:FUNCTION|TRIGGER) (\w+).*?(?:\$\$;|EXECUTE FUNCTION \w+\(\);)", re.MULTILINE | re.DOTALL)
# Never changed: comments, texts, the names and types of parameters.
OPAQUE = re.compile(r"--[^\n]*|'[^']*'|^CREATE FUNCTION.*?\$\$", re.MULTILINE | re.DOTALL)
CHANGES = [
    (re.compile(pattern, re.MULTILINE), instead)
    for pattern, instead in (
        (r" <= ", " < "),
        (r" < ", " <= "),
        (r" >= ", " > "),
        (r" > ", " >= "),
        (r" <> ", " = "),
        (r"(\b(?:WHERE|AND|OR|WHEN|IF|ELSIF|ON) \(?[\w.]+) = ", r"\1 <> "),
        (r" \+ ", " - "),
        (r" - ", " + "),
        (r"(?<=[ (,])-(?=[\w(])", ""),
        (r" AND ", " OR "),
        (r" OR ", " AND "),
        (r"\bIS NULL\b", "IS NOT NULL"),
        (r"\bIS NOT NULL\b", "IS NULL"),
        (r"(?<!IS )\bNOT (?=\w)", ""),
        (r"\bIS DISTINCT FROM\b", "="),
        (r"\bLEAST\b", "GREATEST"),
        (r"\bGREATEST\b", "LEAST"),
        (r"\bleast\b", "greatest"),
        (r"\bmin\(", "max("),
        (r"\bmax\(", "min("),
        (r" DESC\b", ""),
        (r"(?<=ORDER BY )([a-z][\w.]*), ([a-z][\w.]*)", r"\2, \1"),
        (r"(?<=ORDER BY )([\w.]+)$", r"\1 DESC"),
        (r"\bLIMIT \d+", ""),
        (r"\btrue\b", "false"),
        (r"\bfalse\b", "true"),
        (r"(?<=[ (,])0(?=[ ,);\n])", "1"),
        (r"(?<!BY )(?<=[ (,])1(?=[ ,);\n])", "2"),
        # A whole statement of a function goes.
        (r"^ +(?:[\w.]+ := |UPDATE |INSERT |RAISE )[^;]*;$", "    NULL;"),
        # What a trigger guards.
        (r"\bUPDATE OR (?=DELETE)", ""),
        (r" OR (?:DELETE|TRUNCATE)\b", ""),
    )
]
COLUMNS = re.compile(r"(?<=UPDATE OF )[\w, ]+(?= ON )")


def units(text: str) -> Iterator[tuple[str, str]]:
    """The functions and triggers of a file: name and statement."""
    return ((found[1], found[0]) for found in UNIT.finditer(text))


def changes_in(text: str) -> Iterator[tuple[str, str, str]]:
    """A line as it was, as it would be, and the whole text with that."""
    opaque = [found.span() for found in OPAQUE.finditer(text)]
    for pattern, instead in CHANGES:
        for found in pattern.finditer(text):
            if any(start <= found.start() < end for start, end in opaque):
                continue
            changed = text[: found.start()] + found.expand(instead) + text[found.end() :]
            yield _lines(text, found.start(), found.end()), _lines(changed, found.start(), found.start() + 1), changed
    for found in COLUMNS.finditer(text):
        for column in found[0].split(", "):
            changed = re.sub(rf"(?:OLD\.|NEW\.|\b){column}, |, (?:OLD\.|NEW\.|\b){column}\b", "", text)
            yield column, "", changed


def replacing(statement: str) -> str:
    return statement.replace("CREATE ", "CREATE OR REPLACE ", 1)


def _lines(text: str, start: int, end: int) -> str:
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    return " ".join(text[first : last if last >= 0 else None].split())

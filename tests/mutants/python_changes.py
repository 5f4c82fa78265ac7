"""The changes that are tried in Python: one node of a module's tree for another that says something else.

Nothing that only reads differently is changed: no annotation, docstring, assertion, log line or text for people, and of
what `quantize` is given only the places count. Locks and `strict` stay: that they are missing shows only where two
processes meet, or nowhere. Of what runs when a module is imported only the values of its constants are changed.
"""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutants import sql_changes

COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
COMPARISONS |= {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
ARITHMETIC |= {ast.Mod: ast.Mult}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
ROUNDING = {"ROUND_UP": "ROUND_DOWN", "ROUND_DOWN": "ROUND_UP", "ROUND_CEILING": "ROUND_FLOOR"}
ROUNDING |= {"ROUND_FLOOR": "ROUND_CEILING", "ROUND_HALF_UP": "ROUND_DOWN"}
NUMBER = re.compile(r"\d+(\.\d+)?")
QUERY = re.compile(r"\b(SELECT|UPDATE|INSERT INTO|DELETE FROM)\b")
LOCK = re.compile(r"\bfor_update\(|\block\w*\(")
# As much of the surroundings as tells where we are.
ENOUGH_TEXT = 60


@dataclass(frozen=True)
class Change:
    """One change: `function` is empty for what a module does when it is imported."""

    path: str
    function: str
    before: str
    after: str
    number: int
    """Its place among the changes of its file, or of its function in SQL."""

    @property
    def where(self) -> str:
        return f"{self.path} {self.function}".strip()

    @property
    def what(self) -> str:
        return f"{self.before}  →  {self.after}"


def changes_of(path: str, source: str) -> list[Change]:
    tree = ast.parse(source)
    return [
        Change(path, site.function, site.text(), site.text(changed=True), number)
        for number, site in enumerate(_sites(tree))
    ]


def changed_tree(source: str, number: int) -> ast.Module:
    tree = ast.parse(source)
    next(site for place, site in enumerate(_sites(tree)) if place == number).put()
    return ast.fix_missing_locations(tree)


@dataclass
class _Site:
    """Where one node can be replaced. `around` are the nodes that hold it, the innermost last."""

    function: str
    around: list[ast.AST]
    node: ast.AST
    new: ast.AST

    def put(self, *, back: bool = False) -> None:
        old, new = (self.new, self.node) if back else (self.node, self.new)
        for name, value in ast.iter_fields(self.around[-1]):
            if value is old:
                setattr(self.around[-1], name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                value[next(place for place, one in enumerate(value) if one is old)] = new

    def text(self, *, changed: bool = False) -> str:
        """The expression or the first line of the statement, with as much around it as tells where it is."""
        if hasattr(self.new, "shown"):
            return self.new.shown[changed]
        shown = self.node
        for outer in reversed(self.around):
            if isinstance(shown, ast.stmt) or not isinstance(outer, ast.expr | ast.stmt | ast.keyword):
                break
            if len(ast.unparse(outer)) > ENOUGH_TEXT:
                break
            shown = outer
        if not changed:
            return _first_line(shown)
        if shown is self.node:
            return _first_line(self.new)
        self.put()
        text = _first_line(shown)
        self.put(back=True)
        return text


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            yield from _below(statement.value, "", [tree, statement])
    yield from _functions(tree, "", [])


def _functions(node: ast.AST, name: str, around: list[ast.AST]) -> Iterator[_Site]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{name}{child.name}.", [*around, node])
        elif isinstance(child, ast.FunctionDef):
            for statement in child.body:
                if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                    yield from _below(statement, f"{name}{child.name}", [*around, node, child])


def _below(node: ast.AST, function: str, around: list[ast.AST]) -> Iterator[_Site]:
    if isinstance(node, ast.Assert) or _is_log(node) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return
    for new in _instead_of(node, around):
        yield _Site(
            function, around, node, ast.copy_location(new, node) if isinstance(new, ast.expr | ast.stmt) else new
        )
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "ctx", "args") and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (name == "args" and _is_quantize(node)):
                yield from _below(child, function, [*around, node])


def _instead_of(node: ast.AST, around: list[ast.AST]) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            yield _with(node, ops=[COMPARISONS[type(operator)]()])
        case ast.BoolOp(op=ast.And()):
            yield _with(node, op=ast.Or())
        case ast.BoolOp():
            yield _with(node, op=ast.And())
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in ARITHMETIC and not _is_text(node):
            yield _with(node, op=ARITHMETIC[type(operator)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Name(id=name) if name in NAMES:
            yield _with(node, id=NAMES[name])
        case ast.Name(id=name) if name in ROUNDING:
            yield ast.Constant(ROUNDING[name])
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as text) if _is_decimal(text, around):
            yield ast.Constant(f"1{text}")
        case ast.Constant(value=str() as text) if QUERY.search(text):
            for before, after, changed in sql_changes.changes_in(text):
                new = ast.Constant(changed)
                new.shown = before, after  # type: ignore[attr-defined]
                yield new
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not isinstance(test, ast.Compare | ast.UnaryOp):
                yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.comprehension(ifs=[test]):
            yield _with(node, ifs=[])
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield _with(node, value=ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
            if not LOCK.search(ast.unparse(node)):
                yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple(elts=[ast.Attribute(), *_])]):
            yield ast.Pass()
    if isinstance(node, ast.AugAssign):
        yield ast.Pass()


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_log(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _is_quantize(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "quantize"


def _is_text(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in ast.walk(node)
    )


def _is_decimal(text: str, around: list[ast.AST]) -> bool:
    call = around[-1]
    return bool(NUMBER.fullmatch(text)) and isinstance(call, ast.Call) and ast.unparse(call.func) == "Decimal"

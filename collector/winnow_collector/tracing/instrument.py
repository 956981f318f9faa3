"""Source probes: puts one dictionary store at every place where a function of a module starts or resumes.

    def f(a):                          def f(a):
        "doc"                              "doc"
        return a + 1          →            touched[KEY] = None
                                           return a + 1
    value = yield x           →        value = ((yield x), touched[KEY])[0]
    lambda a: a + 1           →        lambda a: touched[KEY] or a + 1

`touched` is a dictionary that lies among the constants of the code (`bind` puts it there), not under a name: no
namespace shows it, code with replaced globals or builtins keeps working, and what pickles functions by value
(cloudpickle, dill) carries a plain dictionary along instead of a name that nobody knows in the other process.

What must stay true:
- A function that runs any of its own statements in a slice is noticed in that slice. Three things are left out, all of
  which run none: a generator or coroutine that only passes on what its inner one (`yield from`, `await`) does, one that
  only lets an exception thrown into it pass, and a generator expression that is asked again and has ended.
- Line events, line tables, `co_firstlineno`, `co_name` and docstrings are those of the module without probes. A probe
  therefore stands on the line that runs next (or just ran) anyway. Where the syntax does not tell that line for all
  versions of Python, `lines` asks the compiler.
- What Python evaluates late (annotations since 3.14, type aliases) is not noticed: it has no statements.
- What must not be changed (functions that numba and its like compile by themselves) is returned as `opaque`, and
  counts as touched always: too much is selected, never too little.
"""

import ast
import os
import re
import sys
from collections import defaultdict
from types import CodeType
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from .lines import FUNCTIONS, TRIES, FunctionNode, body_line, is_docstring, lambda_line, suite_line

# Raise this with every change to what `instrument` makes of a module: byte code kept by older versions is then unused.
FORMAT = 1

# Stands in the tree for the dictionary; no source contains it by accident.
_PLACEHOLDER = "\0winnow: touched\0"

# Decorators (their last name) that compile the byte code of a function themselves and do not know our constants.
_COMPILING = frozenset(
    "jit njit ngjit generated_jit vectorize guvectorize cfunc stencil intrinsic register_jitable jitclass"
    " overload overload_method overload_attribute overload_classmethod".split()
)

# Builtins that have used up a generator expression when they return.
_EXHAUSTING = frozenset("all any bytearray bytes dict frozenset list max min set sorted sum tuple".split())

_SUSPENDING_WORDS = re.compile(rb"\b(?:yield|await|async)\b")
_COMPILING_WORDS = re.compile(rb"\b(?:%s)\b" % "|".join(sorted(_COMPILING)).encode())

_SUSPENSIONS = (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith)
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
_LEAF_KINDS = frozenset([str, int, type(None), ast.Name, ast.Constant, ast.Load, ast.Store])
_RELIABLE_STRING_POSITIONS = sys.version_info >= (3, 12)

Row = Tuple[int, str]


# Evaluated by whoever unpickles a `Touched`: the same one in the same process or a fork of it; in a process that knows
# nothing of Winnow an ordinary dictionary with the same abilities, pickled again in the same way.
_UNPICKLE = """
getattr(__import__("sys").modules.get(module), "find_touched", lambda token: None)(token) or type(
    "Touched",
    (__import__("collections").defaultdict,),
    {
        "__hash__": object.__hash__,
        "__bool__": lambda self: True,
        "__reduce__": lambda self: (eval, (source, {"source": source, "module": module, "token": token})),
    },
)(type(None))
""".strip()

_by_token: "Dict[str, Touched]" = {}


class Touched(defaultdict):  # type: ignore[type-arg]
    """The dictionary that probes write into: loading a missing key stores it, all in C, so that no tracer sees it.

    It stands among the constants of code objects, and these are hashed; and it is pickled along with code by what
    pickles functions by value.
    """

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(type(None))
        self._token = os.urandom(8).hex()
        _by_token[self._token] = self

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "<winnow: touched>"

    def __reduce__(self) -> Any:
        return (eval, (_UNPICKLE, {"source": _UNPICKLE, "module": __name__, "token": self._token}))


def find_touched(token: str) -> Optional[Touched]:
    """The dictionary with this token, if it is one of this process."""
    return _by_token.get(token)


class Instrumented(NamedTuple):
    """What `instrument` found: `rows[i]` is (co_firstlineno, co_name) of key `base + i`."""

    rows: List[Row]
    opaque: List[Row]


def instrument(tree: ast.Module, base: int, source: bytes) -> Instrumented:
    """Puts probes into `tree`, in place. The tree may have been changed since it was `source` (pytest's assertions)."""
    worker = _Instrumenter(tree, base, source)
    worker.run()
    return Instrumented(worker.rows, worker.opaque)


def all_rows(code: CodeType) -> List[Row]:
    """(co_firstlineno, co_name) of all code in `code` but the module's own: for modules that could not be changed."""
    rows: Set[Row] = set()
    todo = [code]
    while todo:
        for constant in todo.pop().co_consts:
            if isinstance(constant, CodeType):
                rows.add((constant.co_firstlineno, constant.co_name))
                todo.append(constant)
    return sorted(rows)


def bind(code: CodeType, touched: Touched) -> CodeType:
    """The code with `touched` in the place of the placeholder."""
    changed = False
    constants: List[object] = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            bound = bind(constant, touched)
            changed = changed or bound is not constant
            constants.append(bound)
        elif constant.__class__ is str and constant == _PLACEHOLDER:
            changed = True
            constants.append(touched)
        else:
            constants.append(constant)
    return code.replace(co_consts=tuple(constants)) if changed else code


class _Scope:
    """The function whose key a probe stores. Comprehensions and class bodies within belong to it."""

    __slots__ = ("key", "row", "suspends", "node")

    def __init__(self, key: int, row: Row, suspends: bool, node: Optional[FunctionNode]) -> None:
        self.key = key
        self.row = row
        self.suspends = suspends
        # None: a lambda.
        self.node = node


class _Instrumenter:
    def __init__(self, tree: ast.Module, base: int, source: bytes) -> None:
        self.rows: List[Row] = []
        self.opaque: List[Row] = []
        self._tree = tree
        self._base = base
        self._suspending: Dict[ast.AST, bool] = {}
        self._resuming: Dict[ast.AST, bool] = {}
        # pytest's rewriting puts one and the same node into several places.
        self._done: Dict[ast.AST, ast.expr] = {}
        self._bound: Optional[Set[str]] = None
        # Walking a tree is slow, looking for words is not.
        self._may_suspend = _SUSPENDING_WORDS.search(source) is not None
        self._may_compile = _COMPILING_WORDS.search(source) is not None
        self._compiled_names = _compiled_names(tree) if self._may_compile else set()
        # Annotations become strings at compile time there: they must stay as they are written.
        self._keep_annotations = any(
            isinstance(statement, ast.ImportFrom)
            and statement.module == "__future__"
            and any(alias.name == "annotations" for alias in statement.names)
            for statement in tree.body
        )
        self._in_string = 0

    def run(self) -> None:
        self._tree.body = self._suite(self._tree.body, None)

    # Statements

    def _suite(self, statements: List[ast.stmt], scope: Optional[_Scope], probe: bool = False) -> List[ast.stmt]:
        """The statements with probes in them. `probe`: also one before the first (where the suite may be resumed)."""
        result: List[ast.stmt] = []
        for index, statement in enumerate(statements):
            if probe and scope is not None:
                result.append(_store(scope.key, suite_line(statements[index:], scope.node)))
            suspended = None
            if scope is not None and isinstance(statement, ast.Expr):
                if isinstance(statement.value, (ast.Yield, ast.YieldFrom, ast.Await)):
                    suspended = statement.value
            result.append(statement)
            if suspended is not None and scope is not None:
                # Cheaper than wrapping the expression; nobody wants its value.
                result.append(_store(scope.key, suspended.lineno))
            try:
                probe = scope is not None and scope.suspends and self._resumes(statement)
                if suspended is not None:
                    self._children(suspended, scope)
                else:
                    self._statement(statement, scope, probe)
            except RecursionError:
                # Half done is well done: every change is complete in itself. What may lack its probe counts always.
                self._leave_alone(statement)
                if scope is not None:
                    self.opaque.append(scope.row)
        return result

    def _statement(self, node: ast.stmt, scope: Optional[_Scope], resumes: bool) -> None:
        if isinstance(node, FUNCTIONS):
            self._function(node, scope)
        elif isinstance(node, ast.ClassDef):
            if self._is_compiled(node.decorator_list, None):
                self._leave_alone(node)
                return
            body, node.body = node.body, []
            self._children(node, scope)
            node.body = self._suite(body, scope)
        elif isinstance(node, TRIES):
            suspends = scope is not None and scope.suspends and self._suspends(node)
            node.body = self._suite(node.body, scope)
            for handler in node.handlers:
                if handler.type is not None:
                    handler.type = self._expression(handler.type, scope)
                handler.body = self._suite(handler.body, scope, suspends)
            node.orelse = self._suite(node.orelse, scope, resumes)
            node.finalbody = self._suite(node.finalbody, scope, suspends)
        elif isinstance(node, (ast.If, ast.While)):
            node.test = self._expression(node.test, scope)
            repeats = resumes and isinstance(node, ast.While)
            node.body = self._suite(node.body, scope, repeats)
            node.orelse = self._suite(node.orelse, scope, repeats)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            node.target = self._expression(node.target, scope)
            node.iter = self._expression(node.iter, scope)
            node.body = self._suite(node.body, scope, resumes)
            node.orelse = self._suite(node.orelse, scope, resumes)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self._children(item, scope)
            node.body = self._suite(node.body, scope, isinstance(node, ast.AsyncWith))
        elif isinstance(node, ast.AnnAssign):
            node.target = self._expression(node.target, scope)
            if node.value is not None:
                node.value = self._expression(node.value, scope)
            if not self._keep_annotations:
                node.annotation = self._expression(node.annotation, scope)
        elif node.__class__.__name__ == "Match":
            match: Any = node
            match.subject = self._expression(match.subject, scope)
            for case in match.cases:
                if case.guard is not None:
                    case.guard = self._expression(case.guard, scope)
                case.body = self._suite(case.body, scope)
        else:
            self._children(node, scope)

    def _function(self, node: FunctionNode, outer: Optional[_Scope]) -> None:
        if self._is_compiled(node.decorator_list, node.name):
            self._leave_alone(node)
            return
        # The line first: it is found on the tree as it was.
        suspends = isinstance(node, ast.AsyncFunctionDef) or (self._may_suspend and any(map(self._suspends, node.body)))
        documented = int(is_docstring(node.body[0]))
        line = body_line(node, documented)
        first = node.decorator_list[0] if node.decorator_list else node
        scope = self._open(first.lineno, node.name, suspends, node)
        node.decorator_list = [self._expression(decorator, outer) for decorator in node.decorator_list]
        self._arguments(node.args, outer)
        if node.returns is not None and not self._keep_annotations:
            node.returns = self._expression(node.returns, outer)
        for parameter in getattr(node, "type_params", ()):
            self._children(parameter, outer)
        node.body = node.body[:documented] + [_store(scope.key, line)] + self._suite(node.body[documented:], scope)

    def _arguments(self, arguments: ast.arguments, outer: Optional[_Scope]) -> None:
        arguments.defaults = [self._expression(default, outer) for default in arguments.defaults]
        arguments.kw_defaults = [
            # None stands for "no default" there.
            default if default is None else self._expression(default, outer)
            for default in arguments.kw_defaults
        ]
        if self._keep_annotations:
            return
        every = list(getattr(arguments, "posonlyargs", ())) + arguments.args + arguments.kwonlyargs
        for argument in every + [arguments.vararg, arguments.kwarg]:  # type: ignore[operator]
            if argument is not None and argument.annotation is not None:
                argument.annotation = self._expression(argument.annotation, outer)

    # Expressions

    def _expression(self, node: Any, scope: Optional[_Scope]) -> Any:
        kind = node.__class__
        if kind in (ast.Name, ast.Constant):
            return node
        special = _SPECIAL.get(kind)
        if special is None:
            self._children(node, scope)
            return node
        known = self._done.get(node)
        if known is None:
            known = self._done[node] = getattr(self, special)(node, scope)
        return known

    def _children(self, node: ast.AST, scope: Optional[_Scope]) -> None:
        expression = self._expression
        for name in node._fields:
            value: Any = getattr(node, name, None)
            kind: Any = value.__class__
            if kind is list:
                for index, item in enumerate(value):
                    kind = item.__class__
                    if kind is not ast.Name and kind is not ast.Constant and isinstance(item, ast.AST):
                        value[index] = expression(item, scope)
            elif kind not in _LEAF_KINDS and isinstance(value, ast.AST):
                setattr(node, name, expression(value, scope))

    def _lambda(self, node: ast.Lambda, outer: Optional[_Scope]) -> ast.expr:
        line = lambda_line(node)
        self._arguments(node.args, outer)
        if self._in_string and not _RELIABLE_STRING_POSITIONS and outer is not None:
            # Positions within f-strings may lie outside of the function: it counts for the function itself.
            scope = outer
        else:
            scope = self._open(node.lineno, "<lambda>", False, None)
        node.body = _load_before(scope.key, line, self._expression(node.body, scope))
        return node

    def _suspended(self, node: ast.expr, scope: Optional[_Scope]) -> ast.expr:
        self._children(node, scope)
        return node if scope is None else _load_after(scope.key, node)

    def _string(self, node: ast.expr, scope: Optional[_Scope]) -> ast.expr:
        self._in_string += 1
        self._children(node, scope)
        self._in_string -= 1
        return node

    def _call(self, node: ast.Call, scope: Optional[_Scope]) -> ast.expr:
        generator = node.args[0] if node.args else None
        if isinstance(generator, ast.GeneratorExp) and self._exhausts(node.func):
            self._children(generator, scope)
            self._done[generator] = generator
        self._children(node, scope)
        return node

    def _comprehension(self, node: Any, scope: Optional[_Scope]) -> ast.expr:
        lazy = isinstance(node, ast.GeneratorExp)
        suspends = scope is not None and isinstance(scope.node, ast.AsyncFunctionDef) and self._suspends(node)
        self._children(node, scope)
        if scope is None or not (lazy or suspends):
            return node
        # Whatever is evaluated first after each step of each loop: a resumed generator goes on there. The jump that
        # the shorter form makes has the line of the whole, so that it will not do where there are several lines.
        several_lines = getattr(node, "end_lineno", None) != node.lineno
        load = _load_before_without_jump if several_lines else _load_before
        for index, loop in enumerate(node.generators):
            if loop.ifs:
                loop.ifs[0] = load(scope.key, loop.ifs[0].lineno, loop.ifs[0])
            elif index + 1 < len(node.generators):
                following = node.generators[index + 1]
                following.iter = load(scope.key, following.iter.lineno, following.iter)
            else:
                name = "key" if isinstance(node, ast.DictComp) else "elt"
                element = getattr(node, name)
                setattr(node, name, load(scope.key, element.lineno, element))
        return node if lazy else _load_after(scope.key, node)

    # What is known of a node

    def _suspends(self, node: ast.AST) -> bool:
        """Whether a yield or await lies within. Functions within are not told apart: one probe more harms nobody."""
        if not self._may_suspend:
            return False
        known = self._suspending.get(node)
        if known is None:
            known = isinstance(node, _SUSPENSIONS) or bool(isinstance(node, ast.comprehension) and node.is_async)
            if not known and not isinstance(node, _LEAVES):
                known = any(self._suspends(child) for child in ast.iter_child_nodes(node))
            self._suspending[node] = known
        return known

    def _resumes(self, node: ast.AST) -> bool:
        """Whether a statement may be left by a way that was suspended last: `__aexit__`, the end of `async for`, or a
        `with` that swallows what was thrown in. What follows such a statement begins with a probe."""
        known = self._resuming.get(node)
        if known is None:
            if isinstance(node, (ast.AsyncFor, ast.AsyncWith)):
                known = True
            elif isinstance(node, ast.With):
                known = self._suspends(node)
            elif isinstance(node, ast.expr) or isinstance(node, FUNCTIONS + (ast.ClassDef,)):
                known = False
            else:
                known = any(self._resumes(child) for child in ast.iter_child_nodes(node))
            self._resuming[node] = known
        return known

    def _exhausts(self, function: ast.expr) -> bool:
        if isinstance(function, ast.Attribute):
            # A string's join, not somebody's.
            return function.attr == "join" and isinstance(function.value, ast.Constant)
        if not isinstance(function, ast.Name) or function.id not in _EXHAUSTING:
            return False
        if self._bound is None:
            self._bound = _bound_names(self._tree)
        return function.id not in self._bound and "*" not in self._bound

    def _is_compiled(self, decorators: List[ast.expr], name: Optional[str]) -> bool:
        if not self._may_compile:
            return False
        if name is not None and name in self._compiled_names:
            return True
        for decorator in decorators:
            last = _last_name(decorator)
            # typing.overload stands there without a call.
            if last in _COMPILING and (last != "overload" or isinstance(decorator, ast.Call)):
                return True
        return False

    def _leave_alone(self, node: ast.AST) -> None:
        for child in ast.walk(node):
            if isinstance(child, FUNCTIONS):
                first = child.decorator_list[0] if child.decorator_list else child
                self.opaque.append((first.lineno, child.name))
            elif isinstance(child, ast.Lambda):
                self.opaque.append((child.lineno, "<lambda>"))

    def _open(self, line: int, name: str, suspends: bool, node: Optional[FunctionNode]) -> _Scope:
        row = (line, name)
        self.rows.append(row)
        return _Scope(self._base + len(self.rows) - 1, row, suspends, node)


_SPECIAL = {
    ast.Lambda: "_lambda",
    ast.Yield: "_suspended",
    ast.YieldFrom: "_suspended",
    ast.Await: "_suspended",
    ast.JoinedStr: "_string",
    ast.Call: "_call",
    ast.ListComp: "_comprehension",
    ast.SetComp: "_comprehension",
    ast.DictComp: "_comprehension",
    ast.GeneratorExp: "_comprehension",
}


def _last_name(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _compiled_names(tree: ast.AST) -> Set[str]:
    """Names handed to a compiling decorator by an ordinary call: `fast = numba.njit(slow)`, `jit(cache=True)(slow)`."""
    names: Set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in _COMPILING:
            names.update(argument.id for argument in node.args if isinstance(argument, ast.Name))
    return names


def _bound_names(tree: ast.AST) -> Set[str]:
    """Every name that anything in the module binds, "*" among them if a star import may bind any."""
    names: Set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                names.add(node.id)
        elif isinstance(node, FUNCTIONS + (ast.ClassDef,)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif node.__class__.__name__ in ("MatchAs", "MatchStar", "MatchMapping"):
            names.update(filter(None, (getattr(node, "name", None), getattr(node, "rest", None))))
    return names


# The nodes of probes. They are zero columns wide: nothing that can fail is ever reported there.


def _place(node: Any, line: int) -> Any:
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = 0
    return node


def _dictionary_at(key: int, line: int, context: ast.expr_context) -> ast.expr:
    index: Any = _place(ast.Constant(value=key, kind=None), line)
    if sys.version_info < (3, 9):
        index = ast.Index(value=index)
    place = _place(ast.Constant(value=_PLACEHOLDER, kind=None), line)
    return _place(ast.Subscript(value=place, slice=index, ctx=context), line)


def _store(key: int, line: int) -> ast.stmt:
    """`touched[key] = None`"""
    nothing = _place(ast.Constant(value=None, kind=None), line)
    return _place(ast.Assign(targets=[_dictionary_at(key, line, ast.Store())], value=nothing, type_comment=None), line)


def _load_before(key: int, line: int, node: ast.expr) -> ast.expr:
    """`touched[key] or node`: loading a missing key stores it, and what is loaded is None."""
    result = ast.BoolOp(op=ast.Or(), values=[_dictionary_at(key, line, ast.Load()), node])
    return ast.copy_location(result, node)


def _load_before_without_jump(key: int, line: int, node: ast.expr) -> ast.expr:
    """`(touched[key], node)[1]`"""
    return _item_of_pair([_dictionary_at(key, line, ast.Load()), node], 1, node)


def _load_after(key: int, node: ast.expr) -> ast.expr:
    """`(node, touched[key])[0]`"""
    return _item_of_pair([node, _dictionary_at(key, node.lineno, ast.Load())], 0, node)


def _item_of_pair(items: List[ast.expr], number: int, place: ast.expr) -> ast.expr:
    pair = ast.copy_location(ast.Tuple(elts=items, ctx=ast.Load()), place)
    index: Any = ast.copy_location(ast.Constant(value=number, kind=None), place)
    if sys.version_info < (3, 9):
        index = ast.Index(value=index)
    return ast.copy_location(ast.Subscript(value=pair, slice=index, ctx=ast.Load()), place)

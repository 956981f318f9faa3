"""On which line a suite begins to run, for the running version of Python.

Mostly that is the first line of its first statement. It is not where a statement makes no code (`global`, `pass` in old
versions, `while True`), where the value that is computed first lies on a later line, or where constants are folded;
there the statement is compiled by itself and its line table is read.
"""

import ast
import dis
import sys
import warnings
from types import CodeType
from typing import Any, List, Optional, Set, Union

FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TRIES = (ast.Try, ast.TryStar) if sys.version_info >= (3, 11) else (ast.Try,)


def is_docstring(node: ast.stmt) -> bool:
    """True for a statement that is a string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def body_line(function: FunctionNode, documented: int) -> int:
    """The first line of the body of a function; `documented`: 1 if it begins with a docstring."""
    return _line_of(function.body, documented, function)


def suite_line(statements: List[ast.stmt], function: Optional[FunctionNode]) -> int:
    """The first line of statements somewhere in `function`."""
    if is_docstring(statements[0]):
        # Compiled by itself it would be one.
        statements = [ast.copy_location(ast.Pass(), statements[0]), *statements[1:]]
    return _line_of(statements, 0, function)


def _line_of(statements: List[ast.stmt], start: int, function: Optional[FunctionNode]) -> int:
    # Declarations leave nothing in the byte code of any version.
    while start + 1 < len(statements) and isinstance(statements[start], (ast.Global, ast.Nonlocal)):
        start += 1
    if start < len(statements):
        line = _plain_line(statements[start])
        if line is not None:
            return line
    count = start
    for count in range(start + 1, len(statements) + 1):
        if _makes_code(statements[count - 1]):
            break
    try:
        return _compiled_line(statements[:count], function)
    except Exception:  # cannot stand alone: one line event too many is the worst that comes of it
        return statements[min(start, len(statements) - 1)].lineno


def lambda_line(node: ast.Lambda) -> int:
    """The first line of the body of a lambda."""
    body = node.body
    if _on_one_line(body, body.lineno):
        return body.lineno
    try:
        return _first_line(_compile_alone(ast.Expr(value=node), node))
    except Exception:
        return body.lineno


def _compiled_line(statements: List[ast.stmt], owner: Optional[FunctionNode]) -> int:
    if owner is None:
        raise LookupError
    decorators: List[ast.expr] = [
        ast.copy_location(ast.Name(id="d", ctx=ast.Load()), each) for each in owner.decorator_list[:1]
    ]
    function = _make_function(owner, statements, decorators)
    free: Set[str] = set()
    for each in statements:
        for node in ast.walk(each):
            if isinstance(node, ast.Nonlocal):
                free.update(node.names)
    if not free:
        return _first_line(_compile_alone(function, owner))
    targets: List[ast.expr] = [ast.copy_location(ast.Name(id=name, ctx=ast.Store()), owner) for name in sorted(free)]
    nothing = ast.copy_location(ast.Constant(value=None, kind=None), owner)
    binding = ast.copy_location(ast.Assign(targets=targets, value=nothing, type_comment=None), owner)
    around = _make_function(owner, [binding, function], [])
    return _first_line(_only_function(_compile_alone(around, owner)))


def _make_function(model: FunctionNode, body: List[ast.stmt], decorators: List[ast.expr]) -> Any:
    arguments = ast.arguments(
        posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
    )
    function: Any = model.__class__(
        name="f", args=arguments, body=body, decorator_list=decorators, returns=None, type_comment=None
    )
    if sys.version_info >= (3, 12):
        function.type_params = []
    return ast.copy_location(function, model)


def _plain_line(node: ast.stmt) -> Optional[int]:
    """The line if the syntax alone tells it, in all versions of Python."""
    line = node.lineno
    head: List[Optional[ast.AST]]
    if isinstance(node, (ast.If, ast.While)):
        if not _is_computed(node.test):
            return None
        head = [node.test]
    elif isinstance(node, ast.Expr):
        if not _is_computed(node.value):
            return None
        head = [node.value]
    elif isinstance(node, ast.Assign):
        head = [node.value, *node.targets]
    elif isinstance(node, ast.AugAssign):
        head = [node.target, node.value]
    elif isinstance(node, ast.AnnAssign):
        if node.value is None:
            return None
        head = [node.value, node.target, node.annotation]
    elif isinstance(node, ast.Return):
        head = [node.value]
    elif isinstance(node, ast.Raise):
        head = [node.exc, node.cause]
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        head = [node.iter, node.target]
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        head = [node.items[0].context_expr]
    elif isinstance(node, ast.Delete):
        head = list(node.targets)
    elif isinstance(node, FUNCTIONS + (ast.ClassDef,)):
        if getattr(node, "type_params", None):
            return None
        if node.decorator_list:
            line = node.decorator_list[0].lineno
            head = [node.decorator_list[0]]
        elif isinstance(node, ast.ClassDef):
            head = []
        else:
            head = list(ast.iter_child_nodes(node.args))
    elif isinstance(node, (ast.Import, ast.ImportFrom, ast.Break, ast.Continue) + TRIES):
        head = []
    else:
        return None
    if head and head[0] is not None and _begins_with_format(head[0]):
        return None
    return line if all(_on_one_line(each, line) for each in head) else None


def _begins_with_format(node: ast.AST) -> bool:
    """True if `"…" % …` or an f-string is computed first: some versions give its constants another line."""
    while True:
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
                return True
            node = node.left
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Compare):
            node = node.left
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)) and node.elts:
            node = node.elts[0]
        elif isinstance(node, ast.BoolOp):
            node = node.values[0]
        elif isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.IfExp):
            node = node.test
        else:
            return isinstance(node, ast.JoinedStr)


def _on_one_line(node: Optional[ast.AST], line: int) -> bool:
    return node is None or (getattr(node, "lineno", 0) == line and getattr(node, "end_lineno", 0) == line)


def _is_computed(node: ast.expr) -> bool:
    """True for expressions that no version of Python computes while it compiles."""
    if isinstance(node, ast.Name):
        return node.id != "__debug__"
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _is_computed(node.operand)
    if isinstance(node, ast.BoolOp):
        return all(map(_is_computed, node.values))
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return _is_computed(node.value)
    if isinstance(node, ast.Call):
        return True
    if isinstance(node, ast.Compare):
        return _is_computed(node.left)
    return isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr))


def _makes_code(node: ast.stmt) -> bool:
    """False for statements that may leave nothing in the byte code, so that the next one counts."""
    if isinstance(node, (ast.Global, ast.Nonlocal, ast.Pass, ast.Assert)):
        return False
    if isinstance(node, ast.Expr):
        return _is_computed(node.value)
    if isinstance(node, (ast.If, ast.While)):
        return _is_computed(node.test)
    return not (isinstance(node, ast.AnnAssign) and node.value is None)


def _compile_alone(node: Any, place: ast.AST) -> CodeType:
    """Code of the one function in `node`."""
    module = ast.Module(body=[ast.copy_location(node, place)], type_ignores=[])
    if _may_warn(module):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(module, "<winnow>", "exec", dont_inherit=True)
    else:
        code = compile(module, "<winnow>", "exec", dont_inherit=True)
    return _only_function(code)


def _only_function(code: CodeType) -> CodeType:
    return next(constant for constant in code.co_consts if isinstance(constant, CodeType))


def _may_warn(tree: ast.AST) -> bool:
    """Whether compiling may warn of something: the module itself will be compiled, and once is enough."""
    ordinary = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Await)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) or (
            isinstance(node, ast.Compare) and any(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops)
        ):
            return True
        if isinstance(node, ast.Call) and not isinstance(node.func, ordinary):
            return True
        if isinstance(node, ast.Subscript) and not isinstance(node.value, ordinary):
            return True
        if isinstance(node, TRIES):
            return True
    return False


def _first_line(code: CodeType) -> int:
    """The line of the first line event of a function."""
    if sys.version_info < (3, 10):
        return next(line for _, line in dis.findlinestarts(code))
    start = 0
    if sys.version_info >= (3, 11):
        resume = dis.opmap["RESUME"]
        start = code.co_code[::2].index(resume) * 2 + 2
    elif code.co_code[0] == dis.opmap["GEN_START"]:
        start = 2
    for _, end, line in code.co_lines():
        if end > start and line is not None:
            return line
    return code.co_firstlineno

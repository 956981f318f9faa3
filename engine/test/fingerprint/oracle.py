"""What CPython's own parser and compiler say about Python sources, to compare fingerprints with.

Reads paths from standard input, one a line, and writes one line of JSON for each:

    {"skipped": reason}                       CPython does not parse it, so there is nothing to agree on
    {"encoding": name,                        as declared, normalised
     "blocks": [[qualname, firstLine, bodyLine, lastLine, parent], ...],
     "imports": [[owner, level, module, names], ...],       owner and parent are indices of blocks, or -1
     "codes": [[firstLine, name, owner, isFunction, qualname or null], ...],   owner: the block whose code it is part of
     "tokens": crc32 of the tokens, each as one letter for its kind, its text and a NUL}

"codes" and "tokens" are null unless asked for with --codes and --tokens.
"""

import ast
import codecs
import io
import json
import sys
import threading
import tokenize
import types
import warnings
import zlib
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple, Union

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def first_line(node: ast.stmt) -> int:
    """The line of the first decorator, else of the statement itself."""
    decorators: List[ast.expr] = getattr(node, "decorator_list", [])
    return min([decorator.lineno for decorator in decorators] + [node.lineno])


def is_docstring(statement: ast.stmt) -> bool:
    """Whether this statement, being the first of a body, is its docstring."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def inner_statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements directly inside of a compound statement, in the order of the source."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for item in getattr(node, name, None) or []:
            if isinstance(item, ast.stmt):
                yield item
            else:
                yield from item.body


def global_names(node: ast.AST) -> Set[str]:
    """The names that `global` statements of this scope declare."""
    names: Set[str] = set()
    for statement in inner_statements(node):
        if isinstance(statement, ast.Global):
            names.update(statement.names)
        elif not isinstance(statement, FUNCTIONS + (ast.ClassDef,)):
            names |= global_names(statement)
    return names


class Collector:
    """Blocks and imports of one module."""

    def __init__(self, module: ast.Module) -> None:
        """Collects all of `module`."""
        self.blocks: List[Tuple[str, int, int, int, int]] = []
        self.imports: List[Tuple[int, int, str, List[str]]] = []
        self.visit(module, "", set(), -1)

    def visit(self, node: ast.AST, prefix: str, declared: Set[str], owner: int) -> None:
        """Collects what stands inside of `node`; definitions, unless `declared` global, are named after `prefix`."""
        for statement in inner_statements(node):
            if isinstance(statement, FUNCTIONS):
                name = statement.name if statement.name in declared else prefix + statement.name
                self.function(statement, name, owner)
            elif isinstance(statement, ast.ClassDef):
                name = statement.name if statement.name in declared else prefix + statement.name
                self.visit(statement, name + ".", global_names(statement), owner)
            elif isinstance(statement, ast.Import):
                for alias in statement.names:
                    self.imports.append((owner, 0, alias.name, []))
            elif isinstance(statement, ast.ImportFrom):
                names = [alias.name for alias in statement.names]
                self.imports.append((owner, statement.level or 0, statement.module or "", names))
            else:
                self.visit(statement, prefix, declared, owner)

    def function(self, node: "Union[ast.FunctionDef, ast.AsyncFunctionDef]", qualname: str, owner: int) -> None:
        """Adds the block of a function, and what stands inside of it."""
        body = node.body
        begin = body[1] if is_docstring(body[0]) and len(body) > 1 else body[0]
        self.blocks.append((qualname, first_line(node), first_line(begin), node.end_lineno or 0, owner))
        self.visit(node, qualname + ".<locals>.", global_names(node), len(self.blocks) - 1)


def code_objects(code: types.CodeType, blocks: List[Tuple[str, int, int, int, int]]) -> List[Any]:
    """All code objects below a module's, each with the block that it is part of."""
    functions: Dict[Tuple[int, str], int] = {}
    for index, block in enumerate(blocks):
        functions[(block[1], block[0].rpartition(".")[2])] = index
    found: List[Any] = []

    def visit(parent: types.CodeType, owner: int) -> None:
        for constant in parent.co_consts:
            if isinstance(constant, types.CodeType):
                own = functions.get((constant.co_firstlineno, constant.co_name))
                qualname = getattr(constant, "co_qualname", None)
                part_of = owner if own is None else own
                found.append((constant.co_firstlineno, constant.co_name, part_of, own is not None, qualname))
                visit(constant, part_of)

    visit(code, -1)
    return found


def token_row(source: bytes) -> Iterator[str]:
    """The tokens of a source; an f-string is one of them, whether or not this Python takes it apart."""
    started = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "TSTRING_START", -1)
    ended = getattr(tokenize, "FSTRING_END", -1), getattr(tokenize, "TSTRING_END", -1)
    kinds = {tokenize.NAME: "n", tokenize.NUMBER: "d", tokenize.STRING: "s", tokenize.OP: "o", tokenize.ERRORTOKEN: "o"}
    marks = {tokenize.NEWLINE: "N", tokenize.INDENT: "I", tokenize.DEDENT: "D"}
    reader = io.BytesIO(source.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    encoding = tokenize.detect_encoding(reader.readline)[0]
    reader.seek(0)
    lines = reader.read().decode(encoding).split("\n")
    reader.seek(0)
    depth = 0
    begin = (0, 0)
    for token in tokenize.tokenize(reader.readline):
        if token.type in started:
            depth += 1
            begin = token.start if depth == 1 else begin
        elif token.type in ended:
            depth -= 1
            if depth == 0:
                yield "s" + between(lines, begin, token.end)
        elif depth == 0 and token.type in marks:
            yield marks[token.type]
        elif depth == 0 and token.type in kinds and token.string != " ":
            yield kinds[token.type] + token.string


def between(lines: List[str], begin: Tuple[int, int], end: Tuple[int, int]) -> str:
    """The text from one position of `tokenize` to another."""
    if begin[0] == end[0]:
        return lines[begin[0] - 1][begin[1] : end[1]]
    inner = lines[begin[0] : end[0] - 1]
    return "\n".join([lines[begin[0] - 1][begin[1] :], *inner, lines[end[0] - 1][: end[1]]])


def describe(path: str, with_codes: bool, with_tokens: bool) -> Dict[str, Any]:
    """One line of the output."""
    with open(path, "rb") as file:
        source = file.read()
    try:
        encoding = codecs.lookup(tokenize.detect_encoding(io.BytesIO(source).readline)[0]).name
        tree = ast.parse(source, path)
        collector = Collector(tree)
        codes: Optional[List[Any]] = None
        if with_codes:
            codes = code_objects(compile(tree, path, "exec", dont_inherit=True), collector.blocks)
        tokens: Optional[int] = None
        if with_tokens:
            tokens = zlib.crc32("".join(token + "\0" for token in token_row(source)).encode("utf-8", "surrogatepass"))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        return {"skipped": repr(error)}
    return {
        "encoding": encoding,
        "blocks": collector.blocks,
        "imports": collector.imports,
        "codes": codes,
        "tokens": tokens,
    }


def main() -> None:
    """Answers standard input line by line."""
    with_codes = "--codes" in sys.argv[1:]
    with_tokens = "--tokens" in sys.argv[1:]
    warnings.simplefilter("ignore")
    for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
        answer = json.dumps(describe(line.rstrip("\n"), with_codes, with_tokens), separators=(",", ":"))
        sys.stdout.write(answer + "\n")


if __name__ == "__main__":
    # A long chain of `elif` nests as deep as it is long.
    sys.setrecursionlimit(20000)
    threading.stack_size(256 * 1024 * 1024)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()

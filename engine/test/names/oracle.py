"""What CPython says that each function of a source reads: one line of JSON for each file named on standard input.

Of each function body (by qualified name; of equal names together): the names that it looks up in the module or among
the builtins, from `symtable`, and the attributes that it looks up, from `ast`. Lambdas, comprehensions and classes in a
function are part of it. Of the module: the names that it binds, and those that its top level reads.
"""

import ast
import json
import symtable
import sys
import warnings

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Reader(ast.NodeVisitor):
    """Attributes by function; the header of one belongs to what encloses it."""

    def __init__(self):
        self.prefix = ""
        self.owner = None
        self.attributes = {}
        self.globals_of = [set()]

    def visit_FunctionDef(self, node):
        for part in node.decorator_list + [node.args] + ([node.returns] if node.returns else []):
            self.visit(part)
        name = node.name if node.name in self.globals_of[-1] else self.prefix + node.name
        outer = self.prefix, self.owner
        self.owner = name
        self.prefix = name + ".<locals>."
        self.attributes.setdefault(name, set())
        self.globals_of.append({n for each in ast.walk(node) if isinstance(each, ast.Global) for n in each.names})
        body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
        for part in body:
            self.visit(part)
        self.globals_of.pop()
        self.prefix, self.owner = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        for part in node.decorator_list + node.bases + node.keywords:
            self.visit(part)
        outer = self.prefix
        self.prefix += node.name + "."
        self.globals_of.append(set())
        for part in node.body:
            self.visit(part)
        self.globals_of.pop()
        self.prefix = outer

    def visit_Attribute(self, node):
        if self.owner is not None:
            self.attributes[self.owner].add(node.attr)
        self.generic_visit(node)

    def visit_arg(self, node):
        if node.annotation is not None:
            self.visit(node.annotation)


class Evaluated(ast.NodeTransformer):
    """Leaves out the annotations of what functions assign."""

    in_function = False

    def visit_scope(self, node):
        outer, self.in_function = self.in_function, not isinstance(node, ast.ClassDef)
        self.generic_visit(node)
        self.in_function = outer
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_scope

    def visit_AnnAssign(self, node):
        if self.in_function:
            node.annotation = ast.copy_location(ast.Constant(None), node.annotation)
        return self.generic_visit(node)


def read_globals(table, prefix, owner, found):
    """Names that are looked up outside of functions, by the function that looks them up."""
    for child in table.get_children():
        kind = str(child.get_type()).rsplit(".", 1)[-1].lower()
        name = child.get_name()
        if kind == "function" and name not in ("lambda", "<lambda>") and ".0" not in child.get_parameters():
            qualname = prefix + name
            add(child, qualname, found)
            read_globals(child, qualname + ".<locals>.", qualname, found)
        else:
            if owner is not None:
                add(child, owner, found)
            read_globals(child, prefix + name + "." if kind == "class" else prefix, owner, found)


def add(table, owner, found):
    if table.get_name() == "top":
        return  # symtable takes it for the module
    names = found.setdefault(owner, set())
    names.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global())


for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        with open(path, "rb") as file:
            source = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = Evaluated().visit(ast.parse(source))
            table = symtable.symtable(ast.unparse(tree), path, "exec")
    except (SyntaxError, ValueError, RecursionError, UnicodeDecodeError) as error:
        print(json.dumps({"skipped": str(error)}))
        continue
    reader = Reader()
    reader.visit(tree)
    found = {}
    read_globals(table, "", None, found)
    # Variables of comprehensions are among a module's symbols, where these are compiled into it.
    own = {node.id for each in ast.walk(tree) if isinstance(each, ast.comprehension) for node in ast.walk(each.target)
           if isinstance(node, ast.Name)}
    bound = sorted(
        s.get_name()
        for s in table.get_symbols()
        if (s.is_assigned() or s.is_imported()) and not s.is_parameter() and s.get_name() not in own
    )
    print(
        json.dumps(
            {
                "attributes": {name: sorted(names) for name, names in reader.attributes.items()},
                "globals": {name: sorted(names) for name, names in found.items()},
                "bound": bound,
            }
        ),
        flush=True,
    )

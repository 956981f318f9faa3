/** Small random programs for property tests, and ways of writing the same program. */

import fc from "fast-check";

/** A statement; its tokens, header and all, are fixed, and how they are written is not. */
export type Statement =
  | { kind: "simple"; tokens: string[] }
  | { kind: "suite"; header: string[]; body: Statement[] }
  | { kind: "class"; name: string; header: string[]; body: Statement[] }
  | {
      kind: "def";
      name: string;
      decorators: string[][];
      header: string[];
      docstring: string | null;
      body: Statement[];
    };

const SIMPLE = [
  "x = 1",
  "x += y . z [ 1 : 2 ]",
  "print ( \"a # b\" , 'c\\'d' )",
  "return_ = f\"{x!r:>{w}} {d['k']}\"",
  "pass",
  "import a . b as c , d",
  "from . e import ( f , g as h , )",
  "y = lambda a , * b : ( a , b )",
  "z = [ i for i in { 1 : 2 , ** q } if i ]",
  "t : int = ...",
  'assert x , """two\nlines"""',
  "match = type = 0x_f",
  "w = ( lambda : ( yield ) )",
  "del x ; x = - - 1 ** 2e-3",
  "ä = b'\\x00' rb'\\''",
];
const SUITES = [
  "if x :",
  "while ( x := f ( 1 , 2 ) ) :",
  "for a , b in c :",
  "with a as b , c :",
  "try :",
  "match x [ 1 ] :",
];
const PARAMETERS = ["", "a , b = 1", "* , k = lambda : { 1 : 2 }", "a : int , / , ** kw", 's = "):"'];
const RETURNS = ["", "-> int", "-> lambda : 0", '-> "C"', "-> D [ 1 : 2 ]"];
const DECORATORS = ["@ d", "@ d . e ( 1 , x = [ 2 ] )", "@ d . e ( lambda f : f )"];
const DOCSTRINGS = ['"doc"', '"""Two\n  lines."""', "r'doc'", '("a" "b")'];

/** Tokens of these examples are parted by blanks, except that strings hold some. */
function tokensOf(text: string): string[] {
  return text.match(/[a-z]*"""[\s\S]*?"""|[a-z]*"(?:\\.|[^"\\])*"|[a-z]*'(?:\\.|[^'\\])*'|[^ ]+/g) ?? [];
}

const tokens = (examples: string[]): fc.Arbitrary<string[]> => fc.constantFrom(...examples).map(tokensOf);

const simple: fc.Arbitrary<Statement> = tokens(SIMPLE).map((row) => ({ kind: "simple", tokens: row }));

/** Programs of this depth at most; the names of functions and classes are made unique afterwards. */
function statements(depth: number): fc.Arbitrary<Statement[]> {
  if (depth === 0) {
    return fc.array(simple, { minLength: 1, maxLength: 3 });
  }
  const body = statements(depth - 1);
  const suite = fc.record({ kind: fc.constant("suite" as const), header: tokens(SUITES), body });
  const klass = fc.record({
    kind: fc.constant("class" as const),
    name: fc.constant(""),
    header: fc.constantFrom([], ["(", "B", ",", "m", "=", "M", ")"]),
    body,
  });
  const def = fc.record({
    kind: fc.constant("def" as const),
    name: fc.constant(""),
    decorators: fc.array(tokens(DECORATORS), { maxLength: 2 }),
    header: fc
      .tuple(tokens(PARAMETERS), tokens(RETURNS))
      .map(([parameters, returns]) => ["(", ...parameters, ")", ...returns, ":"]),
    docstring: fc.option(fc.constantFrom(...DOCSTRINGS)),
    body,
  });
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: simple },
      { weight: 1, arbitrary: suite },
      { weight: 1, arbitrary: klass },
      { weight: 3, arbitrary: def },
    ) as fc.Arbitrary<Statement>,
    { minLength: 1, maxLength: 4 },
  );
}

function named(body: Statement[], counter: { next: number }): Statement[] {
  return body.map((statement) => {
    if (statement.kind === "simple") {
      return statement;
    }
    const inner = { ...statement, body: named(statement.body, counter) };
    return inner.kind === "suite" ? inner : { ...inner, name: `n${counter.next++}` };
  });
}

/** A program whose functions and classes all have names of their own. */
export const programs: fc.Arbitrary<Statement[]> = statements(3).map((body) => named(body, { next: 0 }));

/** Whose tokens a simple statement is: the name of the nearest function around it, or "toplevel". */
export interface Owned {
  owner: string;
  /** The statements in which it stands, and its index there. */
  siblings: Statement[];
  index: number;
}

/** All simple statements with their owners. */
export function owned(body: Statement[], owner = "toplevel"): Owned[] {
  return body.flatMap((statement, index) =>
    statement.kind === "simple"
      ? [{ owner, siblings: body, index }]
      : owned(statement.body, statement.kind === "def" ? statement.name : owner),
  );
}

/** Chooses among `count` possibilities; 0 is the plainest. */
export type Choose = (count: number) => number;

/** Choices that a property can shrink. */
export const choices: fc.Arbitrary<Choose> = fc.array(fc.nat(1000), { minLength: 50, maxLength: 50 }).map((numbers) => {
  let next = 0;
  return (count) => (numbers[next++ % numbers.length] as number) % count;
});

/** Writes everything in the plainest way. */
export const plainly: Choose = () => 0;

const OPEN = new Set(["(", "[", "{"]);
const CLOSE = new Set([")", "]", "}"]);

/** The source of a program; `choose` decides on everything that must not matter. */
export function write(program: Statement[], choose: Choose): string {
  const lineBreak = ["\n", "\r\n", "\r"][choose(3)] as string;
  const text = writeBody(program, "", choose) + ["", "# end", "\n# end\n  "][choose(3)];
  return text.replaceAll("\n", lineBreak);
}

function writeBody(body: Statement[], indent: string, choose: Choose): string {
  return body.map((statement) => writeStatement(statement, indent, choose)).join("");
}

function writeStatement(statement: Statement, indent: string, choose: Choose): string {
  const line = (row: string[], at = indent): string => between(choose) + at + writeTokens(row, choose) + ending(choose);
  const deeper = indent + ["    ", "  ", "\t", " ", "        "][choose(5)];
  switch (statement.kind) {
    case "simple":
      return line(statement.tokens);
    case "suite":
      return statement.header[0] === "match"
        ? `${line(statement.header)}${deeper}case _:\n${writeBody(statement.body, `${deeper} `, choose)}`
        : line(statement.header) + writeBody(statement.body, deeper, choose) + closing(statement, indent);
    case "class":
      return line(["class", statement.name, ...statement.header, ":"]) + writeBody(statement.body, deeper, choose);
    case "def": {
      const decorators = statement.decorators.map((row) => line(row)).join("");
      const header = line(["def", statement.name, ...statement.header]);
      const docstring = statement.docstring === null ? "" : line([statement.docstring], deeper);
      return decorators + header + docstring + writeBody(statement.body, deeper, choose);
    }
  }
}

/** What else a statement needs to be one. */
function closing(statement: Statement & { kind: "suite" }, indent: string): string {
  return statement.header[0] === "try" ? `${indent}finally:\n${indent} pass\n` : "";
}

/** Lines that are no code. */
function between(choose: Choose): string {
  return ["", "", "\n", "# def g():\n", "      # (\n\n", " \t\n", "\f\n", '  # """\n'][choose(8)] as string;
}

function ending(choose: Choose): string {
  return ["\n", "\n", " \n", "  # a ' comment\n", "\t\n"][choose(5)] as string;
}

/** One line of tokens: white space, line breaks in brackets, joined lines. */
function writeTokens(row: string[], choose: Choose): string {
  let depth = 0;
  let text = "";
  row.forEach((token, index) => {
    depth -= CLOSE.has(token) ? 1 : 0;
    if (index > 0) {
      text += gap(row[index - 1] as string, token, depth, choose);
    }
    text += token;
    depth += OPEN.has(token) ? 1 : 0;
  });
  return text;
}

function gap(before: string, after: string, depth: number, choose: Choose): string {
  const inBrackets = [" ", "\n", "  # [\n\n", "\t\\\n"];
  const outside = [" ", "  ", "\t\f", " \\\n   "];
  const touching = !/[\w"'.]$/.test(before) || !/^[\w"'.]/.test(after);
  const apart = /^[-+*/<>=!:.@|&^%~]+$/.test(before) || /^[-+*/<>=!:.@|&^%~]+$/.test(after);
  const style = choose(6);
  if (style > 3) {
    return touching && !apart && /^[ -~]*$/.test(before + after) ? "" : " ";
  }
  return (depth > 0 || CLOSE.has(after) ? inBrackets : outside)[style] as string;
}

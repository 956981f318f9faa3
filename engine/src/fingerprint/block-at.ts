/** From what a Python process reports about a code object to the blocks that ran. */

import type { Block, Fingerprint } from "./model.ts";

/** What Python 3.14 calls the code that evaluates annotations; a project may write such a function by itself. */
const ANNOTATE = "__annotate__";

/**
 * Indices of the blocks that must be assumed to have run when a code object ran, outer ones first; none means the toplevel.
 *
 * A function is exactly one block. Anything else that has code of its own (lambdas, comprehensions, class bodies, annotations, type
 * aliases, and names unknown to us) is part of some enclosing body, but its line alone does not always tell which: a lambda among the
 * defaults of `def f` stands on a line of f and runs outside of it. So all blocks around the line are taken, as one too many costs a
 * test and one too few costs a bug.
 *
 * What evaluates annotations (Python 3.14) is not part of the function in whose header they stand: pytest looks at the signature of every
 * test that it collects, so each test of a file would depend on the bodies of all.
 *
 * @param line - `co_firstlineno`
 * @param name - `co_name`
 */
export function blockAt(fingerprint: Fingerprint, line: number, name: string): number[] {
  const blocks = fingerprint.blocks;
  if (name === "<module>") {
    return [];
  }
  const chain: number[] = [];
  for (let i = lastStartingBefore(blocks, line); i >= 0; i = (blocks[i] as Block).parent) {
    const block = blocks[i] as Block;
    if (line > block.lastLine) {
      continue;
    }
    if (chain.length === 0 && isInHeader(block, line)) {
      const own = block.qualname.slice(block.qualname.lastIndexOf(".") + 1);
      if (name === ANNOTATE && own !== ANNOTATE) {
        continue;
      }
      if (own === name && name !== ANNOTATE) {
        return [i];
      }
    }
    chain.unshift(i);
  }
  return chain;
}

/**
 * CPython counts a definition from the first decorator's expression, which in parentheses may stand lines below its `@`.
 * Nothing else of that name can begin in a header, so all its lines will do.
 */
function isInHeader(block: Block, line: number): boolean {
  return line === block.firstLine || line < block.bodyLine;
}

/** Blocks are in the order of their first lines, and no two share one. */
function lastStartingBefore(blocks: Block[], line: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((blocks[middle] as Block).firstLine <= line) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

/** Help, made from the tables of commands and options. */

import { COMMANDS, type CommandName, OPTIONS, type OptionName, type OptionSpec } from "./options.ts";

/** The text of `winnow --help`, or of one command's help. */
export function helpText(command: CommandName | undefined): string {
  if (command !== undefined) {
    const { usage, summary, options } = COMMANDS[command];
    return `${summary}\n\nUsage: ${usage}\n\n${optionLines([...options, "help"])}\n`;
  }
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Winnow runs only the Python tests that a change concerns.

Usage: winnow COMMAND [OPTIONS] [-- PYTEST ARGS]

Commands:
${commands.join("\n")}

Options:
${optionLines(Object.keys(OPTIONS) as OptionName[])}

Examples:
  winnow run                      run what changed since the last runs concerns
  winnow run -- tests/unit -x     the same for one directory, stopping at the first failure
  winnow run --since branch       what this branch changed concerns, though it ran already
  winnow why test_checkout        why that test would run, or what proves that it need not
`;
}

function optionLines(names: readonly OptionName[]): string {
  const rows = names.map((name): [string, string] => {
    const spec: OptionSpec = OPTIONS[name];
    const short = spec.short === undefined ? "    " : `-${spec.short}, `;
    return [`  ${short}--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, spec.help];
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => left.padEnd(width) + right).join("\n");
}

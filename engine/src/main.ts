/** The process: arguments in, exit code out. The only place that sets it. */

import { main } from "./cli/cli.ts";

process.exitCode = await main(process.argv.slice(2));

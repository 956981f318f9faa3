#!/usr/bin/env node
/** The process: arguments in, exit code out. The only place that sets it. */

import { main } from "./cli/cli.ts";
import { hideExperimentalWarnings } from "./cli/node.ts";

hideExperimentalWarnings();

// `winnow plan | head`: the reader has seen enough. What is under way, recording above all, goes on.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") {
    throw error;
  }
});
process.exitCode = await main(process.argv.slice(2));

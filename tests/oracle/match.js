// Asks azure-pipelines-task-lib which paths its `match` picks.
//
// stdin: [{list, patterns, root, windows}, ...] as JSON; the file named by the first argument gets [[path, ...], ...].
// `windows` makes task-lib and minimatch believe that they run there: they ask for the platform and the separator at each call.
"use strict";

const fs = require("fs");
const path = require("path");
const taskLib = require("azure-pipelines-task-lib/task");

const here = { platform: process.platform, sep: path.sep };
const cases = JSON.parse(fs.readFileSync(0, "utf8"));

function picked({ list, patterns, root, windows }) {
  Object.defineProperty(process, "platform", { value: windows ? "win32" : here.platform });
  path.sep = windows ? "\\" : here.sep;
  return taskLib.match(list, patterns, root || undefined);
}

const answers = cases.map(picked);
Object.defineProperty(process, "platform", { value: here.platform });
path.sep = here.sep;
fs.writeFileSync(process.argv[2], JSON.stringify(answers));

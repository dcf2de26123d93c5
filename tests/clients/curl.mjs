// curl, as guides print it.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const ASK = ["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code} %{content_type}"];

/** What curl is answered when it is run with these arguments: `{status, type, body}`. */
export const curl = async (...args) => {
  const { stdout } = await promisify(execFile)("curl", [...ASK, ...args]);
  const [, body, status, type] = /^([^]*)\n(\d+) (.*)$/.exec(stdout);
  return { status: Number(status), type, body };
};

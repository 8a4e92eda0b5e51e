// Adds up what the first load of each page transfers and fails when it is over the budget: bytes and requests.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const DIST = new URL("../dist", import.meta.url).pathname;
const BUDGET = { gzip: 200 * 1024, requests: 16 };
const PAGES = ["claim/Claim", "login/Login", "home/Home", "pairing/Pairing", "devices/Devices", "sessions/Sessions", "settings/Settings", "diagnostics/Diagnostics", "audit/Audit", "about/About"];

const manifest = JSON.parse(readFileSync(join(DIST, "../node_modules/.console-manifest.json"), "utf8"));

/** The files of an entry and of what it imports statically. */
function filesOf(key, seen = new Set()) {
  if (seen.has(key)) return [];
  seen.add(key);
  const { file, css = [], imports = [], assets = [] } = manifest[key];
  return [file, ...css, ...assets, ...imports.flatMap((one) => filesOf(one, seen))];
}

let over = false;
for (const page of PAGES) {
  // The German texts are the larger of the two dictionaries.
  const files = new Set(["index.html", ...["index.html", "src/i18n/de.ts", `src/features/${page}Page.tsx`].flatMap((key) => filesOf(key))]);
  const contents = [...files].map((file) => readFileSync(join(DIST, file)));
  const gzip = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);
  const brotli = contents.reduce((sum, content) => sum + brotliCompressSync(content).length, 0);
  const fits = gzip <= BUDGET.gzip && files.size <= BUDGET.requests;
  over ||= !fits;
  console.log(`${fits ? "ok  " : "OVER"} ${page.padEnd(26)} ${(gzip / 1024).toFixed(1).padStart(6)} KiB gzip ${(brotli / 1024).toFixed(1).padStart(6)} KiB brotli ${String(files.size).padStart(3)} requests`);
}
console.log(`budget: ${BUDGET.gzip / 1024} KiB gzip, ${BUDGET.requests} requests`);
process.exit(over ? 1 : 0);

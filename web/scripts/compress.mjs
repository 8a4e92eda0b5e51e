// Writes FILE.br beside each text file of dist, as the host embeds them, and keeps the build's manifest elsewhere.
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const DIST = new URL("../dist", import.meta.url).pathname;

renameSync(join(DIST, ".vite/manifest.json"), join(DIST, "../node_modules/.console-manifest.json"));
rmSync(join(DIST, ".vite"), { recursive: true });

for (const name of readdirSync(DIST, { recursive: true })) {
  if (!/\.(js|css|html|svg)$/.test(name)) continue;
  const content = readFileSync(join(DIST, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(join(DIST, `${name}.br`), brotliCompressSync(content, { params }));
}

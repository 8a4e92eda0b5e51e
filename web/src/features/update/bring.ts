import { api, ask } from "../../api/client";

/** As much as the host takes in one request, in bytes. */
const PIECE = 8 * 1024 * 1024;

/** Brings the files of a release, piece by piece; `told` hears how far it is, from 0 to 1. What the host does not need of it stays here. */
export async function bring(files: readonly File[], told: (done: number) => void): Promise<void> {
  const needed = files.filter(({ name }) => /^SHA256SUMS(\.gpg)?$|\.(efi|packages|root\.raw|verity\.raw)$/.test(name));
  const all = needed.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  await ask(api.DELETE("/api/v1/update/files"));
  for (const file of needed) {
    for (let offset = 0; offset === 0 || offset < file.size; offset += PIECE) {
      const piece = file.slice(offset, offset + PIECE);
      await ask(
        api.PUT("/api/v1/update/files/{name}", {
          params: { path: { name: file.name }, query: { offset, last: offset + PIECE >= file.size } },
          body: piece as never,
          bodySerializer: (body: unknown) => body as Blob,
          headers: { "content-type": "application/octet-stream" },
        }),
      );
      done += piece.size;
      told(all > 0 ? done / all : 1);
    }
  }
}

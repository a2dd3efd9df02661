import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "./basic.js";
import { AssayError } from "./errors.js";
import type { Hash } from "./types/basic.js";

interface Options {
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

/** SHA-256 of a file or a stream, chunk by chunk: files of many gigabytes need no memory. */
export async function artefactHash(file: Blob | ReadableStream<Uint8Array>, options: Options = {}): Promise<Hash> {
  const reader = (file instanceof Blob ? file.stream() : file).getReader();
  const hasher = sha256.create();
  let bytes = 0;
  try {
    for (;;) {
      if (options.signal?.aborted) throw new AssayError("Aborted", "the file was not read to its end");
      const { done, value } = await reader.read();
      if (done) return toHex(hasher.digest());
      hasher.update(value);
      bytes += value.length;
      options.onProgress?.(bytes);
    }
  } finally {
    // Lets go of a file that was not read to its end.
    await reader.cancel();
  }
}

/** Whether a downloaded file is the one on record, and the hash that it has. */
export async function artefactMatches(
  file: Blob | ReadableStream<Uint8Array>,
  artefact: Hash,
  options: Options = {},
): Promise<{ matches: boolean; found: Hash }> {
  const found = await artefactHash(file, options);
  return { matches: found === artefact.toLowerCase(), found };
}

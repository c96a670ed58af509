// Compresses what is large: lists, exports and the schema. The files of pages are compressed when they are built.
import compress from "@fastify/compress";
import type { FastifyInstance } from "fastify";

/** The option of a route. What is smaller fits into a packet or two as it is. */
export const COMPRESSED = { threshold: 2048, encodings: ["br" as const, "gzip" as const] };

/** Of answers, where a route asks for it; never of requests, of which a small one could become a large one. */
export async function compressAnswers(http: FastifyInstance): Promise<void> {
  await http.register(compress, { globalCompression: false, globalDecompression: false });
}

// The file of PASSWORD_FILTER: a Bloom filter of the SHA-1 hashes of breached passwords. It knows each of them, and takes one of
// 15,000 others for one. It is read where it is asked, so it needs no memory of the server, whatever its size.
//
// A header of 64 bytes, all numbers little-endian: "PWFILTER", version (32 bit), probes (32 bit), bits and entries (64 bit each);
// then the bits, eight in a byte, the lowest first.
import { open, type FileHandle } from "node:fs/promises";

const MAGIC = "PWFILTER";
const VERSION = 1;
export const HEADER_BYTES = 64;

/** With 20 bits and 14 probes for each entry, (1 - e^(-14/20))^14 = 1 in 15,000 other passwords is taken for one of the list. */
const BITS_PER_ENTRY = 20;
const PROBES = 14;

/** How a filter is laid out. */
export interface FilterShape {
  readonly probes: number;
  readonly bits: number;
  readonly entries: number;
}

export function shapeFor(entries: number): FilterShape {
  return { probes: PROBES, bits: 8 * Math.ceil((Math.max(entries, 1) * BITS_PER_ENTRY) / 8), entries };
}

export function headerOf({ probes, bits, entries }: FilterShape): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(probes, 12);
  header.writeBigUInt64LE(BigInt(bits), 16);
  header.writeBigUInt64LE(BigInt(entries), 24);
  return header;
}

/** Calls `visit` with each bit of an entry, until that returns false. */
export function eachBit(sha1: Buffer, { probes, bits }: FilterShape, visit: (bit: number) => boolean): void {
  // Double hashing with two numbers of 48 bits, which a SHA-1 hash has to spare. Subtracting is quicker than another remainder.
  let bit = sha1.readUIntBE(0, 6) % bits;
  let step = sha1.readUIntBE(6, 6) % bits;
  for (let probe = 1; probe <= probes && visit(bit); probe += 1) {
    bit += step;
    if (bit >= bits) bit -= bits;
    step += probe;
    if (step >= bits) step -= bits;
  }
}

export class PasswordFilter {
  readonly #file: FileHandle;
  readonly #shape: FilterShape;

  private constructor(file: FileHandle, shape: FilterShape) {
    this.#file = file;
    this.#shape = shape;
  }

  /** @throws {Error} that says how to make one, if the file is not a whole filter */
  static async open(path: string): Promise<PasswordFilter> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      return new PasswordFilter(file, await readShape(file));
    } catch (error) {
      await file?.close();
      throw new Error(
        `PASSWORD_FILTER is ${path}, which is not usable: ${(error as Error).message}. ` +
          "Make a filter from a list of breached passwords: npm run account -- password-filter LIST FILTER",
        { cause: error },
      );
    }
  }

  async has(sha1: Buffer): Promise<boolean> {
    const bits: number[] = [];
    eachBit(sha1, this.#shape, (bit) => bits.push(bit) > 0);
    const byte = Buffer.alloc(1);
    for (const bit of bits) {
      const { bytesRead } = await this.#file.read(byte, 0, 1, HEADER_BYTES + Math.floor(bit / 8));
      if (bytesRead === 0) throw new Error("The file of PASSWORD_FILTER has become shorter");
      if ((byte.readUInt8() & (1 << (bit % 8))) === 0) return false;
    }
    return true;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readShape(file: FileHandle): Promise<FilterShape> {
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  if (bytesRead < HEADER_BYTES || header.toString("latin1", 0, 8) !== MAGIC)
    throw new Error("it is no password filter");
  const version = header.readUInt32LE(8);
  if (version !== VERSION) throw new Error(`it has version ${version} of the format instead of ${VERSION}`);
  const shape = {
    probes: header.readUInt32LE(12),
    bits: Number(header.readBigUInt64LE(16)),
    entries: Number(header.readBigUInt64LE(24)),
  };
  const { size } = await file.stat();
  const whole = HEADER_BYTES + shape.bits / 8;
  if (size !== whole) throw new Error(`it has ${size} bytes instead of ${whole}`);
  return shape;
}

/**
 * offloop keeps Node's event loop free: heavy work runs on a bounded pool of native threads, and its result comes back as a
 * promise.
 *
 * Times are in milliseconds and sizes in bytes, unless the name says otherwise.
 *
 * @packageDocumentation
 */

import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Duplex, Writable } from 'node:stream'
import type { MessagePort, ResourceLimits, SHARE_ENV } from 'node:worker_threads'
import type { Watch } from './watch'

// ---------------------------------------------------------------- inputs

/**
 * Binary data: an ArrayBuffer, a SharedArrayBuffer or any view of one. A task copies its input before it runs, so later changes
 * have no effect; {@link move} transfers the memory instead. Inputs above 1 MiB are copied in pieces over several event-loop
 * iterations: do not change them until the task settles. The call rejects with a `TypeError` if a buffer is detached, if its length
 * changes during the copy, or if a view is out of bounds because its `ArrayBuffer` was resized.
 *
 * A call that finds no memory for the copy, and a task that runs out of memory, reject with ERR_OFFLOOP_RESOURCES.
 */
export type BytesLike = ArrayBufferView | ArrayBuffer | SharedArrayBuffer

/** A Buffer whose memory no other thread shares, as web APIs require: the type of that name in `@types/node`. */
export type NonSharedBuffer = ReturnType<typeof Buffer.alloc>

/**
 * Input of byte-oriented transforms. Strings are encoded as UTF-8, lone surrogates as U+FFFD (`json.parse` keeps them). V8 first
 * flattens a string that was concatenated from very many parts, in one step on the event loop.
 */
export type BytesOrText = BytesLike | string

/** A value passed to {@link move}. */
export interface Moved<T> {
  /** The value. */
  readonly value: T
  /** For the type checker only; absent at run time. */
  readonly [given]: true
}

/**
 * Transfers a buffer instead of copying it: the task uses its memory, and the buffer is detached (its `byteLength` becomes 0) once
 * the task is admitted. If the pool is full, the buffer is left unchanged.
 *
 * Memory that cannot be transferred is copied and stays yours: a view of part of its `ArrayBuffer` (Node's small Buffers are slices
 * of a shared slab), a `SharedArrayBuffer`, a resizable buffer, memory of another addon.
 *
 * @throws TypeError for a value that is neither bytes nor a MessagePort
 * @example
 * const body = await fs.readFile(path)
 * const packed = await pool.run(transforms.gzip(), move(body)) // body.byteLength is 0 now
 */
export function move<T extends BytesLike | MessagePort>(value: T): Moved<T>
/**
 * Transfers the listed parts of a value, as `postMessage` does: ArrayBuffers, MessagePorts and other transferable objects. For
 * inputs of {@link transforms.worker} and {@link transforms.workerScript}, and for the return value of a worker function. Throws a
 * TypeError if the list has a value twice, or one that cannot be transferred.
 * @example
 * await pool.run(resize, move({ image, width: 200 }, [image.buffer]))
 */
export function move<T>(value: T, transfer: readonly (ArrayBuffer | MessagePort | object)[]): Moved<T>

// ---------------------------------------------------------------- transforms: work as plain values

declare const shape: unique symbol
declare const given: unique symbol
declare const kept: unique symbol

// Without this line, every declaration here would be exported.
export {}

/**
 * A frozen description of CPU work: make it once, use it with every method of every pool, as often as you like. It belongs to the
 * thread that made it.
 */
export interface PoolTransform<In, Out> {
  /** As in `transforms.<name>`. */
  readonly name: string
  /** For the type checker only; absent at run time. */
  readonly [shape]: (input: In) => Out
}

/** A transform that can also process its input chunk by chunk. */
export interface StreamingTransform<In, Out> extends PoolTransform<In, Out> {
  /** {@link Pool.stream} and {@link Pool.collect} accept the transform. */
  readonly streaming: true
}

/** A sort made by `transforms.numeric.sort`. The methods of a pool give its result the class of the input. */
export interface SortTransform<T extends NumericArray> extends PoolTransform<T, SortedArray<T>> {
  /** For the type checker only; absent at run time. */
  readonly [kept]: true
}

/** A row that `transforms.numeric.nearest` has found. */
export interface NearestRow {
  /** Index of the row in the matrix. */
  index: number
  score: number
}

/** A matrix in native memory and the search in it, made by `transforms.numeric.nearest`. */
export interface NearestTransform extends PoolTransform<Float32Array, NearestRow[][]> {
  /** Size of the matrix in native memory, in bytes; 0 after disposal, or if the matrix could not be copied. */
  readonly bytes: number
  /**
   * Frees the matrix once earlier tasks have settled and no thread reads it any more. Later tasks reject with ERR_OFFLOOP_CLOSED.
   * Disposing again has no effect.
   */
  [Symbol.dispose](): void
}

/**
 * A transform that holds a key. The key is copied when the transform is made and erased when the transform is garbage-collected, or
 * immediately by `Symbol.dispose`. Afterwards each use of the transform, or of a chain that contains it, rejects with
 * ERR_OFFLOOP_CLOSED.
 */
export interface SecretTransform<In, Out> extends PoolTransform<In, Out> {
  /**
   * Erases the key. A running task finishes with its copy of the key, or rejects; queued tasks reject, and an open stream fails at
   * its next chunk.
   */
  [Symbol.dispose](): void
}

// biome-ignore lint/suspicious/noExplicitAny: any other type would be narrower than some transforms
type AnyTransform = PoolTransform<any, any>
type InputOf<T> = T extends { readonly [shape]: (input: infer In) => unknown } ? In : never
type OutputOf<T> = T extends { readonly [shape]: (input: never) => infer Out } ? (unknown extends T ? T : Out) : never
/**
 * Result of one task. For a `PoolTransform<In, Out>`, which has no `kept`, TypeScript resolves it to `Out` even in generic code. The
 * methods infer `T` from the union `T | PoolTransform<In, Out>`: with an intersection, the expected result would not reach a
 * `json.parse()` in the argument.
 */
type ResultOf<T, In, Out> = T extends { readonly [kept]: true } ? OwnArray<In> : Out
type Last<T extends readonly unknown[]> = T extends readonly [...unknown[], infer Step] ? Step : never

/** The steps of a chain; a step that does not accept the output of the one before is replaced by one that would. */
type CheckedSteps<Steps extends readonly unknown[], Given = InputOf<Steps[0]>> = Steps extends readonly [
  infer Step,
  ...infer Rest
]
  ? [
      [Given] extends [InputOf<Step>] ? Step : PoolTransform<Given, OutputOf<Step>>,
      ...CheckedSteps<Rest, OutputOf<Step>>
    ]
  : []

/** The transform that {@link transforms.chain} makes of its steps. It can stream if all of them can. */
export type Chain<Steps extends readonly AnyTransform[]> = Steps extends readonly { readonly streaming: true }[]
  ? StreamingTransform<InputOf<Steps[0]>, OutputOf<Last<Steps>>>
  : PoolTransform<InputOf<Steps[0]>, OutputOf<Last<Steps>>>

/** `sha*` and `md5` as in FIPS 180-4, FIPS 202 and RFC 1321; `xxh3-*` and `crc32` are returned in big-endian byte order. */
export type DigestAlgorithm =
  | 'sha1'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha3-256'
  | 'sha3-512'
  | 'blake3'
  | 'md5'
  | 'xxh3-64'
  | 'xxh3-128'
  | 'crc32'

/** Digests that {@link transforms.hmac} supports. */
export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** String encoding of a digest. `base64url` is not padded. */
export type TextEncoding = 'hex' | 'base64' | 'base64url'

/**
 * All transforms. Bad options throw a `TypeError` or `RangeError` when the transform is made, never when it runs. Unknown options
 * are rejected, so that a misspelled limit is not ignored silently.
 */
export const transforms: {
  /**
   * Returns the input as a new Buffer.
   * @example
   * await pool.run(transforms.identity(), 'ping') // <Buffer 70 69 6e 67>
   */
  identity(): StreamingTransform<BytesOrText, NonSharedBuffer>

  /**
   * Runs several transforms in one round trip; values between two native steps never enter JavaScript. After `json.parse` and
   * `csv.parse`, whose values are built in JavaScript, only JavaScript steps and `json.stringify` may follow. The `transform` of an
   * error names the step that failed. At most 1,024 steps, those of nested chains included.
   *
   * JavaScript steps ({@link transforms.worker}, {@link transforms.workerScript}) may be anywhere. Such a chain runs one task for
   * each of them and one for each group of native steps between them, one after the other: only the first can be rejected because
   * the pool is full.
   * @example
   * const etag = transforms.chain(transforms.gzip(), transforms.digest('sha256', { encoding: 'base64url' }))
   * await pool.run(etag, body)
   */
  chain<const Steps extends readonly [AnyTransform, ...AnyTransform[]]>(
    ...steps: Steps extends CheckedSteps<Steps> ? Steps : CheckedSteps<Steps>
  ): Chain<Steps>

  /**
   * Hashes the input, to bytes or a string. `blake3` of a large input uses all threads of the pool.
   * @example
   * await pool.run(transforms.digest('sha256', { encoding: 'hex' }), body)
   */
  digest(
    algorithm: DigestAlgorithm,
    options?: { encoding?: undefined }
  ): StreamingTransform<BytesOrText, NonSharedBuffer>
  digest(algorithm: DigestAlgorithm, options: { encoding: TextEncoding }): StreamingTransform<BytesOrText, string>
  digest(
    algorithm: DigestAlgorithm,
    options?: { encoding?: TextEncoding | undefined }
  ): StreamingTransform<BytesOrText, NonSharedBuffer | string>

  /**
   * Computes a keyed digest (RFC 2104).
   * @example
   * await pool.run(transforms.hmac('sha256', secret, { encoding: 'hex' }), payload)
   */
  hmac(
    algorithm: HmacAlgorithm,
    key: BytesOrText,
    options?: { encoding?: undefined }
  ): StreamingTransform<BytesOrText, NonSharedBuffer> & SecretTransform<BytesOrText, NonSharedBuffer>
  hmac(
    algorithm: HmacAlgorithm,
    key: BytesOrText,
    options: { encoding: TextEncoding }
  ): StreamingTransform<BytesOrText, string> & SecretTransform<BytesOrText, string>
  hmac(
    algorithm: HmacAlgorithm,
    key: BytesOrText,
    options?: { encoding?: TextEncoding | undefined }
  ): StreamingTransform<BytesOrText, NonSharedBuffer | string> & SecretTransform<BytesOrText, NonSharedBuffer | string>

  /**
   * Compresses to gzip (RFC 1952): one member, which every browser reads. `level` 0 (store) to 9 (smallest), default 6. Inputs
   * above about 1 MiB are compressed by all threads of the pool.
   * @example
   * const body = await pool.run(transforms.gzip({ level: 6 }), json)
   */
  gzip(options?: { level?: number | undefined }): StreamingTransform<BytesOrText, NonSharedBuffer>
  /**
   * Decompresses gzip. Several members are joined, and zeros after the last one are ignored, as in node:zlib. `maxOutput` (default
   * 256 MiB) stops decompression bombs: set it to the size you expect.
   * @throws OffloopError ERR_OFFLOOP_INVALID_DATA for corrupt or truncated input, ERR_OFFLOOP_OUTPUT_LIMIT above `maxOutput`
   * @example
   * const packed = await pool.run(transforms.gzip(), 'text')
   * String(await pool.run(transforms.gunzip({ maxOutput: 64 << 20 }), packed)) // 'text'
   */
  gunzip(options?: { maxOutput?: number | undefined }): StreamingTransform<BytesLike, NonSharedBuffer>
  /**
   * Compresses to the zlib format (RFC 1950), like node:zlib's `deflate`. `level` 0 to 9, default 6.
   * @example
   * await pool.run(transforms.deflate({ level: 9 }), body)
   */
  deflate(options?: { level?: number | undefined }): StreamingTransform<BytesOrText, NonSharedBuffer>
  /**
   * Decompresses the zlib format. `maxOutput` defaults to 256 MiB.
   * @example
   * const packed = await pool.run(transforms.deflate(), 'text')
   * String(await pool.run(transforms.inflate(), packed)) // 'text'
   */
  inflate(options?: { maxOutput?: number | undefined }): StreamingTransform<BytesLike, NonSharedBuffer>
  /**
   * Compresses to raw deflate (RFC 1951), without header and checksum. `level` 0 to 9, default 6.
   * @example
   * await pool.run(transforms.deflateRaw(), body)
   */
  deflateRaw(options?: { level?: number | undefined }): StreamingTransform<BytesOrText, NonSharedBuffer>
  /**
   * Decompresses raw deflate. `maxOutput` defaults to 256 MiB.
   * @example
   * const packed = await pool.run(transforms.deflateRaw(), 'text')
   * String(await pool.run(transforms.inflateRaw({ maxOutput: 1024 }), packed)) // 'text'
   */
  inflateRaw(options?: { maxOutput?: number | undefined }): StreamingTransform<BytesLike, NonSharedBuffer>
  /**
   * Compresses with Brotli (RFC 7932). `quality` 0 to 11, default 11 as in node:zlib, which is very slow: 4 or 5 suits responses
   * compressed on the fly. `window` is the base-2 logarithm of the window size, 10 to 24, default 22.
   * @example
   * response.end(await pool.run(transforms.brotliCompress({ quality: 5 }), body))
   */
  brotliCompress(options?: {
    quality?: number | undefined
    window?: number | undefined
  }): StreamingTransform<BytesOrText, NonSharedBuffer>
  /**
   * Decompresses Brotli. `maxOutput` defaults to 256 MiB.
   * @example
   * const packed = await pool.run(transforms.brotliCompress(), 'text')
   * String(await pool.run(transforms.brotliDecompress(), packed)) // 'text'
   */
  brotliDecompress(options?: { maxOutput?: number | undefined }): StreamingTransform<BytesLike, NonSharedBuffer>
  /**
   * Compresses with Zstandard (RFC 8878). `level` up to 22, default 3; negative levels are faster still. The decompressor needs the
   * same `dictionary`: a wrong one may go unnoticed and yield wrong data unless `checksum` is set. `checksum` (default false)
   * appends a checksum that decompression verifies.
   * @example
   * await pool.run(transforms.zstdCompress({ level: 3, checksum: true }), body)
   */
  zstdCompress(options?: {
    level?: number | undefined
    dictionary?: BytesLike | undefined
    checksum?: boolean | undefined
  }): StreamingTransform<BytesOrText, NonSharedBuffer>
  /**
   * Decompresses Zstandard. `maxOutput` defaults to 256 MiB.
   * @example
   * const packed = await pool.run(transforms.zstdCompress(), 'text')
   * String(await pool.run(transforms.zstdDecompress(), packed)) // 'text'
   */
  zstdDecompress(options?: {
    dictionary?: BytesLike | undefined
    maxOutput?: number | undefined
  }): StreamingTransform<BytesLike, NonSharedBuffer>
  /**
   * Compresses to the LZ4 frame format: the fastest codec, with the largest output.
   * @example
   * await pool.run(transforms.lz4Compress(), body)
   */
  lz4Compress(): StreamingTransform<BytesOrText, NonSharedBuffer>
  /**
   * Decompresses the LZ4 frame format. `maxOutput` defaults to 256 MiB.
   * @example
   * const packed = await pool.run(transforms.lz4Compress(), 'text')
   * String(await pool.run(transforms.lz4Decompress(), packed)) // 'text'
   */
  lz4Decompress(options?: { maxOutput?: number | undefined }): StreamingTransform<BytesLike, NonSharedBuffer>

  /**
   * Encrypts and authenticates (AEAD) with a 32-byte key, by AWS-LC. Returns the nonce (12 bytes), the ciphertext and the tag (16
   * bytes). The input is the message, or {@link SealInput} with its `aad` and `nonce`. The nonce is random unless you pass one.
   * With random nonces, seal at most a few billion messages with one key.
   *
   * Sealing is one step, which a signal does not interrupt.
   * @throws RangeError for a key that is not 32 bytes long
   * @example
   * const seal = transforms.seal('aes-256-gcm', key)
   * const sealed = await pool.run(seal, { data: 'a secret', aad: userId })
   */
  seal(cipher: SealCipher, key: BytesLike): SecretTransform<BytesOrText | SealInput, NonSharedBuffer>
  /**
   * Decrypts a message of {@link transforms.seal}: its bytes, or {@link OpenInput} with the `aad` that was sealed with it. A
   * message that was modified, or sealed with another key, cipher or `aad`, rejects with ERR_OFFLOOP_AUTHENTICATION and yields no
   * plaintext.
   * @throws RangeError for a key that is not 32 bytes long
   * @example
   * const plain = await pool.run(transforms.open('aes-256-gcm', key), { data: sealed, aad: userId })
   */
  open(cipher: SealCipher, key: BytesLike): SecretTransform<BytesLike | OpenInput, NonSharedBuffer>
  /**
   * Hashes a password with a random salt, to a PHC string (bcrypt: `$2b$`). `algorithm` defaults to `'argon2id'`: `memoryKiB`
   * 19,456, `iterations` 2, `parallelism` 1, as OWASP recommends. `'bcrypt'`: `cost` 4 to 18, default 12; a password longer than 72
   * bytes rejects instead of being truncated, and so does one with a NUL character. `'scrypt'`: `cost` is the base-2 logarithm of
   * N, default 17; `parallelism` 1.
   *
   * One hash uses at most 4 GiB and some tens of seconds of one core: `memoryKiB` times `iterations` is at most 2 ** 24, and for
   * scrypt 2 ** `cost` times `parallelism` at most 2 ** 22.
   *
   * Hashing cannot be interrupted. The pool does not count its memory.
   * @example
   * const hash = await pool.run(transforms.hashPassword(), password)
   */
  hashPassword(options?: {
    algorithm?: 'argon2id' | 'bcrypt' | 'scrypt' | undefined
    memoryKiB?: number | undefined
    iterations?: number | undefined
    parallelism?: number | undefined
    cost?: number | undefined
  }): PoolTransform<BytesOrText, string>
  /**
   * Checks a password against a hash of argon2, scrypt or bcrypt, in constant time. bcrypt compares only the first 72 bytes of a
   * longer password (`hashPassword` makes no such hash, other libraries do), and does not distinguish `'a'` from `'a\0a'`. bcrypt's
   * `$2a$`, `$2b$` and `$2y$` are supported; `$2x$` and `$2$`, made by faulty implementations, are rejected.
   *
   * A hash that is malformed or of another algorithm rejects with a `TypeError` of code `ERR_INVALID_ARG_VALUE` and the reason; one
   * that costs more memory or time than `hashPassword` allows, with a `RangeError` of code `ERR_OUT_OF_RANGE`. Neither says
   * anything about the password: the stored hash is at fault.
   * @example
   * const verify = transforms.verifyPassword()
   * if (!(await pool.run(verify, { password, hash }))) throw new Error('wrong password')
   */
  verifyPassword(): PoolTransform<VerifyPasswordInput, boolean>
  /**
   * Derives a key of `length` bytes, at most 1 MiB, from a password (PBKDF2, RFC 8018). `Symbol.dispose` erases the salt. The
   * derivation cannot be interrupted: `iterations` times the number of digest-sized blocks is at most 2 ** 26.
   * @example
   * const key = await pool.run(transforms.pbkdf2('sha256', salt, 600_000, 32), password)
   */
  pbkdf2(
    digest: 'sha1' | 'sha256' | 'sha512',
    salt: BytesLike,
    iterations: number,
    length: number
  ): SecretTransform<BytesOrText, NonSharedBuffer>

  /** JSON (RFC 8259): parse and write in slices, select, validate, minify. */
  readonly json: {
    /**
     * Parses like `JSON.parse`, without blocking the event loop: a thread reads the text, and the value is built on the event loop
     * in slices of at most `sliceMs` ms (default 4) while the rest is read. Accepts the same texts as `JSON.parse` and returns the
     * same values. Bytes must be UTF-8 without a byte order mark. `maxDepth` limits the levels of arrays and objects, unlimited by
     * default; most code that walks a value is recursive, and fails on thousands of levels. V8 creates some things in one step,
     * however small the slice: the element store of an array of millions of numbers, the table of an object with hundreds of
     * thousands of names, a string of megabytes.
     * @throws RangeError for a `sliceMs` that is not an integer from 1 to 10,000
     * @example
     * const { items } = await pool.run(transforms.json.parse<{ items: Item[] }>(), body)
     */
    parse<T = unknown>(options?: {
      sliceMs?: number | undefined
      maxDepth?: number | undefined
    }): PoolTransform<BytesOrText, T>
    /**
     * Writes the bytes of `JSON.stringify`: on the event loop, in slices of at most `sliceMs` ms (default 4) that a thread joins,
     * ready for the next step of a chain. `toJSON`, getters, holes and everything else behave as in `JSON.stringify`, except that
     * getters may be called several times. Do not change the value before the promise settles. Rejects with a TypeError for a value
     * without a JSON representation (`undefined`, a function), a BigInt or a circular structure, and with any error that a `toJSON`
     * throws.
     *
     * A getter, a proxy or a `toJSON` can make a value endless, so there are limits. `maxDepth` limits the levels of arrays and
     * objects, counted as in {@link transforms.json.parse}; the default of 5,000 is more than `JSON.stringify` itself can follow.
     * `maxOutput` limits the bytes; the default is the pool's `maxQueueBytes`, but at least 16 MiB. Beyond the first four, nested
     * levels that getters, proxies and `toJSON` return may hold about 8 MiB in all, or an explicit `maxOutput` if that is more;
     * each counts as at most 512 KiB.
     * @throws RangeError for a `sliceMs` that is not an integer from 1 to 10,000, or a limit that is not a positive integer
     * @throws OffloopError ERR_OFFLOOP_INVALID_DATA for a value nested too deeply, ERR_OFFLOOP_OUTPUT_LIMIT for one that becomes
     * too long; both messages contain a path. For a value that is too long, the path is that of the element at which the writer
     * stopped, which may be some elements after the limit and differ between runs, since text is written in pieces
     * @example
     * response.end(await pool.run(transforms.chain(transforms.json.stringify(), transforms.gzip()), report))
     */
    stringify(options?: {
      sliceMs?: number | undefined
      maxDepth?: number | undefined
      maxOutput?: number | undefined
    }): PoolTransform<unknown, NonSharedBuffer>
    /**
     * Selects nodes by JSONPath (RFC 9535), in order. A thread reads the document; only the selected nodes become JavaScript
     * values. A path that consists only of names, indexes and wildcards is matched while the document is read; for any other path
     * all nodes are indexed first. Documents may be nested 512 levels deep. Members are selected in document order; of several with
     * the same name the last value counts, at the position of the first. A path may select one node many times: the result has at
     * most `maxOutput` bytes of JSON, default 256 MiB, and each segment, in filters too, selects at most about four million nodes
     * more than the document has bytes. Filters compare numbers as doubles, as JavaScript does.
     * @throws TypeError for an invalid JSONPath
     * @example
     * const items = '{"items":[{"price":2},{"price":10}]}'
     * await pool.run(transforms.json.select<number>('$.items[*].price'), items) // [2, 10]
     */
    select<T = unknown>(path: string, options?: { maxOutput?: number | undefined }): PoolTransform<BytesOrText, T[]>
    /**
     * Removes insignificant whitespace. Strings and numbers keep their spelling.
     * @example
     * await pool.run(transforms.json.minify(), '{ "a": [ 1 ] }') // <Buffer 7b 22 61 22 3a 5b 31 5d 7d>
     */
    minify(): PoolTransform<BytesOrText, NonSharedBuffer>
    /**
     * Validates a document against a JSON Schema: 2020-12, 2019-09, draft 7, 6 or 4, by `$schema`, default 2020-12. The schema is
     * compiled once; no other document is fetched. A document with a lone surrogate (`"\ud800"`) or a number out of range for a
     * double (`1e400`) is rejected. `format` is asserted up to draft 7, and only an annotation from 2019-09 on, as these drafts
     * specify. Integers from -(2 ** 63) to 2 ** 64 - 1 in a document are compared exactly, unlike in JavaScript; other numbers as
     * doubles. `pattern` and `patternProperties` are [regular expressions of ECMA-262](docs/transforms.md#patterns) with the `u`
     * flag, in linear time. A schema with look-around or backreferences is rejected, and so is one whose compiled patterns use more
     * than about 64 MiB together; the error contains the JSON Pointer. Documents may be nested 512 levels deep, schemas 128. At
     * most 1,000 errors are returned, with messages of at most 1,000 bytes each and 1 MiB in all.
     * @throws TypeError for an invalid schema, including one that refers to another document
     * @example
     * const { valid, errors } = await pool.run(transforms.json.validate({ required: ['id'] }), '{}')
     * errors[0].message // '"id" is a required property'
     */
    validate(schema: object | boolean): PoolTransform<BytesOrText, JsonValidation>
    /**
     * Like {@link transforms.json.validate}, for each element of an array (input that begins with `[`) or each of several
     * consecutive documents, such as NDJSON, on all threads of the pool. Returns at most `maxErrors` failing records, default
     * 1,000, with up to 100 errors each; all are counted. Malformed JSON rejects with ERR_OFFLOOP_INVALID_DATA.
     * @example
     * const { invalid, failures } = await pool.run(transforms.json.validateEach(schema), await readFile('records.ndjson'))
     */
    validateEach(
      schema: object | boolean,
      options?: { maxErrors?: number | undefined }
    ): StreamingTransform<BytesOrText, JsonBatchValidation>
  }

  /**
   * CSV as in RFC 4180, in UTF-8 with or without a BOM and without NUL; lines end with CRLF, LF or CR. Malformed input rejects with
   * ERR_OFFLOOP_INVALID_DATA, its line in the message and its `offset`: a record with more or fewer fields than there are columns,
   * a quote within an unquoted field or one that is never closed, text after a closing quote, a duplicate column name, an option
   * for a column that does not exist. Blank lines are skipped, except in a table of one column, where each is an empty field.
   */
  readonly csv: {
    /**
     * Parses CSV to a table of typed columns. An empty field is `null` in a string column (`''` if quoted), NaN in a number column,
     * and an error in a boolean column. In TypeScript the rows are typed by `columns`.
     * @throws TypeError for bad options, such as the type of a column that `header` does not name
     * @example
     * const table = await pool.run(transforms.csv.parse({ columns: { price: 'number' } }), 'name,price\nplum,0.3\nfig,1.2')
     * table.column('price') // Float64Array(2) [0.3, 1.2]
     * for (const { name, price } of table) console.log(name, price)
     */
    parse<const Types extends CsvTypes = Record<never, never>>(
      options?: CsvOptions & { columns?: Types | undefined }
    ): StreamingTransform<BytesOrText, CsvTable<Types>>
    /**
     * Measures groups of rows without building a table. Returns an object for each group, in order of first appearance, with the
     * columns of `groupBy` and then the measures. Without `groupBy` all rows are one group, even if there are none. Only the named
     * columns are read.
     *
     * A measure is an operation and a column: `'sum'`, `'mean'`, `'min'`, `'max'`, or `'p0'` to `'p100'`, a percentile interpolated
     * between the two nearest numbers; empty fields are ignored. `['count']` counts rows, `['count', column]` fields that are not
     * empty. Sums are rounded once, at the end. For a group without numbers `sum` is 0, and mean, extremes and percentiles are
     * null; NaN becomes null. In TypeScript the groups are typed if the options are written in the call, or `as const`.
     * @throws TypeError for bad options, such as a measure without a column, or with the name of a column of `groupBy`
     * @example
     * const spec = { groupBy: ['region'], measures: { orders: ['count'], median: ['p50', 'amount'] } } as const
     * await pool.run(transforms.csv.aggregate(spec), 'region,amount\nEU,3\nUS,9\nEU,4') // [{ region: 'EU', orders: 2, median: 3.5 }, …]
     */
    aggregate<
      const Measures extends CsvMeasures,
      const Group extends string = never,
      const Types extends CsvTypes = Record<never, never>
    >(
      options: CsvOptions & {
        groupBy?: readonly Group[] | undefined
        measures: Measures
        columns?: Types | undefined
      }
    ): StreamingTransform<BytesOrText, CsvGroup<NoInfer<Group>, NoInfer<Measures>, Types>[]>
  }

  /** Text: base64 and regular expressions. */
  readonly text: {
    /**
     * Encodes bytes as base64 with padding. V8 creates the string in one step on the event loop, which takes about 2 ms for each
     * megabyte of base64; {@link Pool.stream} emits bytes instead.
     * @example
     * await pool.run(transforms.text.base64Encode(), 'ping') // 'cGluZw=='
     */
    base64Encode(): StreamingTransform<BytesOrText, string>
    /**
     * Decodes base64 of either alphabet, with or without padding and line breaks. Anything else rejects with its `offset`,
     * including trailing bits that belong to no byte, as in `'Zh=='`.
     * @example
     * String(await pool.run(transforms.text.base64Decode(), 'cGluZw')) // 'ping'
     */
    base64Decode(): StreamingTransform<BytesOrText, NonSharedBuffer>
    /**
     * Finds all matches of a regular expression of ECMA-262 with the `u` flag, as `String.prototype.matchAll` does with `g`.
     * Finding one match takes linear time for any input; finding all may take quadratic time if the search has to read far past
     * each match to decide on it (`.*[^a]|a`).
     *
     * The `flags` `'i'`, `'m'` and `'s'` are those of JavaScript; `'gu'` are implied. `'x'`, an extension, ignores white space and
     * comments (`# …`) outside character classes. `limit` is the maximum number of matches, unlimited by default; `maxOutput` their
     * size as JSON, default 256 MiB.
     * @throws TypeError for a pattern that is invalid, needs backtracking (look-around, backreferences) or is too large
     * ([limits](docs/transforms.md#patterns))
     * @example
     * const [match] = await pool.run(transforms.text.matches('(?<time>\\d+) ms'), 'it took 12 ms')
     * match // { index: 8, end: 13, text: '12 ms', captures: ['12'], groups: { time: '12' } }
     */
    matches(
      pattern: string,
      options?: { flags?: string | undefined; limit?: number | undefined; maxOutput?: number | undefined }
    ): PoolTransform<BytesOrText, TextMatch[]>
    /**
     * Replaces all matches of a pattern, which is as in {@link transforms.text.matches}. The replacement is interpreted as in
     * `String.prototype.replace`: `$1`, `$<name>`, `$&`, `` $` ``, `$'`, `$$`. The resulting text has at most `maxOutput` bytes,
     * default 256 MiB. V8 creates it in one step on the event loop, which takes milliseconds for megabytes.
     * @example
     * await pool.run(transforms.text.replace('(\\w+)@\\w+', '$1@…'), 'to ada@example') // 'to ada@…'
     */
    replace(
      pattern: string,
      replacement: string,
      options?: { flags?: string | undefined; maxOutput?: number | undefined }
    ): PoolTransform<BytesOrText, string>
  }

  /** Work on typed arrays, which are copied like all inputs unless they are moved. Sums do not depend on the number of threads. */
  readonly numeric: {
    /**
     * Returns a sorted copy of the same class: -0 before 0 and NaN last, as with `TypedArray.prototype.sort`. `descending` reverses
     * all of that. Sorting cannot be interrupted. In `each` and in a chain, where the input has no type, state the class:
     * `sort<Float64Array>()`.
     * @example
     * await pool.run(transforms.numeric.sort(), new Float64Array([3, 1, 2])) // Float64Array(3) [1, 2, 3]
     */
    sort<T extends NumericArray = NumericArray>(options?: { descending?: boolean | undefined }): SortTransform<T>
    /**
     * Computes count, mean, population standard deviation, extremes and quantiles. BigInts are converted by `Number()`: beyond
     * 2 ** 53 they are rounded. `quantiles` from 0 to 1 are interpolated between the two nearest numbers. If the array is empty or
     * contains a NaN, every result except `count` is NaN.
     * @example
     * const { mean, quantiles } = await pool.run(transforms.numeric.stats({ quantiles: [0.5, 0.99] }), times)
     */
    stats(options?: {
      quantiles?: readonly number[] | Float64Array | undefined
    }): PoolTransform<NumericArray, NumericStats>
    /**
     * Counts the numbers in each of `bins` bins, at most 1,048,576. `range` defaults to the smallest and the largest number;
     * numbers outside it are not counted, nor are NaN and infinities. A bin includes its lower edge; the last bin includes both
     * edges. `edges` has one element more than `counts`.
     * @example
     * const { edges, counts } = await pool.run(transforms.numeric.histogram({ bins: 50 }), times)
     */
    histogram(options: {
      bins: number
      range?: readonly [number, number] | undefined
    }): PoolTransform<NumericArray, { edges: OwnFloat64Array; counts: OwnFloat64Array }>
    /**
     * Holds the rows of a row-major matrix and finds those nearest to a query, the nearest first: by cosine similarity (default),
     * dot product or Euclidean distance (`l2`, where a smaller score is nearer). Scores are rounded to single precision: a cosine may
     * exceed 1, as in 1.0000001. Every row is compared. Equal scores are ordered by
     * index, and NaN comes last. With fewer than `k` rows, all are returned. `k` and `dimensions` are at most 1,048,576.
     *
     * An input is one query of `dimensions` numbers, or several, one after the other: a batch reads the matrix once for up to 64 of
     * them. The result has one list for each query, even if there is only one. An input of another length, or an empty one, rejects
     * with ERR_OFFLOOP_INVALID_DATA.
     *
     * This call copies the matrix, above 1 MiB in pieces over several event-loop iterations, for which tasks wait: do not change it
     * until the first task has settled. If it is detached or resized before that, every task rejects with a TypeError.
     * `move(matrix)` takes its memory instead, unless that memory cannot be transferred: then it is copied. Throws a RangeError
     * (ERR_OUT_OF_RANGE) unless the length of the matrix is a multiple of `dimensions`.
     *
     * Dispose of the transform to free the memory ({@link NearestTransform}). Like a Buffer it is also freed by garbage collection.
     * @example
     * const nearest = transforms.numeric.nearest(matrix, { k: 10, dimensions: 384 })
     * const [list] = await pool.run(nearest, embedding)
     * for (const { index, score } of list) console.log(titles[index], score)
     */
    nearest(
      matrix: Float32Array | Moved<Float32Array>,
      options: { k: number; dimensions: number; metric?: 'cosine' | 'dot' | 'l2' | undefined }
    ): NearestTransform
  }

  /**
   * Runs a function of yours in a worker thread, within the pool's limits. The module may be ESM, CommonJS or any other format that
   * Node imports (TypeScript, where it strips types). A relative path is resolved against the current directory, as in
   * `new Worker()`; package names are looked up from there. Each thread imports it once, when it is first needed. If it cannot be
   * found, the message of Node's error contains `imported from <current directory>/offloop.cjs`, a file that need not exist. Without
   * `export` it runs the default export, or else the only function of the module apart from `dispose`.
   *
   * The function receives a structured clone of the input, which counts towards `maxQueueBytes` only if it is a string, a buffer or
   * a view: an object counts as 0 bytes, even if it contains Buffers, and only `maxQueue` limits such inputs. A Buffer arrives as a
   * Uint8Array in both directions, also inside an object: declare the parameter as `Uint8Array`. Run a function without parameters
   * with `undefined`.
   *
   * The second argument is `{ signal }`, which aborts when the caller's signal does. The function may return a promise. A thread runs
   * one task at a time. An exported function `dispose` is called before a thread ends. For a second after a task the thread blocks
   * while it waits for the next one, so timers and sockets of the module may be served up to about 50 ms late.
   *
   * A function should run its own tasks in another pool. Once all threads of a pool wait for tasks of that pool, also through
   * functions of other pools, the tasks of one function reject with ERR_OFFLOOP_DEADLOCK, after about 100 ms. The next function
   * takes the freed thread and may wait in turn: of several such calls most fail, one after the other. A function counts as waiting
   * only if nothing but tasks of pools keeps its thread alive: with a referenced timer, socket or other handle, or while it waits
   * for a load of a cache in another thread, it hangs instead.
   *
   * The result is cloned too, unless the function returns `move(result)`. An error that it throws rejects the task, with its class
   * if that is a built-in one, its `code`, `cause` and own properties, and with both stacks while fewer than 64 tasks are in
   * flight. A value that cannot be cloned rejects with a `DataCloneError` that contains its path.
   *
   * If a thread ends during a task (`process.exit()`, out of memory, an uncaught exception), the task rejects with
   * ERR_OFFLOOP_WORKER_EXIT and the thread is replaced. V8 may end the whole process, as with any `Worker`, if a single large
   * allocation, such as a long array, exceeds the heap. Tasks that ended before keep their results; those that had not begun run in
   * another thread, except one whose moved input was in the lost thread.
   * @example
   * // resize.js: module.exports = async ({ path, width }, { signal }) => sharp(path).resize(width).toBuffer()
   * const resize = transforms.worker(require.resolve('./resize.js'))
   * await pool.run(resize, { path: 'cat.jpg', width: 200 })
   * @example
   * // In TypeScript the types are stated, or come from the module. The URL is relative to this file, as the import is.
   * const file = new URL('./resize.js', import.meta.url)
   * const stated = transforms.worker<Job, Uint8Array>(file)
   * const main = transforms.worker<typeof import('./resize.js')>(file)
   * const named = transforms.worker<typeof import('./resize.js'), 'crop'>(file, { export: 'crop' })
   */
  worker<In, Out>(
    specifier: NoInfer<WorkerFile<In, Out>>,
    options?: { export?: string | undefined }
  ): PoolTransform<In, Out>
  worker<Module extends object, const Name extends FunctionNames<Module>>(
    specifier: string | URL,
    options: { export: Name }
  ): PoolTransform<WorkerInput<Module[Name]>, WorkerOutput<Module[Name]>>
  worker<Module extends object>(
    specifier: [MainFunction<Module>] extends [never] ? CallWithExport<FunctionNames<Module>> : string | URL,
    options?: undefined
  ): PoolTransform<WorkerInput<MainFunction<Module>>, WorkerOutput<MainFunction<Module>>>
  /**
   * Runs a script written for `new Worker(script, { workerData })`, unchanged: it receives the input as `workerData`, and its first
   * message is the result. Each input gets a new thread, but at most as many run at a time as the pool has threads. A script that
   * ends without a message rejects with ERR_OFFLOOP_WORKER_EXIT, one that throws with its error; aborting terminates it.
   * @example
   * await pool.run(transforms.workerScript(new URL('./report.js', import.meta.url)), { year: 2025 })
   */
  workerScript<In, Out>(specifier: string | URL): PoolTransform<In, Out>
}

// biome-ignore lint/suspicious/noExplicitAny: any other parameters would be narrower than some functions
type AnyFunction = (...args: any[]) => unknown
type FunctionNames<Module> = {
  [Name in keyof Module]-?: Module[Name] extends AnyFunction ? (Name extends 'dispose' ? never : Name) : never
}[keyof Module]
/** `never` for a union: a module with several functions has no only one. */
type OnlyMember<Name, All = Name> = Name extends unknown ? ([All] extends [Name] ? Name : never) : never

/** The function that a module exports as default, or else its only one apart from `dispose`. */
type MainFunction<Module> = Module extends AnyFunction
  ? Module
  : Module extends { default: infer Default extends object }
    ? MainFunction<Default>
    : Module[OnlyMember<FunctionNames<Module>> & keyof Module]

/** A call that names one of the functions of a module, for the compiler's message. */
type CallWithExport<Name> = Name extends string ? `worker<Module, '${Name}'>(file, { export: '${Name}' })` : never
/** Refuses a module and the name of an export in place of `In` and `Out`: an input has no methods. */
type WorkerFile<In, Out> = [keyof In, Out] extends [string, string]
  ? string extends Out
    ? string | URL
    : [FunctionNames<In>] extends [never]
      ? string | URL
      : CallWithExport<FunctionNames<In>>
  : string | URL

/** Input of a worker function: its first parameter, `unknown` if it has none. */
export type WorkerInput<Function> = Function extends (input: infer In, ...rest: never[]) => unknown ? In : never

/** Result of a worker function after its clone: a Buffer arrives as a Uint8Array, also inside objects, arrays, Maps and Sets. */
export type WorkerOutput<Function> = Function extends (...args: never[]) => infer Out
  ? Cloned<Unmoved<Awaited<Out>>>
  : never
type Unmoved<Value> = Value extends Moved<infer Inner> ? Inner : Value

/**
 * A structured clone of a value. The type itself is returned if the clone has it, and for functions, objects with methods and values
 * nested more deeply than `Levels`.
 */
type Cloned<Value, Levels extends readonly unknown[] = [1, 2, 3, 4, 5, 6]> = 0 extends 1 & Value
  ? Value
  : Value extends Buffer
    ? OwnUint8Array
    : Value extends string | number | bigint | boolean | symbol | null | undefined | AnyFunction
      ? Value
      : Levels extends readonly [unknown, ...infer Rest]
        ? Value extends Map<infer Key, infer Item>
          ? Unchanged<Value, Map<Cloned<Key, Rest>, Cloned<Item, Rest>>>
          : Value extends Set<infer Item>
            ? Unchanged<Value, Set<Cloned<Item, Rest>>>
            : Value extends readonly unknown[]
              ? Unchanged<Value, { [Index in keyof Value]: Cloned<Value[Index], Rest> }>
              : [FunctionNames<Value>] extends [never]
                ? Unchanged<Value, { [Name in keyof Value]: Cloned<Value[Name], Rest> }>
                : Value
        : Value
/** Keeps the name of a type that its clone does not change. */
type Unchanged<Value, Clone> = Clone extends Value ? Value : Clone

/** A Uint8Array whose memory no other thread shares. */
type OwnUint8Array = ReturnType<Uint8ArrayConstructor['of']>
/** A Float64Array whose memory no other thread shares. */
type OwnFloat64Array = ReturnType<Float64ArrayConstructor['of']>
/** An array of the same class whose memory no other thread shares. */
type OwnArray<T> = T extends { slice(): infer Own } ? Own : never
/** Result of a sort whose input is not known. Not `OwnArray<NumericArray>`, because messages would list its ten classes. */
type SortedArray<T> = [NumericArray] extends [T] ? T : OwnArray<T>

/** Input of {@link transforms.numeric}. */
export type NumericArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | BigInt64Array
  | BigUint64Array

/** Result of {@link transforms.numeric.stats}. */
export interface NumericStats {
  /** Number of elements. */
  count: number
  /** Arithmetic mean. */
  mean: number
  /** Standard deviation of the population. */
  stddev: number
  /** Smallest number. */
  min: number
  /** Largest number. */
  max: number
  /** One for each requested quantile, in the order of the request. */
  quantiles: OwnFloat64Array
}

/**
 * Type of a column. A number is written as in JSON, or as `+1`, `.5`, `5.`, `NaN`, `Infinity`, `-Infinity`; a boolean as `true`,
 * `False`, `1`, `0`. Numbers of 2 ** 53 or more that a double would change, such as `9007199254740993` and `1e400`, are errors;
 * those that were written from a double, such as `1152921504606847000`, are accepted.
 */
export type CsvType = 'string' | 'number' | 'boolean'

/** Operation of a measure: `'p50'` is the median. */
export type CsvOperation = 'count' | 'sum' | 'mean' | 'min' | 'max' | `p${number}`

/** Types by column name. Other columns are strings. */
export type CsvTypes = Readonly<Record<string, CsvType | undefined>>

/** Measures by name: an operation and its column. */
export type CsvMeasures = Readonly<Record<string, readonly [CsvOperation, (string | undefined)?]>>

/** Options of {@link transforms.csv}. */
export interface CsvOptions {
  /** Field delimiter, one ASCII character. Default `','`. */
  delimiter?: string | undefined
  /** Quote, one ASCII character; doubled between quotes, it stands for itself. Default `'"'`. */
  quote?: string | undefined
  /**
   * Whether the first record names the columns, default true. With false the names are `'0'`, `'1'` and so on; an array provides
   * the names, and the first record is data. At most 65,536 columns.
   */
  header?: boolean | readonly string[] | undefined
  /** Types by column name. Default `'string'`. */
  columns?: CsvTypes | undefined
  /**
   * Maximum bytes of the table, or of the groups and the numbers kept for percentiles. Also limits a record, to at least 1 MiB.
   * Default 256 MiB.
   */
  maxOutput?: number | undefined
}

/** Column of a table: strings and nulls, doubles, or bytes that are 0 or 1. */
export type CsvColumn<Type extends CsvType | undefined> = Type extends 'number'
  ? OwnFloat64Array
  : Type extends 'boolean'
    ? OwnUint8Array
    : (string | null)[]

type CsvField<Type extends CsvType | undefined> = Type extends 'number'
  ? number
  : Type extends 'boolean'
    ? boolean
    : string | null

/** Row of a table. A column is typed only if `columns` lists it, even as a string: `{ name: 'string', price: 'number' }`. */
// biome-ignore lint/suspicious/noExplicitAny: a row of any columns
export type CsvRow<Types extends CsvTypes = any> = { -readonly [Name in keyof Types]-?: CsvField<Types[Name]> } & {
  [name: string]: CsvField<Types[keyof Types]> | string | null
}

/** Group of {@link transforms.csv.aggregate}: the columns of `groupBy`, by the types in `columns`, and the measures. */
export type CsvGroup<Group extends string, Measures extends CsvMeasures, Types extends CsvTypes> = string extends
  | Group
  | keyof Measures
  ? Record<string, string | number | boolean | null>
  : {
      [Name in Group | keyof Measures]: Name extends keyof Measures
        ? Measures[Name][0] extends 'count'
          ? number
          : number | null
        : CsvGroupField<Name extends keyof Types ? Types[Name] : 'string'>
    }
type CsvGroupField<Type extends CsvType | undefined> = Type extends 'number' ? number | null : CsvField<Type>

/** Result of {@link transforms.csv.parse}. It belongs to the thread that made it and cannot be cloned; its columns can. */
// biome-ignore lint/suspicious/noExplicitAny: a table of any columns
export interface CsvTable<Types extends CsvTypes = any> extends Iterable<CsvRow<Types>> {
  /** Column names. */
  readonly columns: string[]
  /** Number of rows. */
  readonly rows: number
  /**
   * Returns a column, the same object each time. Numbers and booleans are views of the table's memory, made without a copy. All
   * strings of a column are created on first access, in one step on the event loop; the iterator of the table creates those of a
   * row at a time.
   * @throws TypeError for an unknown column name
   */
  readonly column: <Name extends string>(name: Name) => CsvColumn<Name extends keyof Types ? Types[Name] : 'string'>
  /** Returns all rows as objects, created in one step on the event loop, for `JSON.stringify` and `json.stringify`. */
  toJSON(): CsvRow<Types>[]
  /** Yields an object for each row, created on demand; booleans are true and false there. */
  [Symbol.iterator](): Generator<CsvRow<Types>, void, undefined>
}

/** Ciphers with a 16-byte tag, a 32-byte key and a 12-byte nonce. */
export type SealCipher = 'aes-256-gcm' | 'chacha20-poly1305'

/**
 * A message to seal. Its properties are read once, when the task is submitted; unknown ones are refused. The data is copied like
 * any input, in pieces if it is large, and cannot be moved.
 */
export interface SealInput {
  /** The message. */
  data: BytesOrText
  /** Authenticated with the message, but not encrypted; pass it to {@link transforms.open} too. Default none. */
  aad?: BytesOrText | undefined
  /** 12 bytes; never use a nonce twice with the same key. Default random. Another length rejects with ERR_OUT_OF_RANGE. */
  nonce?: BytesLike | undefined
}

/** A sealed message to open, read as {@link SealInput} is. */
export interface OpenInput {
  /** The sealed message: nonce, ciphertext and tag. */
  data: BytesLike
  /** As it was sealed. Default none. */
  aad?: BytesOrText | undefined
}

/** Input of {@link transforms.verifyPassword}, read as {@link SealInput} is. Errors do not quote it. */
export interface VerifyPasswordInput {
  /** Bytes, or text, which is encoded as UTF-8. */
  password: BytesOrText
  /** The hash, as `hashPassword` or another library returned it. */
  hash: string
}

/** A match that {@link transforms.text.matches} found. */
export interface TextMatch {
  /** Offset of the match in UTF-16 code units, as in JavaScript's strings. */
  index: number
  /** Offset of its end. */
  end: number
  /** The matched text. */
  text: string
  /** The capturing groups, null where a group takes no part in the match. */
  captures: (string | null)[]
  /** The named groups; absent if the pattern has none, as in JavaScript's `matchAll`. */
  groups?: Record<string, string | null>
}

/** Result of {@link transforms.json.validate}. */
export interface JsonValidation {
  /** True if there are no errors. */
  valid: boolean
  /** The errors, at most 1,000. */
  errors: JsonValidationError[]
}

/** One error of a document. */
export interface JsonValidationError {
  /** JSON Pointer into the document; `''` for the root. */
  instancePath: string
  /** JSON Pointer into the schema, to the violated keyword. */
  schemaPath: string
  /** Description in English. */
  message: string
}

/** Result of {@link transforms.json.validateEach}. */
export interface JsonBatchValidation {
  /** Number of records. */
  total: number
  /** Records without errors. */
  valid: number
  /** Records with errors. */
  invalid: number
  /** Invalid records, at most `maxErrors`. `index` counts all records from 0. */
  failures: { index: number; errors: JsonValidationError[] }[]
}

// ---------------------------------------------------------------- the pool

/** Limits and threads of a {@link Pool}. */
export interface PoolOptions {
  /**
   * Pools with the same name share threads, queue and limits across all worker_threads of the process. Options that are given must
   * match those of the existing pool; those left out are taken from it. Default: none.
   */
  name?: string | undefined
  /**
   * Maximum concurrent tasks, 1 to 1024. Default: the parallelism available to the process (CPU affinity and cgroup limits count).
   */
  threads?: number | undefined
  /** Maximum tasks admitted and not yet started, 0 or more. Default 1024. */
  maxQueue?: number | undefined
  /**
   * Maximum input bytes of tasks admitted and not yet finished. Default 256 MiB. A larger input is admitted when the pool holds no
   * other. Buffers, views and strings count; other objects count as 0, even if they have a `byteLength`.
   */
  maxQueueBytes?: number | undefined
  /**
   * Maximum output bytes of one transform, 1 or more. Lowers the `maxOutput` of each transform that has one, also of the steps of
   * chains; for a stream it limits the total. It does not limit inputs. No limit by default. The memory of a pool, apart from
   * finished results, is bounded by `maxQueueBytes + threads × maxOutput`, where `maxOutput` is this limit, or the largest one of
   * its transforms ([details](docs/transforms.md#output)).
   */
  maxOutput?: number | undefined
  /**
   * A task that has waited longer than this for a thread, in milliseconds, is dropped with ERR_OFFLOOP_QUEUE_TIMEOUT instead of
   * running late. With the option `wait` of `run`, the time counts from the call and includes the wait for room. `map`,
   * `iterate` and `each` pace their inputs by the run time of earlier ones, so that the inputs do not wait for one
   * another: if run times differ widely, make smaller tasks or use a pool without `maxWait`. Default: no limit.
   */
  maxWait?: number | undefined
  /**
   * Threads that run {@link transforms.worker} and {@link transforms.workerScript}. The main thread and each worker thread have
   * separate ones.
   */
  workers?: PoolWorkerOptions | undefined
}

/** Worker threads of a pool. They start on demand, end when idle, and never keep the process alive. */
export interface PoolWorkerOptions {
  /** How long an idle thread is kept. Default 10,000; `Infinity`: forever. */
  idleTimeout?: number | undefined
  /** How long an aborted function, or a `dispose`, may run before its thread is terminated. Default 250. */
  gracePeriod?: number | undefined
  /** Tasks after which a thread is replaced. Default: unlimited. */
  maxTasks?: number | undefined
  /** Heap size, checked after each batch of tasks, above which a thread is replaced. Default: unlimited. */
  maxHeap?: number | undefined
  /** As in `new Worker()`. */
  resourceLimits?: ResourceLimits | undefined
  /** As in `new Worker()`. */
  env?: Record<string, string | undefined> | typeof SHARE_ENV | undefined
  /** As in `new Worker()`. */
  execArgv?: string[] | undefined
  /** As in `new Worker()`. */
  argv?: string[] | undefined
}

/** Options of one task. */
export interface RunOptions {
  /**
   * Waits for room when the pool is full, instead of rejecting with `ERR_OFFLOOP_QUEUE_FULL`: for a slot and for the bytes of the
   * input, first come, first served with `map`, streams and other waiting calls. The input is copied, or moved, once there is room:
   * do not change it before the promise settles. `maxWait` of the pool then counts from the call. Each waiting call holds its input,
   * and nothing limits their number: limit it yourself, or set `maxWait`. Default false.
   */
  wait?: boolean | undefined
  /**
   * Aborting it rejects the promise with `signal.reason` immediately. A task that has not started never will; one that runs stops
   * within some milliseconds, if its transform can be interrupted.
   */
  signal?: AbortSignal | undefined
  /**
   * Default `'normal'`. Within a priority, queued tasks start in the order of their calls; an input above 1 MiB enters the queue
   * once it is copied, at the position of its call. A lower priority is served next once it was passed over 16 times; if both
   * are, `low` goes first.
   */
  priority?: 'high' | 'normal' | 'low' | undefined
}

/** Options of {@link Pool.map} and {@link Pool.iterate}. */
export interface MapOptions extends Omit<RunOptions, 'wait'> {
  /**
   * Maximum inputs held at a time: read and not yet settled (`map`), or not yet consumed as results (`iterate`). Default: 512 per
   * thread for `map`, 32 per thread for `iterate`; fewer when the inputs are large.
   */
  concurrency?: number | undefined
  /** Continues after failures; results are those of `Promise.allSettled`. Default false. */
  settle?: boolean | undefined
}

/**
 * A bounded pool of native threads. It starts its threads on demand, keeps the process alive only while tasks are pending, and ends
 * when it is closed or garbage-collected.
 *
 * @example
 * const pool = new Pool({ threads: 4, maxQueue: 256, maxWait: 500 })
 * const digest = await pool.run(transforms.digest('sha256'), body)
 * await pool.close()
 * @example
 * // Closes the pool at the end of the block, with syntax of TypeScript 5.2 and Node 24.
 * await using images = new Pool({ threads: 2 })
 * await images.run(resize, { path: 'cat.jpg', width: 200 })
 */
export class Pool {
  /**
   * Opens a pool, or joins the open one of that `name`: options left out are those of the existing pool.
   * @throws TypeError or RangeError for bad options, and for options that differ from those of the existing pool
   * @example
   * const pool = new Pool({ name: 'images', threads: 4 }) // in the main thread
   * const same = new Pool({ name: 'images' }) // in a worker thread
   */
  constructor(options?: PoolOptions)

  /**
   * Runs a transform on one input. Never throws synchronously.
   *
   * Rejects with `ERR_OFFLOOP_QUEUE_FULL` immediately when the pool is full: shed load, or wait for room with `wait`.
   *
   * @example
   * const packed = await pool.run(transforms.gzip(), body, { wait: true, signal: AbortSignal.timeout(5000) })
   */
  run<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    input: In | Moved<In>,
    options?: RunOptions
  ): Promise<ResultOf<T, In, Out>>

  /**
   * Runs a transform over many inputs with bounded memory, waiting when the pool is full. Results are in the order of the inputs.
   * Small inputs are sent to the threads in batches. The first failure rejects the promise, cancels the rest and closes the
   * iterable; the error has the input's `index`.
   */
  map<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options: MapOptions & { settle: true }
  ): Promise<PromiseSettledResult<ResultOf<T, In, Out>>[]>
  map<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions & { settle?: false | undefined }
  ): Promise<ResultOf<T, In, Out>[]>
  map<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions
  ): Promise<ResultOf<T, In, Out>[] | PromiseSettledResult<ResultOf<T, In, Out>>[]>

  /**
   * Like {@link Pool.map}, as an async iterator that reads at most `concurrency` inputs ahead of its consumer, and none before its
   * first `next()`. Leaving the loop early cancels the tasks in flight and waits until the source has cleaned up, unless the source
   * is being read at that moment.
   *
   * @example
   * for await (const packed of pool.iterate(transforms.gzip(), files)) await send(packed)
   */
  iterate<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options: MapOptions & { settle: true }
  ): AsyncIterableIterator<PromiseSettledResult<ResultOf<T, In, Out>>> & AsyncDisposable
  iterate<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions & { settle?: false | undefined }
  ): AsyncIterableIterator<ResultOf<T, In, Out>> & AsyncDisposable
  iterate<In, Out, T extends PoolTransform<In, Out> = PoolTransform<In, Out>>(
    transform: T | PoolTransform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions
  ): AsyncIterableIterator<ResultOf<T, In, Out> | PromiseSettledResult<ResultOf<T, In, Out>>> & AsyncDisposable

  /**
   * Makes a Duplex that transforms the data written to it, at the speed of the slower side. `pipeline`, `compose`, `finished`,
   * async iteration and `Duplex.toWeb` work as with Node's own streams; aborting `signal` destroys it. A transform that returns a
   * single value emits it at the end: a string as UTF-8, any other value unchanged, in object mode.
   *
   * It holds about twice `highWaterMark`, half of it in Node's buffer, plus the transform's state and output that has not been
   * read. Compression processes one block per thread at a time and joins them to one standard stream.
   *
   * @throws TypeError for a transform that cannot stream, or bad options
   * @example
   * await pipeline(createReadStream('access.log'), pool.stream(transforms.gzip()), createWriteStream('access.log.gz'))
   */
  stream<In, Out>(transform: StreamingTransform<In, Out>, options?: PoolStreamOptions): TransformDuplex

  /**
   * Makes a Writable that a streaming transform consumes: `result` resolves to its output for everything written, in chunks of any
   * size. It holds as much as {@link Pool.stream}, plus output that is complete only at the end.
   *
   * @throws TypeError for a transform that cannot stream, or bad options; RangeError for a bad `highWaterMark`; OffloopError
   * ERR_OFFLOOP_CLOSED once the pool is closed
   * @example
   * const sink = pool.collect(transforms.digest('sha256', { encoding: 'hex' }))
   * await pipeline(request, sink)
   * const hash = await sink.result
   */
  collect<In, Out>(transform: StreamingTransform<In, Out>, options?: PoolStreamOptions): Sink<Out>

  /**
   * Makes a Writable in which each chunk, or with `objectMode` each object, is a separate input of the transform. `result` resolves
   * to their number.
   *
   * @param onResult called with each result and its index, in the order written. If it returns a promise, the sink waits for it,
   * and so does the writer; an error destroys the sink. Default: the results are dropped.
   * @throws TypeError for a transform of values without `objectMode`, a bad `onResult` or bad options; RangeError for a number
   * outside its range; OffloopError ERR_OFFLOOP_CLOSED once the pool is closed
   * @example
   * const validate = transforms.json.validate({ type: 'object' })
   * const sink = pool.each(validate, ({ valid }, index) => {
   *   if (!valid) console.log(`record ${index} is invalid`)
   * })
   * await pipeline(['{}', '[]'], sink) // prints: record 1 is invalid
   * await sink.result // 2
   */
  each<In, Out>(
    transform: PoolTransform<In, Out>,
    onResult?: ((result: Out, index: number) => unknown) | undefined,
    options?: EachOptions
  ): Sink<number>

  /**
   * Resolves when a small task would be admitted, in turn with all callers that wait. It reserves nothing: another caller may fill
   * the pool first. For a call that must not be rejected, use `run` with `wait`. Aborting `signal` rejects with `signal.reason`.
   *
   * Rejects with `ERR_OFFLOOP_CLOSED` once the pool is closed.
   *
   * @example
   * for await (const job of jobs) {
   *   await pool.ready({ signal })
   *   start(job)
   * }
   */
  ready(options?: { signal?: AbortSignal | undefined }): Promise<void>

  /**
   * Returns a snapshot. Its counters only grow: for those of a period, subtract an earlier snapshot.
   * @throws OffloopError ERR_OFFLOOP_CLOSED once the pool is closed
   * @example
   * const before = pool.stats().completed
   * setTimeout(() => console.log(`${pool.stats().completed - before} tasks in a minute`), 60_000)
   */
  stats(): PoolStats

  /**
   * Stops admitting tasks and waits for those admitted; `force` cancels them with ERR_OFFLOOP_CLOSED instead. May be called again,
   * also with `force`. A named pool stays open for the other threads that opened it. Afterwards the other methods throw, or
   * reject with, ERR_OFFLOOP_CLOSED, and `threads`, `maxQueue` and `maxQueueBytes` are 0.
   */
  close(options?: { force?: boolean | undefined }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>

  /** Name of the pool, `'default'` for the process-wide pool; `undefined` without one. */
  readonly name: string | undefined
  /** Maximum concurrent tasks; 0 once closed. */
  readonly threads: number
  /** Maximum queued tasks; 0 once closed. */
  readonly maxQueue: number
  /** Maximum input bytes of its tasks; 0 once closed. */
  readonly maxQueueBytes: number
}

/** The process-wide pool, named `default` and shared by all worker_threads. Closing it affects all code of the thread. */
export const pool: Pool

/** Distribution of durations, in milliseconds. */
export interface LatencySummary {
  /** Number of durations. */
  count: number
  /** Arithmetic mean. */
  mean: number
  /** Median. */
  p50: number
  /** 90th percentile. */
  p90: number
  /** 99th percentile. */
  p99: number
  /** Longest. */
  max: number
}

/** State of a pool, and its counters since it was made, for all threads that share it. */
export interface PoolStats {
  /** Maximum concurrent tasks. */
  threads: number
  /** Running tasks. */
  running: number
  /** Tasks admitted and not yet started; a batch of `map` counts as one. */
  queued: number
  /** Input bytes of tasks admitted and not yet finished. */
  queuedBytes: number
  /**
   * Callers that wait for room: `run` with `wait`, `ready`, bulk calls and streams with more input, and chains between two steps. They
   * do not count in `queued`.
   */
  waiting: number
  /**
   * Tasks that finished, even if their caller no longer waited. Each input of `map`, each step of a stream or sink, and each task of
   * a chain with JavaScript steps counts as one.
   */
  completed: number
  /** Tasks that failed, other than those cancelled or rejected. */
  failed: number
  /** Tasks that an abort removed from the queue or stopped. */
  cancelled: number
  /** Calls of `run` rejected because the pool was full, and tasks that waited longer than `maxWait`. */
  rejected: number
  /** Fraction of the threads' time that was used since the pool was made, 0 to 1. */
  utilization: number
  /** From admission to start, of tasks that started; with `wait`, from the call. */
  waitTime: LatencySummary
  /** From start to completion. */
  runTime: LatencySummary
  /**
   * By `transform.name`; from the 65th name on, all count as `other`. A chain of native steps counts as `chain`. In a chain with
   * JavaScript steps each of them counts as `worker` or `workerScript`, a single native step between them under its name, and
   * several as `chain`.
   */
  byTransform: Record<string, TransformStats>
  /** Use of this thread's event loop by offloop, for all pools and caches: the same in every pool of the thread. */
  loop: LoopStats
}

/**
 * Time for which offloop itself held the event loop of this thread: settling, copying large inputs, building and writing JSON, and
 * `onEvict`. These use at most 4 ms of an iteration, plus the step that overruns. A step takes a fraction of a millisecond; longer if
 * it creates a large string result, which V8 does in one step, or copies one of the first inputs of 50 MB and more, whose memory the
 * operating system has yet to provide; and tens of milliseconds if V8 collects garbage during the step, as after the pieces of
 * `json.parse`. Counted since the thread began.
 *
 * Not counted: work in your own calls, such as the copy of an input of up to 1 MiB in `run` and `table.column()`; encoding and
 * decoding the values of native caches; cloning the inputs and results of worker functions; and your callbacks after an `await`.
 */
export interface LoopStats {
  /** Event-loop iterations in which offloop looked for work. */
  iterations: number
  /** Milliseconds over all iterations. */
  time: number
  /** Milliseconds in the longest iteration. */
  longest: number
}

/** Counters of one transform in a pool. */
export interface TransformStats {
  /** Tasks that finished. */
  completed: number
  /** Tasks that failed. */
  failed: number
  /** From start to completion. */
  runTime: LatencySummary
}

// ---------------------------------------------------------------- the cache

/**
 * Key of an entry. `1` and `'1'` differ, as in a `Map`.
 * @example
 * const byId = new Cache<number, User>({ max: 1000 })
 */
export type CacheId = string | number | bigint

/**
 * Context of one load, passed to its loader.
 * @example
 * const load = async (id, context) => {
 *   const response = await fetch(`${service}/${id}`, { signal: context.signal })
 *   context.ttl = 1000 * seconds(response.headers) // the lifetime from the response
 *   context.store = response.ok
 *   return response.json()
 * }
 */
export interface CacheLoadContext<V> {
  /** Aborts when no caller waits for the load any more, when it exceeds `loadTimeout`, and when the cache is closed. */
  readonly signal: AbortSignal
  /**
   * Value still held for the id, fresh or stale, for a service that can report whether it has changed. `undefined` if there is
   * none, or if the load was taken over from a thread that ended.
   */
  readonly previous: V | undefined
  /**
   * Set it to override the cache's `ttl` for this value, in milliseconds, 0 or more; an invalid value fails the load with a
   * `RangeError`. With 0 the value is not stored, unless it may be served stale.
   */
  ttl: number | undefined
  /** Set it to `false` to not store the value; a value that is already held stays. Default `true`. */
  store: boolean
}

/**
 * Returns the value of an id. An error that it throws rejects every waiting caller, and nothing is stored.
 * @example
 * const load: CacheLoader<string, User> = (id, { signal }) => db.user(id, { signal })
 */
export type CacheLoader<K extends CacheId, V> = (id: K, context: CacheLoadContext<V>) => V | Promise<V>

/**
 * Returns the values of several ids, as a `Map`, or as an array in the order of the ids. An `Error` in the array fails its id alone;
 * an error that is thrown fails all. The signal aborts when no caller waits for any of the ids any more.
 * @example
 * const loadMany: CacheManyLoader<string, User> = (ids, { signal }) => db.users(ids, { signal })
 */
export type CacheManyLoader<K extends CacheId, V> = (
  ids: K[],
  context: { signal: AbortSignal }
) => Promise<Map<K, V> | (V | Error)[]> | Map<K, V> | (V | Error)[]

/**
 * Options of {@link Cache.get} and {@link Cache.refresh}. Unknown options are rejected.
 * @example
 * const page = await pages.get(url, { load: render, signal: request.signal })
 */
export interface CacheGetOptions<K extends CacheId, V> {
  /** Replaces the cache's own loader. */
  load?: CacheLoader<K, V> | undefined
  /** Aborting it rejects this caller with its reason; the load continues while other callers wait. */
  signal?: AbortSignal | undefined
}

/**
 * Options of {@link Cache.getMany}. Unknown options are rejected.
 * @example
 * const found = await users.getMany(ids, { loadMany: ids => db.users(ids), signal: request.signal })
 */
export interface CacheGetManyOptions<K extends CacheId, V> {
  /** Replaces the cache's own loader, which loads one id. */
  loadMany?: CacheManyLoader<K, V> | undefined
  /** Aborting it rejects this caller with its reason; the loads continue while other callers wait. */
  signal?: AbortSignal | undefined
}

/**
 * Options of a {@link Cache}. Times are milliseconds from 0, and may have a fraction. Omit an option for its
 * default. For no limit, omit the option: `Infinity` is rejected. Unknown options are rejected.
 * @example
 * new Cache({ max: 10_000, ttl: 60_000, staleIfError: 600_000, loadTimeout: 2000, load })
 */
export interface CacheOptions<K extends CacheId, V> {
  /**
   * Maximum entries, 1 to 2,147,483,647; heap storage holds at most 100,000,000. One of `max` and `maxBytes` is required, except to
   * join a named cache. Default: no limit.
   */
  max?: number | undefined
  /**
   * Maximum bytes, 1 or more, by `weigh` or, in native storage, by the encoded size; ids are not counted. A larger value is
   * delivered and not stored. Default: no limit.
   */
  maxBytes?: number | undefined
  /**
   * Which entry is evicted first. `'lru'`: the least recently used one. `'s3-fifo'` (Yang et al., SOSP 2023): a new one that was not
   * used again, so that a scan of many ids does not displace those in use. An entry becomes established when it is used
   * again, or if it was stored before an empty cache was three quarters full. The cache also remembers the ids of as many evicted
   * entries as it holds. Default `'lru'`.
   * @example
   * const pages = new Cache({ max: 10_000, policy: 's3-fifo', load: url => render(url) })
   */
  policy?: 'lru' | 's3-fifo' | undefined
  /**
   * Returns the weight of an entry, a number >= 0; it is rounded up and counts at least 1. Required with `maxBytes` in heap storage.
   * Default: the encoded size.
   */
  weigh?: ((value: V, id: K) => number) | undefined
  /** How long a value is fresh. With 0 no value is, and the cache only shares loads. Default: forever. */
  ttl?: number | undefined
  /** Largest fraction, 0 to 1, by which `ttl` (an entry's own too) and `refreshAfter` are shortened at random. Default 0. */
  jitter?: number | undefined
  /** Age, less than `ttl`, from which a hit is served immediately and its value reloaded in the background. Default: never. */
  refreshAfter?: number | undefined
  /** How long past its `ttl` a value may be served while it is reloaded. Default 0. */
  staleWhileRevalidate?: number | undefined
  /** How long past its `ttl` a value may be served after its reload failed. Default 0. */
  staleIfError?: number | undefined
  /**
   * How long an id is not loaded again after its load failed: calls return a value that may still be served, even a stale one, and
   * otherwise reject with the same error. `set`, `delete`, `clear` and a successful `refresh` end this period. At most 1,024 failed
   * ids are remembered. Default 0.
   */
  errorTtl?: number | undefined
  /**
   * Limit for one load. A longer one rejects its callers with a `TimeoutError` (a `DOMException`) in every thread that waits, its
   * signal aborts, and the id is free. The timer does not keep the process alive: if nothing else does, the process ends before its
   * callers are rejected. 1 to 2,147,483,647. Default: no limit.
   */
  loadTimeout?: number | undefined
  /**
   * Loads missing values. Default: none; then `get` must be passed a loader. The type of the values is inferred from its return
   * type; in its context they are `any`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: with V here, a loader that names its context would fix V before it returns one
  load?: ((id: K, context: CacheLoadContext<any>) => V | Promise<V>) | undefined
  /**
   * Where values are stored. `'heap'`: the objects themselves. `'native'`: encoded bytes outside V8's heap, invisible to its
   * garbage collector, except for up to 4,096 decoded values (16 MiB of bytes) that were read twice. Default `'heap'`; `'native'`
   * for a named cache, which cannot be in the heap.
   */
  storage?: 'heap' | 'native' | undefined
  /**
   * Encoding of values in native storage: `'v8'` (structured clone; plain values are written as equivalent JSON), `'json'`,
   * `'bytes'` (Buffers, unchanged) or your own. Default `'v8'`. Rejected for heap storage. Each value is encoded and decoded in one
   * step on the event loop. A value read twice may be the same object: do not change it.
   */
  codec?: 'v8' | 'json' | 'bytes' | { encode(value: V): Uint8Array; decode(bytes: Buffer): V } | undefined
  /**
   * Name of a cache shared by all worker_threads of the process: at most one of them loads an id at a time. Options that are left
   * out are those of the open cache of this name; others must match. Functions are not shared: pass them in each thread.
   */
  name?: string | undefined
  /**
   * Called for each entry that was removed, soon after, in the thread whose call removed it; not on `close`. At most 1,024
   * notifications are queued: beyond that, the removing call delivers the oldest synchronously. An error that it throws becomes a
   * process warning.
   */
  onEvict?: ((id: K, value: V, reason: 'size' | 'ttl' | 'replaced' | 'deleted') => void) | undefined
}

/**
 * A bounded cache with single-flight loading: concurrent callers of an id share one load. A call that follows a `set`, `delete` or
 * `clear` never receives the result of an earlier load.
 *
 * Methods that return a promise never throw. All methods refuse an invalid id with a `TypeError`, and a closed cache with
 * ERR_OFFLOOP_CLOSED, except for `close`.
 *
 * @example
 * const users = new Cache({ max: 10_000, ttl: 60_000, load: id => db.user(id) })
 * const user = await users.get('42')
 * @example
 * // In TypeScript the types come from `load`, as in `load: (id: number) => db.user(id)`. Without it they are stated.
 * const byNumber = new Cache<number, User>({ max: 10_000 })
 * const one = await byNumber.get(42, id => db.user(id))
 */
export class Cache<K extends CacheId = string, V = unknown> {
  /** @throws TypeError or RangeError for bad options, or options that differ from those of the open cache of this name */
  constructor(options: CacheOptions<K, V>)
  /**
   * Returns the value, or the result of the load that all concurrent callers share. Without a loader, a missing value rejects with
   * a `TypeError`.
   *
   * Rejects with the loader's error, and with ERR_OFFLOOP_RECURSIVE_LOAD if the loader of an id asks for that id.
   *
   * @param load replaces the cache's own loader
   * @example
   * const page = await pages.get(url, url => render(url))
   */
  get(id: K, load?: CacheLoader<K, V> | undefined): Promise<V>
  /**
   * @example
   * const page = await pages.get(url, { signal: request.signal })
   */
  get(id: K, options: CacheGetOptions<K, V>): Promise<V>
  /**
   * Returns the values of many ids, in their order. The missing ones are loaded in one call of `loadMany`, each still shared with
   * other callers; without it the cache's own loader is called for each id. An id that `loadMany` does not return is not in the
   * result. If other calls wait for such an id, one of those calls runs its own loader and the others share the outcome.
   *
   * If ids fail, rejects with a {@link CacheManyError}, or with the error itself if all failed with the same one.
   *
   * @example
   * const users = await cache.getMany(['1', '2'], ids => db.users(ids)) // Map { '1' => …, '2' => … }
   */
  getMany(ids: readonly K[], loadMany?: CacheManyLoader<K, V> | undefined): Promise<Map<K, V>>
  /**
   * @example
   * const users = await cache.getMany(['1', '2'], { signal: request.signal })
   */
  getMany(ids: readonly K[], options: CacheGetManyOptions<K, V>): Promise<Map<K, V>>
  /**
   * Returns the value if it is held and fresh. Does not load, and does not count as a use.
   * @example
   * const user = users.peek('42') ?? guest
   */
  peek(id: K): V | undefined
  /** True if a fresh value is held, even `undefined`. Does not count as a use. */
  has(id: K): boolean
  /**
   * Stores a value, for `ttl` milliseconds (0 to 2 ** 53 - 1) instead of the cache's. A load in flight will not replace it. A value
   * larger than `maxBytes` is not stored, and the previous entry of its id is removed.
   * @throws TypeError if native storage cannot encode the value
   * @example
   * tokens.set(id, token, { ttl: token.expiresIn * 1000 })
   */
  set(id: K, value: V, options?: { ttl?: number | undefined } | undefined): void
  /**
   * Removes an entry. Returns true if there was one that had not expired, even stale. A load in flight will not store its result; a
   * load alone is not an entry.
   */
  delete(id: K): boolean
  /** Removes all entries. Loads in flight will not store their results. */
  clear(): void
  /**
   * Reloads an id even if its value is fresh, or joins a load in flight. If it fails, the held value stays; the promise resolves to
   * that value if it is past its `ttl` and `staleIfError` still allows it, and otherwise rejects.
   * @example
   * setInterval(() => rates.refresh('EUR').catch(log), 60_000)
   */
  refresh(id: K, options?: CacheGetOptions<K, V> | undefined): Promise<V>
  /**
   * Iterates over the entries that are fresh at the time of the call, the most recently used first. With `policy: 's3-fifo'`
   * established entries precede new ones, and in each group the latest to join it is first. In native storage the call copies all
   * bytes, and each value is decoded when the iterator reaches it. Does not count as a use.
   * @example
   * for (const [id, user] of users) console.log(id, user)
   */
  entries(): IterableIterator<[K, V]>
  /** Iterates over the ids of {@link Cache.entries}. Copies and decodes no values. */
  keys(): IterableIterator<K>
  /** Iterates over the values of {@link Cache.entries}. */
  values(): IterableIterator<V>
  /**
   * Calls a function for each of {@link Cache.entries}.
   * @example
   * users.forEach((user, id) => console.log(id, user))
   */
  forEach(callback: (value: V, id: K, cache: this) => void, thisArg?: unknown): void
  [Symbol.iterator](): IterableIterator<[K, V]>
  /** Entries held, stale ones included; 0 once closed. */
  readonly size: number
  /** Weight of the entries held; 0 once closed. */
  readonly bytes: number
  /**
   * Returns a snapshot.
   * @example
   * const { hits, misses } = users.stats()
   */
  stats(): CacheStats
  /**
   * Changes the limits immediately. An omitted limit stays the same; at least one is required.
   * @example
   * users.resize({ max: 500 })
   */
  resize(limits: { max?: number | undefined; maxBytes?: number | undefined }): void
  /**
   * Releases all entries and rejects waiting callers with ERR_OFFLOOP_CLOSED. A named cache stays open for other threads. May be
   * called again. A cache that is garbage-collected is released too.
   */
  close(): void
  /** Alias of {@link Cache.close}. */
  [Symbol.dispose](): void
}

/**
 * An `AggregateError` of {@link Cache.getMany}, with the error of each failed id.
 * @example
 * const isPartial = (error: unknown): error is CacheManyError<string, User> =>
 *   error instanceof AggregateError && 'results' in error
 * const found = await users.getMany(ids).catch(error => {
 *   if (isPartial(error)) return error.results
 *   throw error
 * })
 */
export interface CacheManyError<K extends CacheId, V> extends AggregateError {
  /** Ids that failed, in the order of `errors`. */
  ids: K[]
  /** Values of the other ids. */
  results: Map<K, V>
}

/** Entries removed from a cache, by reason. */
export interface CacheEvictions {
  /** Removed to make room. */
  size: number
  /** Expired. */
  ttl: number
  /** Replaced by another value. */
  replaced: number
  /** Removed by `delete` or `clear`. */
  deleted: number
}

/** State of a cache, and its counters since it was made, for all threads that share it. */
export interface CacheStats {
  /** Entries held, stale ones included. */
  size: number
  /** Weight of the entries held. */
  bytes: number
  /** Calls served with a fresh value. */
  hits: number
  /** Calls served with a value past its `ttl` without waiting: by `staleWhileRevalidate`, or by `staleIfError` within `errorTtl`. */
  staleHits: number
  /** Calls of `get` without a value to serve immediately; each id of `getMany` counts. */
  misses: number
  /** Loads started, background reloads included. */
  loads: number
  /** Callers that joined a load in flight. */
  coalesced: number
  /** Loads that failed, timeouts included. A load stopped because no caller waited any more does not count. */
  loadFailures: number
  /** Loads in flight. */
  inFlight: number
  /** Entries removed, by reason. */
  evictions: CacheEvictions
  /** From the call of the loader to its outcome. */
  loadTime: LatencySummary
}

// ---------------------------------------------------------------- tiered cache

/**
 * A second tier that caches of several processes share, such as `hostTier()` of `offloop/host`. Any number of caches may use one; closing
 * a cache leaves the tier open. A tier without calls in flight keeps no process alive.
 */
export interface Tier {
  /**
   * Sends the deletes that the tier has not acknowledged, if it can be reached, and closes the connection. Caches go on as if the tier were
   * unreachable. May be called again.
   */
  close(): Promise<void>
  /** Alias of {@link Tier.close}. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How a tier compresses values. Unknown options are rejected. */
export interface TierCompression {
  /** Size from which values are compressed, in bytes, 0 or more. Default 4096. */
  over?: number | undefined
  /** Format. Processes that use another load the value again. Default `'zstd'`. */
  with?: 'lz4' | 'zstd' | undefined
  /** Level of `'zstd'`, as in `transforms.zstdCompress`. Default 1. */
  level?: number | undefined
  /** Pool on whose threads values are compressed. If it is full, values are stored uncompressed. Default: the shared pool. */
  pool?: Pool | undefined
}

/**
 * Whether a process sees the changes of the others. `'sighted'`: copies are served. `'blind'`: each call asks the tier. `'down'`: the tier
 * cannot be reached, and the process is on its own.
 */
export type TierState = 'sighted' | 'blind' | 'down'

/** Options of {@link TieredCache}. Unknown options are rejected. Times are in milliseconds. */
export interface TieredCacheOptions<K extends CacheId, V> extends Omit<CacheOptions<K, V>, 'storage' | 'name' | 'ttl'> {
  /** The tier that the processes share. */
  tier: Tier
  /**
   * Name of the cache, the same in all processes, at most 1,000 characters. Their `codec`, `staleWhileRevalidate` and `staleIfError`
   * must match; worker threads of a process also share the copies of the process.
   */
  name: string
  /** How long a value is fresh, 1 or more. Required: it bounds the effect of changes that are lost. */
  ttl: number
}

/** Options of {@link TieredCache.get}. */
export interface TieredCacheGetOptions<K extends CacheId, V> extends CacheGetOptions<K, V> {
  /**
   * Maximum age of a copy, in milliseconds; capped at that of the tier. With 0, the call asks the tier, and sees all changes that were
   * acknowledged before it began. Default: that of the tier.
   */
  maxStale?: number | undefined
}

/** Options of changes to a {@link TieredCache}. */
export interface TieredCacheChangeOptions {
  /** Resolves only when no process serves an older copy, `maxStale` after the reply. Default `false`. */
  everywhere?: boolean | undefined
}

/** Calls of a {@link TieredCache} to its tier. */
export interface TierStats {
  /** Values that the tier had. */
  hits: number
  /** Lookups that found no value in the tier. */
  misses: number
  /** Loads of this thread with the lease of the tier: other processes wait for them. */
  leads: number
  /** Waits for loads of other processes. */
  waits: number
  /** Loaded values that were not stored, because their lease was lost meanwhile. */
  denied: number
  /** Commands without a reply within `timeout`. */
  timeouts: number
  /** Commands that failed otherwise. */
  errors: number
  /** Times that the tier became unreachable. */
  gaps: number
  /** Deletes that the tier has not acknowledged. */
  debts: number
  /** Values of the tier that could not be decoded. */
  undecodable: number
  /** Values above `maxValueBytes`, which each process loads for itself. */
  oversized: number
  /** State of the link to the tier. */
  state: TierState
  /** Milliseconds since the time up to which all changes are known; infinite if unknown. */
  age: number
  /** From a lookup to the reply of the tier. */
  roundTrip: LatencySummary
}

/** As {@link CacheStats}, for this process. `loads` counts calls of loaders, and not values that the tier had. */
export interface TieredCacheStats extends CacheStats {
  /** Calls to the tier. */
  tier: TierStats
}

/**
 * A cache whose loads and changes all processes share through a tier: one of them loads an id, and all see a change.
 *
 * After `await cache.delete(id)` (or `set`, `clear`), no `get` in this process, and no `get` that begins more than `maxStale` later in another
 * one, returns a value that was loaded before.
 *
 * While the tier cannot be reached, its option `whenDown` decides: by default, each process loads for itself and keeps values for
 * `maxStale` at most.
 *
 * @example
 * const tier = hostTier() // of offloop/host
 * const users = new TieredCache({ name: 'users', max: 10_000, ttl: 60_000, tier, load: id => db.user(id) })
 * const user = await users.get('42') // one load among all processes
 * await db.save(user)
 * await users.delete('42') // all processes load it again
 */
export class TieredCache<K extends CacheId = string, V = unknown> {
  /** @throws TypeError or RangeError for bad options; OffloopError ERR_OFFLOOP_CLOSED if the tier is closed */
  constructor(options: TieredCacheOptions<K, V>)
  /**
   * Returns the value: a copy of this process, the value of the tier, or the result of the load that all processes share. Rejects as
   * {@link Cache.get} does, also with an error from another process.
   * @param load replaces the cache's own loader
   * @example
   * const page = await pages.get(url, url => render(url))
   */
  get(id: K, load?: CacheLoader<K, V> | undefined): Promise<V>
  /**
   * @example
   * const rights = await users.get(id, { maxStale: 0 }) // not older than this call
   */
  get(id: K, options: TieredCacheGetOptions<K, V>): Promise<V>
  /**
   * Returns the values of many ids, in their order, as {@link Cache.getMany} does. One round trip asks the tier about all missing ids;
   * one call of `loadMany` loads those that this process has to load.
   * @example
   * const users = await cache.getMany(['1', '2'], ids => db.users(ids)) // Map { '1' => …, '2' => … }
   */
  getMany(ids: readonly K[], loadMany?: CacheManyLoader<K, V> | undefined): Promise<Map<K, V>>
  /**
   * @example
   * const users = await cache.getMany(['1', '2'], { signal: request.signal })
   */
  getMany(ids: readonly K[], options: CacheGetManyOptions<K, V>): Promise<Map<K, V>>
  /**
   * Reloads an id even if its value is fresh, or shares a reload in flight of another process.
   * @example
   * setInterval(() => rates.refresh('EUR').catch(log), 60_000)
   */
  refresh(id: K, options?: CacheGetOptions<K, V> | undefined): Promise<V>
  /**
   * Stores a value; `ttl` overrides that of the cache. Resolves when the tier has it; a value above
   * `maxValueBytes` stays in this process, and the id is deleted in the others. Rejects with ERR_OFFLOOP_TIER if the tier has
   * not acknowledged it: the value may have been stored, but never will be later, and the id is deleted as soon as the tier can be reached.
   *
   * An unhandled rejection does not end the process: `onError` of the tier receives the error.
   * @example
   * await tokens.set(id, token, { ttl: token.expiresIn * 1000 })
   */
  set(id: K, value: V, options?: (TieredCacheChangeOptions & { ttl?: number | undefined }) | undefined): Promise<void>
  /**
   * Deletes an id in all processes. Returns whether the tier had a value. A load in flight does not store its result. Rejects with
   * ERR_OFFLOOP_TIER if the tier has not acknowledged the delete, which is then sent as soon as the tier can be reached.
   * @example
   * await users.delete(id, { everywhere: true }) // no process serves the old value
   */
  delete(id: K, options?: TieredCacheChangeOptions | undefined): Promise<boolean>
  /**
   * Deletes many ids, as {@link TieredCache.delete} does.
   * @example
   * await users.deleteMany(team.members)
   */
  deleteMany(ids: readonly K[], options?: TieredCacheChangeOptions | undefined): Promise<void>
  /** Deletes all ids in all processes, as {@link TieredCache.delete} does. */
  clear(options?: TieredCacheChangeOptions | undefined): Promise<void>
  /** State of the link to the tier. */
  readonly tierState: TierState
  /**
   * Resolves when the link is `'sighted'`, or with `maxStale: 0` when the tier can be reached. Rejects if the signal aborts.
   * @example
   * await users.ready({ signal: AbortSignal.timeout(5000) })
   */
  ready(options?: { signal?: AbortSignal | undefined } | undefined): Promise<void>
  /** Returns the copy of this process if it is fresh and may be served. Does not load. */
  peek(id: K): V | undefined
  /** True if this process has a fresh copy that may be served. */
  has(id: K): boolean
  /** Iterates over the copies of this process, as {@link Cache.entries} does. */
  entries(): IterableIterator<[K, V]>
  /** Iterates over the ids of {@link TieredCache.entries}. */
  keys(): IterableIterator<K>
  /** Iterates over the values of {@link TieredCache.entries}. */
  values(): IterableIterator<V>
  [Symbol.iterator](): IterableIterator<[K, V]>
  /** Copies that this process holds; 0 once closed. */
  readonly size: number
  /** Weight of these copies; 0 once closed. */
  readonly bytes: number
  /**
   * Returns a snapshot.
   * @example
   * const { state, debts } = users.stats().tier
   */
  stats(): TieredCacheStats
  /** Changes the limits of the copies of this process. */
  resize(limits: { max?: number | undefined; maxBytes?: number | undefined }): void
  /** Releases the copies of this process and rejects waiting callers with ERR_OFFLOOP_CLOSED. The tier stays open. May be called again. */
  close(): void
  /** Alias of {@link TieredCache.close}. */
  [Symbol.dispose](): void
}

// ---------------------------------------------------------------- streams

/** Options of {@link Pool.stream} and {@link Pool.collect}. Unknown options are rejected. */
export interface PoolStreamOptions {
  /**
   * Bytes accepted ahead of the work, 0 or more, in addition to as many in Node's own buffer; a single chunk may be larger. Default
   * 1 MiB.
   */
  highWaterMark?: number | undefined
  /** Aborting it destroys the stream with an `AbortError`. */
  signal?: AbortSignal | undefined
  /** As in {@link RunOptions}. */
  priority?: RunOptions['priority']
}

/** Options of {@link Pool.each}. Unknown options are rejected. */
export interface EachOptions extends PoolStreamOptions {
  /**
   * As in {@link PoolStreamOptions}. With `objectMode`, objects in Node's buffer, default 16; up to 1 MiB of objects are accepted
   * ahead of the work.
   */
  highWaterMark?: number | undefined
  /** Maximum chunks in progress, 1 or more. Default: four per thread. */
  concurrency?: number | undefined
  /** Accepts inputs of any type, and neither splits nor joins them. Default `false`: strings become bytes by their encoding. */
  objectMode?: boolean | undefined
}

/** Duplex returned by {@link Pool.stream}. */
export interface TransformDuplex extends Duplex {
  /**
   * Emits the output of all data written before, then calls back: a compressor ends a block, so that its reader can decompress all
   * of it. Each flush costs some compression.
   * @example
   * events.write(`data: ${text}\n\n`)
   * events.flush()
   */
  flush(callback?: (error?: Error | null) => void): void
  /** Returns a snapshot. */
  stats(): StreamStats
}

/**
 * A Writable whose chunks are processed on the pool's threads, made by {@link Pool.collect} and {@link Pool.each}. The result of
 * `write()`, `'drain'`, `final`, `destroy` and `pipeline` mean the same as for Node's own streams.
 */
export class Sink<Out> extends Writable {
  private constructor()
  /**
   * Output of the transform (`collect`) or number of chunks processed (`each`). Rejects with the error that destroyed the sink, or
   * with ERR_STREAM_PREMATURE_CLOSE.
   *
   * Reading it handles the sink's error: `'error'` then needs no listener, and the promise may be left unhandled. If it is never
   * read, an error without a listener is an uncaught exception, as for any of Node's streams.
   */
  readonly result: Promise<Out>
  /** Returns a snapshot. */
  stats(): StreamStats
}

/** State and counters of a {@link Sink} or {@link TransformDuplex}. Output that waits for its reader is not counted. */
export interface StreamStats {
  /** Chunks accepted. */
  written: number
  /** Chunks processed. */
  completed: number
  /** Chunks accepted and not yet processed. */
  inFlight: number
  /** Bytes of the chunks in flight. */
  inFlightBytes: number
  /** Times that a writer had to wait for room. */
  stalls: number
}

// ---------------------------------------------------------------- metrics

/**
 * Pools, caches and streams to measure, and their names, for `collectMetrics` of `offloop/prometheus` and `observeMetrics` of
 * `offloop/opentelemetry`.
 */
export interface MetricSources {
  /** Pools created with a name, or an object of pools by name. Default: none. */
  pools?: readonly Pool[] | Readonly<Record<string, Pool>> | undefined
  /** Caches by name. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: a cache of ids and values of any kind
  caches?: Readonly<Record<string, Cache<any, any>>> | undefined
  /** Streams of `pool.stream`, `collect` and `each` by name. Each is measured until it ends or is destroyed. Default: none. */
  streams?: Readonly<Record<string, Sink<unknown> | TransformDuplex>> | undefined
  /** Watches of event loops (`offloop/watch`) by name. Each is measured until it is stopped. Default: none. */
  loops?: Readonly<Record<string, Watch>> | undefined
}

// ---------------------------------------------------------------- errors

/**
 * A failure of a pool, a transform or a cache, by `code`. Other errors are:
 * - a TypeError or RangeError for bad arguments and for values that JSON or a codec cannot represent,
 * - the `signal.reason` of the caller; streams and sinks fail with an `AbortError` that has it as `cause`,
 * - errors of your own code: worker functions, loaders, getters, `onResult`, iterables,
 * - a `DataCloneError` (a `DOMException`) for an input or result that cannot be cloned,
 * - a `TimeoutError` (a `DOMException`) after `loadTimeout`,
 * - an `AggregateError` of {@link Cache.getMany}, described by {@link CacheManyError},
 * - Node's errors: ERR_STREAM_PREMATURE_CLOSE for a destroyed stream or sink, ERR_MODULE_NOT_FOUND and others for a module that
 *   cannot be imported.
 *
 * Each task rejects with a separate error object. `signal.reason` and errors of your own code are passed on unchanged.
 * @example
 * try {
 *   await pool.run(gzip, body)
 * } catch (error) {
 *   if (error instanceof OverloadError) return response.writeHead(503).end()
 *   throw error
 * }
 */
export class OffloopError extends Error {
  /** @param details `statusCode` is not derived from `code`: an error that you create has the one that you pass. */
  constructor(
    code: OffloopError['code'],
    message: string,
    details?:
      | { transform?: string | undefined; offset?: number | undefined; statusCode?: number | undefined }
      | undefined
  )
  /** Kind of failure. */
  readonly code:
    | 'ERR_OFFLOOP_QUEUE_FULL'
    | 'ERR_OFFLOOP_QUEUE_TIMEOUT'
    | 'ERR_OFFLOOP_DEADLOCK'
    | 'ERR_OFFLOOP_CLOSED'
    | 'ERR_OFFLOOP_INVALID_DATA'
    | 'ERR_OFFLOOP_OUTPUT_LIMIT'
    | 'ERR_OFFLOOP_AUTHENTICATION'
    | 'ERR_OFFLOOP_PANIC'
    | 'ERR_OFFLOOP_WORKER_EXIT'
    | 'ERR_OFFLOOP_RECURSIVE_LOAD'
    | 'ERR_OFFLOOP_RESOURCES'
    | 'ERR_OFFLOOP_TIER'
    | 'ERR_OFFLOOP_NO_BINDING'
  /** Name of the transform that failed; in a chain, of the step. */
  readonly transform?: string
  /** Bytes of the failed step's input that were read when the error was found, if known. */
  readonly offset?: number
  /** Index of the failed input, in `map` and `iterate`. */
  readonly index?: number
  /**
   * Status of the response of an HTTP server, which Express, Fastify and Koa send: 503 for an {@link OverloadError};
   * 400 (ERR_OFFLOOP_INVALID_DATA, ERR_OFFLOOP_AUTHENTICATION) and 413 (ERR_OFFLOOP_OUTPUT_LIMIT) for an input that a transform
   * reads. Absent for other codes, and for `json.stringify` and the steps of a chain after it: their value is the server's, not
   * the client's.
   */
  readonly statusCode?: number
}

/**
 * The pool has more work than it can do: `ERR_OFFLOOP_QUEUE_FULL` when it did not admit a task, `ERR_OFFLOOP_QUEUE_TIMEOUT` when
 * the task waited longer than `maxWait`. The task has not run, so a later retry is safe.
 */
export class OverloadError extends OffloopError {
  constructor(
    code: OverloadError['code'],
    message: string,
    details?: { transform?: string | undefined; statusCode?: number | undefined } | undefined
  )
  readonly code: 'ERR_OFFLOOP_QUEUE_FULL' | 'ERR_OFFLOOP_QUEUE_TIMEOUT'
  /** 503. */
  readonly statusCode: number
}

// ---------------------------------------------------------------- servers

/**
 * Returns the signal of a response, which aborts if the client disconnects before the response has been sent; it does not abort
 * after a response that ended normally. Accepts responses of `node:http` and `node:http2`, and so of Express, Fastify (`reply.raw`)
 * and Koa (`ctx.res`). Calls with the same response return the same signal, which leaves no listener behind.
 *
 * The reason is an `AbortError` (a `DOMException`). Its `statusCode` 499, which no client receives, keeps Fastify from logging it as
 * a failure of the server. Express and Koa print the stack of every error, unless an error handler of yours prevents it
 * ([recipes](docs/frameworks.md)).
 *
 * @throws TypeError for a value that is not a response
 * @example
 * http.createServer(async (request, response) => {
 *   response.end(await pool.run(gzip, page, { signal: signalOf(response) }))
 * })
 */
export function signalOf(response: ServerResponse | Http2ServerResponse): AbortSignal

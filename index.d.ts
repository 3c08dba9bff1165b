/**
 * offloop keeps Node's event loop free: heavy work runs on a bounded pool of native threads and comes back as a promise.
 *
 * All times are milliseconds and all sizes are bytes, unless a name says otherwise.
 *
 * @packageDocumentation
 */

import type { Duplex, Writable } from 'node:stream'
import type { MessagePort, ResourceLimits, SHARE_ENV } from 'node:worker_threads'

// ---------------------------------------------------------------- data that crosses the border

/**
 * Bytes in any of JavaScript's clothes. A task copies them before it runs, so that nothing you do to them afterwards
 * matters; see {@link move} for giving them away instead. Inputs above 1 MiB are copied in pieces over turns of the
 * event loop: leave those alone until the task settles. A buffer that changes its length meanwhile rejects with a
 * `TypeError`. So do detached memory and a view that is out of bounds because its `ArrayBuffer` was resized.
 *
 * A copy is memory: where there is none the call rejects with an `Error` of code `ERR_MEMORY_ALLOCATION_FAILED`, as Node's
 * own Buffers do. A task that finds no memory while it runs rejects with an {@link OffloopError} of code `ERR_OFFLOOP_UNSUPPORTED`.
 */
export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer

/**
 * What every byte-oriented transform accepts. A string is taken as UTF-8; lone surrogates become U+FFFD. One that was put
 * together of very many pieces is joined by V8 in one go first, on the event loop.
 */
export type Input = Bytes | string

/** What was given away with {@link move}. */
export interface Moved<T> {
  /** What is given away. */
  readonly value: T
  /** For the type checker only; not there at run time. */
  readonly [given]: true
}

/**
 * Gives a buffer away: the task takes its memory without a copy, and once the task is admitted your buffer is detached
 * (its `byteLength` is 0). If the pool has no room, the buffer stays as it is.
 *
 * Memory that cannot be given away is copied instead and stays yours: a view of a part of its `ArrayBuffer` (Node's
 * small Buffers are slices of a shared slab), a `SharedArrayBuffer`, a resizable buffer, memory of another addon.
 *
 * @throws TypeError for anything that is not bytes or a MessagePort.
 * @example
 * const body = await fs.readFile(path)
 * const packed = await pool.run(transforms.gzip(), move(body)) // body.byteLength is 0 now
 */
export function move<T extends Bytes | MessagePort>(value: T): Moved<T>
/**
 * Gives away what is listed of a value, as `postMessage` has it: ArrayBuffers, MessagePorts and all else that can change hands
 * between threads. For inputs of {@link transforms.module} and {@link transforms.workerScript}, and for what a function of yours
 * returns.
 * @example
 * await pool.run(resize, move({ image, width: 200 }, [image.buffer]))
 */
export function move<T>(value: T, transfer: readonly (ArrayBuffer | MessagePort | object)[]): Moved<T>

// ---------------------------------------------------------------- transforms: work as plain values

declare const shape: unique symbol
declare const given: unique symbol

// Without this line everything here would count as exported.
export {}

/**
 * A frozen description of CPU work: make it once, use it in every verb of every pool, as often as you like.
 * It belongs to the thread that made it.
 */
export interface Transform<In, Out> {
  /** As in `transforms.<name>`. */
  readonly name: string
  /** For the type checker only; not there at run time. */
  readonly [shape]: (input: In) => Out
}

/** A transform that can also take its input chunk by chunk. */
export interface StreamTransform<In, Out> extends Transform<In, Out> {
  /** It works in {@link Pool.stream} and in a folding {@link Pool.sink}. */
  readonly streaming: true
}

/** `sha*` and `md5` as in FIPS 180-4, FIPS 202 and RFC 1321; `xxh3-*` and `crc32` give their value in big-endian. */
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

/** The digests that {@link transforms.hmac} is made of. */
export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** How a digest becomes a string. `base64url` is not padded. */
export type TextEncoding = 'hex' | 'base64' | 'base64url'

/**
 * All transforms. Each throws a `TypeError` or `RangeError` when it is made of bad options, never when it runs. An option
 * that it does not know is refused: a limit that is misspelt must not be no limit.
 */
export const transforms: {
  /**
   * The input as a Buffer of its own.
   * @example
   * await pool.run(transforms.identity(), 'ping') // <Buffer 70 69 6e 67>
   */
  identity(): StreamTransform<Input, Buffer>

  /**
   * Runs several transforms in one trip off the loop; the values between two steps never visit JavaScript.
   * Behind `json.parse` and `csv.parse`, whose values JavaScript builds, only steps in JavaScript and `json.stringify` may follow.
   * An error names the step that failed as `transform`. 1,024 steps at most; the steps of a chain in a chain count.
   *
   * Steps in JavaScript ({@link transforms.module}, {@link transforms.workerScript}) may stand anywhere. Such a chain is a task
   * for each of them and for the native steps between two of them, one after the other: only the first can find the pool full.
   * @example
   * const etag = transforms.chain(transforms.gzip(), transforms.digest('sha256', { encoding: 'base64url' }))
   * await pool.run(etag, body)
   */
  chain<A, B>(first: StreamTransform<A, B>): StreamTransform<A, B>
  chain<A, B, C>(first: StreamTransform<A, B>, second: StreamTransform<B, C>): StreamTransform<A, C>
  chain<A, B, C, D>(
    first: StreamTransform<A, B>,
    second: StreamTransform<B, C>,
    third: StreamTransform<C, D>
  ): StreamTransform<A, D>
  chain<A, B, C, D, E>(
    first: StreamTransform<A, B>,
    second: StreamTransform<B, C>,
    third: StreamTransform<C, D>,
    fourth: StreamTransform<D, E>
  ): StreamTransform<A, E>
  chain<A, B, C, D, E, F>(
    first: StreamTransform<A, B>,
    second: StreamTransform<B, C>,
    third: StreamTransform<C, D>,
    fourth: StreamTransform<D, E>,
    fifth: StreamTransform<E, F>
  ): StreamTransform<A, F>
  chain<A, B>(first: Transform<A, B>): Transform<A, B>
  chain<A, B, C>(first: Transform<A, B>, second: Transform<B, C>): Transform<A, C>
  chain<A, B, C, D>(first: Transform<A, B>, second: Transform<B, C>, third: Transform<C, D>): Transform<A, D>
  chain<A, B, C, D, E>(
    first: Transform<A, B>,
    second: Transform<B, C>,
    third: Transform<C, D>,
    fourth: Transform<D, E>
  ): Transform<A, E>
  chain<A, B, C, D, E, F>(
    first: Transform<A, B>,
    second: Transform<B, C>,
    third: Transform<C, D>,
    fourth: Transform<D, E>,
    fifth: Transform<E, F>
  ): Transform<A, F>
  /** From the sixth step on the types are taken on trust, and so is the `Z` that you say comes out. */
  chain<A, B, C, D, E, F, Z = unknown>(
    first: Transform<A, B>,
    second: Transform<B, C>,
    third: Transform<C, D>,
    fourth: Transform<D, E>,
    fifth: Transform<E, F>,
    ...more: Transform<never, unknown>[]
  ): Transform<A, Z>

  /**
   * A digest of the input, as bytes or as a string. `blake3` of a large input uses all threads of the pool.
   * @example
   * await pool.run(transforms.digest('sha256', { encoding: 'hex' }), body)
   */
  digest(algorithm: DigestAlgorithm): StreamTransform<Input, Buffer>
  digest(algorithm: DigestAlgorithm, options: { encoding: TextEncoding }): StreamTransform<Input, string>
  digest(
    algorithm: DigestAlgorithm,
    options?: { encoding?: TextEncoding | undefined }
  ): StreamTransform<Input, Buffer | string>

  /**
   * A keyed digest (RFC 2104). The key is copied when the transform is made and erased when the transform is gone.
   * @example
   * await pool.run(transforms.hmac('sha256', secret, { encoding: 'hex' }), payload)
   */
  hmac(algorithm: HmacAlgorithm, key: Input): StreamTransform<Input, Buffer>
  hmac(algorithm: HmacAlgorithm, key: Input, options: { encoding: TextEncoding }): StreamTransform<Input, string>
  hmac(
    algorithm: HmacAlgorithm,
    key: Input,
    options?: { encoding?: TextEncoding | undefined }
  ): StreamTransform<Input, Buffer | string>

  /**
   * gzip (RFC 1952): one member, which every browser reads. `level` 0 (store) to 9 (smallest), default 6. Inputs above
   * about 1 MiB are compressed by all threads of the pool.
   * @example
   * const body = await pool.run(transforms.gzip({ level: 6 }), json)
   */
  gzip(options?: { level?: number | undefined }): StreamTransform<Input, Buffer>
  /**
   * The reverse of {@link transforms.gzip}. Several members are joined, and zeros after the last one are ignored, as
   * node:zlib does. `maxOutput` (default 1 GiB) stops decompression bombs: set it to what you expect.
   * @throws OffloopError ERR_OFFLOOP_INVALID_DATA for corrupt or truncated input, ERR_OFFLOOP_OUTPUT_LIMIT
   * @example
   * const packed = await pool.run(transforms.gzip(), 'text')
   * String(await pool.run(transforms.gunzip({ maxOutput: 64 << 20 }), packed)) // 'text'
   */
  gunzip(options?: { maxOutput?: number | undefined }): StreamTransform<Bytes, Buffer>
  /**
   * zlib framing (RFC 1950), as node:zlib's `deflate`. `level` 0 to 9, default 6.
   * @example
   * await pool.run(transforms.deflate({ level: 9 }), body)
   */
  deflate(options?: { level?: number | undefined }): StreamTransform<Input, Buffer>
  /**
   * The reverse of {@link transforms.deflate}; `maxOutput` defaults to 1 GiB.
   * @example
   * const packed = await pool.run(transforms.deflate(), 'text')
   * String(await pool.run(transforms.inflate(), packed)) // 'text'
   */
  inflate(options?: { maxOutput?: number | undefined }): StreamTransform<Bytes, Buffer>
  /**
   * Deflate without framing (RFC 1951). `level` 0 to 9, default 6.
   * @example
   * await pool.run(transforms.deflateRaw(), body)
   */
  deflateRaw(options?: { level?: number | undefined }): StreamTransform<Input, Buffer>
  /**
   * The reverse of {@link transforms.deflateRaw}; `maxOutput` defaults to 1 GiB.
   * @example
   * const packed = await pool.run(transforms.deflateRaw(), 'text')
   * String(await pool.run(transforms.inflateRaw({ maxOutput: 1024 }), packed)) // 'text'
   */
  inflateRaw(options?: { maxOutput?: number | undefined }): StreamTransform<Bytes, Buffer>
  /**
   * Brotli (RFC 7932). `quality` 0 to 11, default 11 as in node:zlib, which is very slow: 4 or 5 suits responses made
   * on the fly. `window` is the base-2 logarithm of the window, 10 to 24, default 22.
   * @example
   * response.end(await pool.run(transforms.brotliCompress({ quality: 5 }), body))
   */
  brotliCompress(options?: {
    quality?: number | undefined
    window?: number | undefined
  }): StreamTransform<Input, Buffer>
  /**
   * The reverse of {@link transforms.brotliCompress}; `maxOutput` defaults to 1 GiB.
   * @example
   * const packed = await pool.run(transforms.brotliCompress(), 'text')
   * String(await pool.run(transforms.brotliDecompress(), packed)) // 'text'
   */
  brotliDecompress(options?: { maxOutput?: number | undefined }): StreamTransform<Bytes, Buffer>
  /**
   * Zstandard (RFC 8878). `level` up to 22, default 3, negative ones are faster still. `dictionary` must be given to
   * the decompressor too; without `checksum` another one may go unnoticed and give wrong data. `checksum` (default false) appends one that decompression checks.
   * @example
   * await pool.run(transforms.zstdCompress({ level: 3, checksum: true }), body)
   */
  zstdCompress(options?: {
    level?: number | undefined
    dictionary?: Bytes | undefined
    checksum?: boolean | undefined
  }): StreamTransform<Input, Buffer>
  /**
   * The reverse of {@link transforms.zstdCompress}; `maxOutput` defaults to 1 GiB.
   * @example
   * const packed = await pool.run(transforms.zstdCompress(), 'text')
   * String(await pool.run(transforms.zstdDecompress(), packed)) // 'text'
   */
  zstdDecompress(options?: {
    dictionary?: Bytes | undefined
    maxOutput?: number | undefined
  }): StreamTransform<Bytes, Buffer>
  /**
   * The LZ4 frame format: the fastest, and the largest output.
   * @example
   * await pool.run(transforms.lz4Compress(), body)
   */
  lz4Compress(): StreamTransform<Input, Buffer>
  /**
   * The reverse of {@link transforms.lz4Compress}; `maxOutput` defaults to 1 GiB.
   * @example
   * const packed = await pool.run(transforms.lz4Compress(), 'text')
   * String(await pool.run(transforms.lz4Decompress(), packed)) // 'text'
   */
  lz4Decompress(options?: { maxOutput?: number | undefined }): StreamTransform<Bytes, Buffer>

  /**
   * Authenticated encryption with a key of 32 bytes, by AWS-LC. What comes out is the nonce (12 bytes), the ciphertext and the tag
   * (16 bytes); `aad` is authenticated with it and must be given to {@link transforms.open} too. The nonce is random for each
   * message unless you give one: then use it once. One key seals some billions of messages with random nonces, no more.
   *
   * A message is sealed in one step, which a signal does not interrupt.
   * @example
   * const sealed = await pool.run(transforms.seal('aes-256-gcm', key, { aad: Buffer.from(userId) }), 'a secret')
   */
  seal(
    cipher: SealCipher,
    key: Bytes,
    options?: { aad?: Bytes | undefined; nonce?: Bytes | undefined }
  ): Transform<Input, Buffer>
  /**
   * The reverse of {@link transforms.seal}. A message that was changed, or sealed with another key, cipher or `aad`, rejects with
   * ERR_OFFLOOP_AUTHENTICATION and yields nothing.
   * @example
   * const plain = await pool.run(transforms.open('aes-256-gcm', key, { aad: Buffer.from(userId) }), sealed)
   */
  open(cipher: SealCipher, key: Bytes, options?: { aad?: Bytes | undefined }): Transform<Bytes, Buffer>
  /**
   * A password as a PHC string (bcrypt: `$2b$`), with a random salt. `algorithm` default `'argon2id'`: `memoryKiB` 19,456,
   * `iterations` 2, `parallelism` 1, which OWASP recommends. `'bcrypt'`: `cost` 4 to 18, default 12; a password of more
   * than 72 bytes rejects instead of being cut, and so does one with a NUL character. `'scrypt'`: `cost` as a power of two, default 17, `parallelism` 1.
   *
   * One hash takes at most 4 GiB and some tens of seconds of one core: `memoryKiB` times `iterations` is at most 2 ** 24, and
   * 2 ** `cost` of scrypt times `parallelism` at most 2 ** 22.
   *
   * A hash cannot be interrupted, and takes memory of its own besides what the pool counts.
   * @example
   * const hash = await pool.run(transforms.hashPassword(), password)
   */
  hashPassword(options?: {
    algorithm?: 'argon2id' | 'bcrypt' | 'scrypt' | undefined
    memoryKiB?: number | undefined
    iterations?: number | undefined
    parallelism?: number | undefined
    cost?: number | undefined
  }): Transform<Input, string>
  /**
   * Whether a password is the one of a hash of argon2, scrypt or bcrypt, compared in constant time. bcrypt looks at the first 72
   * bytes of a password alone, so a longer one is right if these are: `hashPassword` makes no such hash, others do. Nor does it
   * distinguish `'a'` from `'a\0a'`. bcrypt's `$2a$`, `$2b$` and `$2y$` are verified; `$2x$` and `$2$`, made by faulty
   * implementations, are refused.
   * @throws TypeError for a hash that is malformed or of another algorithm, with the reason
   * @throws RangeError for one that asks for more memory or time than `hashPassword` would
   * @example
   * if (!(await pool.run(transforms.verifyPassword(hash), password))) throw new Error('wrong password')
   */
  verifyPassword(hash: string): Transform<Input, boolean>
  /**
   * A key made of a password (PBKDF2, RFC 8018), `length` bytes of up to 1 MiB. It cannot be interrupted: `iterations` times the
   * number of blocks, each as long as the digest, is at most 2 ** 26.
   * @example
   * const key = await pool.run(transforms.pbkdf2('sha256', salt, 600_000, 32), password)
   */
  pbkdf2(
    digest: 'sha1' | 'sha256' | 'sha512',
    salt: Bytes,
    iterations: number,
    length: number
  ): Transform<Input, Buffer>

  /** JSON (RFC 8259): parsed and written in slices, selected, checked, shortened. */
  readonly json: {
    /**
     * `JSON.parse` that does not hold the loop: the text is read off it, and the value built on it in slices of at most `slice` ms
     * (default 4), while the rest is read. It takes what `JSON.parse` takes and makes the same of it. Bytes must be UTF-8,
     * without a byte order mark. `maxDepth` levels of lists and objects, unlimited by default; values that are nested by many thousands are of little use, since
     * most of what works through them calls itself. What is one piece in V8 is made in one go: the store of a list of millions of
     * numbers, the table of an object with hundreds of thousands of names.
     * @throws RangeError for a `slice` that is no integer from 1 to 10,000
     * @example
     * const { items } = await pool.run(transforms.json.parse<{ items: Item[] }>(), body)
     */
    parse<T = unknown>(options?: { slice?: number | undefined; maxDepth?: number | undefined }): Transform<Input, T>
    /**
     * The bytes of `JSON.stringify`, written on the loop in slices of at most `slice` ms (default 4) and put together off it, ready for
     * the next step of a chain. `toJSON`, getters, holes and everything else count as they do there; getters may be called several times.
     * A large value must not be changed until it is written. Rejects with TypeError for what has no JSON (`undefined`, a function), a
     * BigInt or an object that contains itself, and with whatever a `toJSON` throws.
     *
     * A getter, a proxy or a `toJSON` can make a value endless, so two limits apply. `maxDepth` levels of lists and objects, counted as
     * {@link transforms.json.parse} counts them, default 5,000: more than `JSON.stringify` itself can follow. `maxOutput` bytes, by
     * default the pool's `maxQueueBytes`, but at least 16 MiB. Nested levels that getters, proxies and `toJSON` return may hold about 8
     * MiB (beyond the first four, at most 512 KiB counted for each), or an explicit `maxOutput` if that is more.
     * @throws RangeError for a `slice` that is no integer from 1 to 10,000, or a limit that is no positive integer
     * @throws OffloopError ERR_OFFLOOP_INVALID_DATA for a value that is nested too deeply, ERR_OFFLOOP_OUTPUT_LIMIT for one that becomes
     * too long; both name the place in the value
     * @example
     * response.end(await pool.run(transforms.chain(transforms.json.stringify(), transforms.gzip()), report))
     */
    stringify(options?: {
      slice?: number | undefined
      maxDepth?: number | undefined
      maxOutput?: number | undefined
    }): Transform<unknown, Buffer>
    /**
     * The nodes that a JSONPath (RFC 9535) selects, in order. The document is read off the loop; only the nodes become values. A path
     * of names, indexes and wildcards alone is followed while the document is read; for any other path all nodes are indexed
     * first. Documents may be nested 512 levels deep. Members are selected in document order; of several with the same name the last
     * value counts, in the position of the first. A path may select one node many times: the result has at most `maxOutput` bytes of
     * JSON, default 1 GiB, and a segment, in filters too, selects at most about four million nodes more than the document has bytes.
     * Filters compare numbers as doubles, as JavaScript does.
     * @throws TypeError for what is no JSONPath
     * @example
     * const items = '{"items":[{"price":2},{"price":10}]}'
     * await pool.run(transforms.json.select<number>('$.items[*].price'), items) // [2, 10]
     */
    select<T = unknown>(path: string, options?: { maxOutput?: number | undefined }): Transform<Input, T[]>
    /**
     * JSON without what is not needed between its parts: strings and numbers stay as they are written.
     * @example
     * await pool.run(transforms.json.minify(), '{ "a": [ 1 ] }') // <Buffer 7b 22 61 22 3a 5b 31 5d 7d>
     */
    minify(): Transform<Input, Buffer>
    /**
     * JSON Schema: 2020-12, 2019-09, draft 7, 6 or 4, by `$schema`, 2020-12 without one. It is compiled once; nothing is fetched.
     * A document with half of a surrogate pair (`"\ud800"`) or a number beyond a double (`1e400`) is refused. `format` is checked up
     * to draft 7, and is only a remark from 2019-09 on, as these drafts say. Integers from -(2 ** 63) to 2 ** 64 - 1 in a document
     * are compared exactly, unlike in JavaScript; other numbers as doubles.
     * `pattern` and `patternProperties` are [regular expressions of ECMA-262](docs/transforms.md#patterns) with the `u` flag, in
     * linear time. A schema with look-around or backreferences is refused, and one whose compiled patterns take more than about
     * 64 MiB together; the error gives the JSON pointer.
     * Documents may be nested 512 levels deep, schemas 128. At most 1,000 errors are told, in messages of at most 1,000 bytes and
     * 1 MiB in all.
     * @throws TypeError for a bad schema, one that refers to another document among others
     * @example
     * const { valid, errors } = await pool.run(transforms.json.validate({ required: ['id'] }), '{}')
     * errors[0].message // '"id" is a required property'
     */
    validate(schema: object | boolean): Transform<Input, Validation>
    /**
     * The same for each record of a list (what begins with `[`) or of documents in lines, by all threads. At most `maxErrors`
     * failing records are told, default 1,000, with 100 errors each; all are counted. What is no JSON rejects.
     * @example
     * const { invalid, failures } = await pool.run(transforms.json.validateEach(schema), await readFile('records.ndjson'))
     */
    validateEach(
      schema: object | boolean,
      options?: { maxErrors?: number | undefined }
    ): StreamTransform<Input, BatchValidation>
  }

  /**
   * CSV as RFC 4180 has it, in UTF-8 with or without a BOM and without NUL; a line ends with CRLF, LF or CR. Malformed input
   * rejects with ERR_OFFLOOP_INVALID_DATA, its line and its `offset`: a record with more or fewer fields than there are columns, a quote within
   * an unquoted field or one that is never closed, text after a closing quote, a column name that is there twice, a column in the
   * options that there is not. Blank lines are skipped, except in a table of one column, where they are empty fields.
   */
  readonly csv: {
    /**
     * A table of typed columns. An empty field is `null` in a column of strings (with quotes it is `''`), NaN in one of numbers,
     * and an error in one of booleans.
     * @throws TypeError for a type of a column that `header` does not name, among others
     * @example
     * const table = await pool.run(transforms.csv.parse({ columns: { price: 'number' } }), 'name,price\nplum,0.3\nfig,1.2')
     * table.column('price') // Float64Array(2) [0.3, 1.2]
     * for (const { name, price } of table) console.log(name, price)
     */
    parse<const Types extends Record<string, CsvType | undefined> = Record<never, never>>(
      options?: CsvOptions & { columns?: Types | undefined }
    ): StreamTransform<Input, CsvTable<Types>>
    /**
     * Groups of rows, in the order in which they first appear, without a table in between: an object for each, with the columns
     * of `groupBy` and then the measures. Without `groupBy` all rows are one group, even if there are none. Only the columns that
     * are named are read.
     *
     * A measure is an operation and a column: `'sum'`, `'mean'`, `'min'`, `'max'`, or `'p0'` to `'p100'`, a percentile between the two
     * nearest numbers; empty fields are left out. `['count']` counts rows, `['count', column]` fields that are not empty.
     * Sums are rounded once, at the end. The sum of nothing is 0, all else of nothing is null, and so is what is NaN.
     * @throws TypeError for a measure without a column, or with the name of a column of `groupBy`, among others
     * @example
     * const spec = { groupBy: ['region'], measures: { orders: ['count'], median: ['p50', 'amount'] } } as const
     * await pool.run(transforms.csv.aggregate(spec), 'region,amount\nEU,3\nUS,9\nEU,4') // [{ region: 'EU', orders: 2, median: 3.5 }, …]
     */
    aggregate(
      options: CsvOptions & {
        groupBy?: readonly string[] | undefined
        measures: Readonly<Record<string, readonly [CsvOperation, (string | undefined)?]>>
      }
    ): StreamTransform<Input, Record<string, unknown>[]>
  }

  /** Text: base64 and regular expressions. */
  readonly text: {
    /**
     * Bytes as base64 with padding.
     * @example
     * await pool.run(transforms.text.base64Encode(), 'ping') // 'cGluZw=='
     */
    base64Encode(): StreamTransform<Input, string>
    /**
     * The reverse: either alphabet, with padding or without, in lines or not. Anything else rejects, with its `offset`,
     * including trailing bits that belong to no byte, as in `'Zh=='`.
     * @example
     * String(await pool.run(transforms.text.base64Decode(), 'cGluZw')) // 'ping'
     */
    base64Decode(): StreamTransform<Input, Buffer>
    /**
     * All matches of a regular expression of ECMA-262 with the `u` flag, as `String.prototype.matchAll` finds them with `g`.
     * Finding one takes linear time whatever the input is; finding all may take quadratic time if the search has to read far past
     * each match to decide on it (`.*[^a]|a`). `start` and `end` count UTF-16 code units, as JavaScript's strings do; `groups` are
     * the capturing groups, null where a group takes no part in the match.
     *
     * The `flags` `'i'`, `'m'` and `'s'` are those of JavaScript; `'gu'` are implied. `'x'`, an extension, ignores white space and
     * comments (`# …`) outside character classes. `limit` matches, unlimited by default; `maxOutput` bytes of them as JSON, default
     * 1 GiB.
     * @throws TypeError for a pattern that is invalid, needs backtracking (look-around, backreferences) or is too large
     * ([limits](docs/transforms.md#patterns))
     * @example
     * await pool.run(transforms.text.matches('(\\d+) ms'), 'it took 12 ms') // [{ start: 8, end: 13, groups: ['12'] }]
     */
    matches(
      pattern: string,
      options?: { flags?: string | undefined; limit?: number | undefined; maxOutput?: number | undefined }
    ): Transform<Input, { start: number; end: number; groups: (string | null)[] }[]>
    /**
     * Replaces all matches of a pattern as in {@link transforms.text.matches}. The replacement is read as `String.prototype.replace`
     * reads it: `$1`, `$<name>`, `$&`, `` $` ``, `$'`, `$$`. The resulting text has at most `maxOutput` bytes, default 1 GiB.
     * @example
     * await pool.run(transforms.text.replace('(\\w+)@\\w+', '$1@…'), 'to ada@example') // 'to ada@…'
     */
    replace(
      pattern: string,
      replacement: string,
      options?: { flags?: string | undefined; maxOutput?: number | undefined }
    ): Transform<Input, string>
  }

  /** Over typed arrays, which are copied like all inputs unless they are moved. Sums go the same way whatever the threads. */
  readonly numeric: {
    /**
     * A sorted copy, of the same class: -0 before 0 and NaN last, as `TypedArray.prototype.sort` has it. `descending` is the reverse
     * of all of that. Sorting is not interrupted.
     * @example
     * await pool.run(transforms.numeric.sort(), new Float64Array([3, 1, 2])) // Float64Array(3) [1, 2, 3]
     */
    sort<T extends TypedArray = TypedArray>(options?: { descending?: boolean | undefined }): Transform<T, T>
    /**
     * `stddev` is that of the population. BigInts are converted by `Number()`: beyond 2 ** 53 they are rounded. `quantiles` from 0 to 1,
     * interpolated between the two nearest. One NaN makes all of them NaN; so does an empty array all but `count`.
     * @example
     * const { mean, quantiles } = await pool.run(transforms.numeric.stats({ quantiles: [0.5, 0.99] }), times)
     */
    stats(options?: { quantiles?: readonly number[] | Float64Array | undefined }): Transform<TypedArray, NumericStats>
    /**
     * How many numbers are in each of `bins`, at most 1,048,576. `range` default from the least to the most; numbers outside of it are
     * not counted, nor are NaN and the infinite ones. A bin has its lower edge, the last one both. `edges` are one more than `counts`.
     * @example
     * const { edges, counts } = await pool.run(transforms.numeric.histogram({ bins: 50 }), times)
     */
    histogram(options: {
      bins: number
      range?: readonly [number, number] | undefined
    }): Transform<TypedArray, { edges: Float64Array; counts: Float64Array }>
    /**
     * The `k` rows of a row-major matrix that are nearest to `query`, the nearest first: by cosine (default) or dot product, or by
     * Euclidean distance (`l2`), where a smaller score is nearer. All rows are looked at.
     * @example
     * const nearest = transforms.numeric.nearest(embedding, { k: 10, dimensions: 384 })
     * for (const { index, score } of await pool.run(nearest, matrix)) console.log(titles[index], score)
     */
    nearest(
      query: Float32Array,
      options: { k: number; dimensions: number; metric?: 'cosine' | 'dot' | 'l2' | undefined }
    ): Transform<Float32Array, { index: number; score: number }[]>
  }

  /**
   * A function of yours, run in a worker thread under the pool's limits. The module may be ESM, CommonJS or what Node makes of it
   * (TypeScript, where it strips types); a relative path is relative to the current directory, as for `new Worker()`, the name of
   * a package is looked up from there. It is imported once in each thread, when it is first needed.
   *
   * The function gets the input, a structured clone, and `{ signal }`, which aborts when the caller's does. It may return
   * a promise. A thread runs one task at a time. An exported function `dispose` is called before a thread ends. A Buffer comes as
   * a Uint8Array, as from `structuredClone`, in both directions. For a second after a task, timers and sockets of the module may be
   * served up to about 50 ms late: the thread blocks until the next task.
   *
   * It must not wait for tasks of the pool that it runs in: once every thread does, all wait for ever. Use another pool there.
   *
   * The result is cloned too, unless the function returns `move(result)`. Whatever it throws rejects the task, with its class,
   * `code`, `cause` and own properties, and with both stacks, as long as fewer than 64 tasks are under way. What cannot be cloned
   * rejects with a `DataCloneError` that says where it stands.
   *
   * A thread that ends in the middle of a task (`process.exit()`, out of memory, an uncaught exception) rejects it with
   * ERR_OFFLOOP_WORKER_EXIT and is replaced. Tasks that ended before keep their results; those that had not begun run elsewhere,
   * except a moved input that is in that thread.
   * @example
   * // resize.js: module.exports = async ({ path, width }, { signal }) => sharp(path).resize(width).toBuffer()
   * const resize = transforms.module(require.resolve('./resize.js'))
   * await pool.run(resize, { path: 'cat.jpg', width: 200 })
   */
  module<In, Out>(specifier: string | URL, options?: { export?: string | undefined }): Transform<In, Out>
  /**
   * A script written for `new Worker(script, { workerData })`, unchanged: it gets the input as `workerData` and answers with its
   * first message. A thread for each input, but no more at a time than the pool has threads. A script that ends without
   * a message rejects with ERR_OFFLOOP_WORKER_EXIT, one that throws with its error; aborting terminates it.
   * @example
   * await pool.run(transforms.workerScript(new URL('./report.js', import.meta.url)), { year: 2025 })
   */
  workerScript<In, Out>(specifier: string | URL): Transform<In, Out>
}

/** What {@link transforms.numeric} takes. */
export type TypedArray =
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

/** What {@link transforms.numeric.stats} finds. */
export interface NumericStats {
  /** How many numbers there are. */
  count: number
  /** Their sum by their count. */
  mean: number
  /** The standard deviation of the population. */
  stddev: number
  /** The least. */
  min: number
  /** The largest. */
  max: number
  /** One for each of the `quantiles` asked for, in their order. */
  quantiles: Float64Array
}

/**
 * A number is written as in JSON, or as `+1`, `.5`, `5.`, `NaN`, `Infinity`, `-Infinity`; a boolean as `true`, `False`, `1`, `0`. Numbers
 * of 2 ** 53 or more that a double would change, such as `9007199254740993` and `1e400`, are errors; those that were written from a
 * double, such as `1152921504606847000`, are read.
 */
export type CsvType = 'string' | 'number' | 'boolean'

/** What is measured of a column: `'p50'` is its median. */
export type CsvOperation = 'count' | 'sum' | 'mean' | 'min' | 'max' | `p${number}`

/** How CSV is read. */
export interface CsvOptions {
  /** One ASCII character. Default `','`. */
  delimiter?: string | undefined
  /** One ASCII character, which stands for itself where it is written twice between quotes. Default `'"'`. */
  quote?: string | undefined
  /**
   * Whether the first record names the columns, default true. With false they are called `'0'`, `'1'` and so on; an array has
   * their names, and the first record is data. There are 65,536 columns at most.
   */
  header?: boolean | readonly string[] | undefined
  /** The types of columns, which are strings unless it is said otherwise. */
  columns?: Readonly<Record<string, CsvType | undefined>> | undefined
  /** Bytes that the table takes, or groups and what percentiles are taken of. A record may be as long, or 1 MiB. Default 1 GiB. */
  maxOutput?: number | undefined
}

/** A column of a table: strings and nulls, doubles, or bytes that are 0 or 1. */
export type CsvColumn<Type extends CsvType | undefined> = Type extends 'number'
  ? Float64Array
  : Type extends 'boolean'
    ? Uint8Array
    : (string | null)[]

/**
 * What {@link transforms.csv.parse} makes. It is of the thread that made it and cannot be cloned; its columns can.
 */
// biome-ignore lint/suspicious/noExplicitAny: a table of whatever columns
export interface CsvTable<Types extends Record<string, CsvType | undefined> = any>
  extends Iterable<Record<string, unknown>> {
  /** The names of the columns. */
  readonly columns: string[]
  /** How many rows there are. */
  readonly rows: number
  /**
   * A column, the same each time. Numbers and booleans are views of the table's memory, made without a copy; strings are made when
   * they are first asked for, on the event loop.
   * @throws TypeError for a name that no column has
   */
  readonly column: <Name extends string>(name: Name) => CsvColumn<Name extends keyof Types ? Types[Name] : 'string'>
  /** All rows as objects, made at once on the event loop: what `JSON.stringify` and `json.stringify` write. */
  toJSON(): Record<string, unknown>[]
  /** An object for each row, made when it is asked for; booleans are true and false there. */
  [Symbol.iterator](): Generator<Record<string, unknown>, void, undefined>
}

/** Ciphers with a tag of 16 bytes, a key of 32 and a nonce of 12. */
export type SealCipher = 'aes-256-gcm' | 'chacha20-poly1305'

/** What {@link transforms.json.validate} finds. Paths are JSON Pointers. */
export interface Validation {
  /** Whether there are no errors. */
  valid: boolean
  /** What is wrong: the place in the document, the place in the schema, and a sentence. */
  errors: ValidationError[]
}

/** One error of a document. */
export interface ValidationError {
  /** Where in the document, as a JSON Pointer; `''` for all of it. */
  instancePath: string
  /** Which part of the schema says so, as a JSON Pointer. */
  schemaPath: string
  /** What is wrong, in English. */
  message: string
}

/** What {@link transforms.json.validateEach} finds. `index` counts records from 0. */
export interface BatchValidation {
  /** Records. */
  total: number
  /** Records without errors. */
  valid: number
  /** Records with errors. */
  invalid: number
  /** Those of them that are told, by their places. */
  failures: { index: number; errors: ValidationError[] }[]
}

// ---------------------------------------------------------------- the pool

/** Limits and threads of a {@link Pool}. */
export interface PoolOptions {
  /**
   * Pools of one name share threads, queue and limits across every worker_thread of the process. Options that are given
   * must be those that the pool of that name has already.
   */
  name?: string | undefined
  /**
   * Tasks that may run at once, 1 to 1024. Default: the parallelism available to the process (CPU affinity and cgroup
   * limits count).
   */
  threads?: number | undefined
  /** Tasks admitted and not yet started, 0 or more. Default 1024. */
  maxQueue?: number | undefined
  /**
   * Input bytes held by tasks admitted and not yet finished. Default 256 MiB. An input that outweighs it is admitted
   * when the pool holds no other. Buffers, views and strings count; other objects count as 0, whatever their `byteLength`.
   */
  maxQueueBytes?: number | undefined
  /**
   * A task that has waited longer than this for a thread is dropped with ERR_OFFLOOP_QUEUE_TIMEOUT instead of being run late.
   * `map`, `iterate` and sinks with `each` send their inputs slowly enough not to wait for one another, as far as the next inputs
   * take about as long as the last ones: of very different ones, make smaller tasks or use a pool without it. Default: none.
   */
  maxWait?: number | undefined
  /** The threads that {@link transforms.module} and {@link transforms.workerScript} run in. Each environment has its own. */
  workers?: WorkerOptions | undefined
}

/** Threads start when they are needed, end when they are idle, and never keep the process alive. */
export interface WorkerOptions {
  /** A thread that has nothing to do for so long ends. Default 10,000; `Infinity`: never. */
  idleTimeout?: number | undefined
  /** A function whose signal has aborted, or a `dispose`, has so long to end before its thread is terminated. Default 250. */
  gracePeriod?: number | undefined
  /** A thread is replaced after so many tasks. Default: never. */
  maxTasks?: number | undefined
  /** A thread is replaced when its heap uses more than this after a batch of tasks. Default: never. */
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
   * Aborting it rejects the promise with `signal.reason` at once. A task that has not started never will; one that
   * runs stops within some milliseconds.
   */
  signal?: AbortSignal | undefined
  /**
   * Default `'normal'`. Within a priority tasks that wait start in the order of their calls (an input above 1 MiB waits from
   * when it has been copied, in its old place). A lower priority is passed over at most 16 times before it is served; `low` goes before `normal` then.
   */
  priority?: 'high' | 'normal' | 'low' | undefined
}

/** Options of many tasks. */
export interface MapOptions extends RunOptions {
  /**
   * Inputs held at a time: taken and not yet settled (`map`), or not yet read as results (`iterate`).
   * Default: 512 per thread for `map`, 32 per thread for `iterate`; fewer when the inputs are large.
   */
  concurrency?: number | undefined
  /** Keep going past failures: results are those of `Promise.allSettled`. Default false. */
  settle?: boolean | undefined
}

/**
 * A bounded pool of native threads. It has no thread before its first task, keeps the process alive only while tasks
 * are pending, and ends when it is closed or forgotten.
 *
 * @example
 * const pool = new Pool({ threads: 4, maxQueue: 256, maxWait: 500 })
 * const digest = await pool.run(transforms.digest('sha256'), body)
 * await pool.close()
 */
export class Pool {
  /** @throws TypeError or RangeError for bad options, or options that another pool of the same name does not have. */
  constructor(options?: PoolOptions)

  /**
   * Runs a transform on one input.
   *
   * Rejects with `ERR_OFFLOOP_QUEUE_FULL` at once when the pool is full: shed the load, or await {@link Pool.ready} and
   * try again. Never throws synchronously.
   */
  run<In, Out>(transform: Transform<In, Out>, input: In | Moved<In>, options?: RunOptions): Promise<Out>

  /**
   * Runs a transform over many inputs, in order and with bounded memory; waits for room by itself. Small inputs cross
   * to the threads in batches. The first failure rejects it, cancels the rest and closes the iterable; the error has
   * the input's `index`.
   */
  map<In, Out>(
    transform: Transform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options: MapOptions & { settle: true }
  ): Promise<PromiseSettledResult<Out>[]>
  map<In, Out>(
    transform: Transform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions & { settle?: false | undefined }
  ): Promise<Out[]>
  map<In, Out>(
    transform: Transform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions
  ): Promise<Out[] | PromiseSettledResult<Out>[]>

  /**
   * The same as it goes: an async iterator that takes no more than `concurrency` inputs ahead of its reader, and
   * nothing before its first `next()`. Leaving the loop early cancels what is under way and waits until the source has
   * cleaned up, unless the source is just being read.
   *
   * @example
   * for await (const packed of pool.iterate(transforms.gzip(), files)) await send(packed)
   */
  iterate<In, Out>(
    transform: Transform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options: MapOptions & { settle: true }
  ): AsyncIterableIterator<PromiseSettledResult<Out>> & AsyncDisposable
  iterate<In, Out>(
    transform: Transform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions & { settle?: false | undefined }
  ): AsyncIterableIterator<Out> & AsyncDisposable
  iterate<In, Out>(
    transform: Transform<In, Out>,
    inputs: Iterable<In | Moved<In>> | AsyncIterable<In | Moved<In>>,
    options?: MapOptions
  ): AsyncIterableIterator<Out | PromiseSettledResult<Out>> & AsyncDisposable

  /**
   * A Duplex: what is written comes out transformed, at the speed of the slower side. `pipeline`, `compose`, `finished`, async
   * iteration and `Duplex.toWeb` work as with any of Node's; aborting `signal` destroys it. A transform that gives one value
   * gives it at the end, a string as UTF-8, and anything else as it is: such a stream is read in object mode.
   *
   * It holds about twice `highWaterMark`, half of it in Node's own buffer, what the transform holds, and what its reader has not
   * taken. Compression takes a block for each thread at a time, and makes one
   * standard stream of them.
   *
   * @throws TypeError for a transform that needs its whole input at once, or bad options
   * @example
   * await pipeline(createReadStream('access.log'), pool.stream(transforms.gzip()), createWriteStream('access.log.gz'))
   */
  stream<In, Out>(transform: StreamTransform<In, Out>, options?: StreamOptions): TransformDuplex
  /**
   * A Writable whose chunks are worked through on the pool's threads. A transform that streams consumes all that is written, and
   * `result` is what it gives; with `each` every chunk (in `objectMode` every object) is an input of its own.
   *
   * @throws TypeError for a transform that needs its whole input at once without `each`, or bad options
   * @example
   * const sink = pool.sink(transforms.digest('sha256', { encoding: 'hex' }))
   * await pipeline(request, sink)
   * const hash = await sink.result
   */
  sink<In, Out>(transform: Transform<In, Out>, options: SinkOptions<Out> & { each: true }): Sink<number>
  sink<In, Out>(
    transform: StreamTransform<In, Out>,
    options?: SinkOptions<Out> & { each?: false | undefined; onResult?: undefined }
  ): Sink<Out>
  sink<In, Out>(transform: Transform<In, Out>, options?: SinkOptions<Out>): Sink<Out | number>

  /**
   * Settles when the pool has room for a task, first come, first served; after a `run` that was refused for its input's
   * bytes, room for as many (whichever of them was refused last). The room is kept for the `run` that follows in the same turn of the loop, whoever calls it
   * first.
   */
  ready(): Promise<void>

  /**
   * A snapshot. `reset` begins a new period of counting after it.
   * @throws OffloopError ERR_OFFLOOP_CLOSED once the pool is closed
   */
  stats(options?: { reset?: boolean | undefined }): PoolStats

  /**
   * Takes no more tasks and waits for those that were admitted; `force` cancels them with ERR_OFFLOOP_CLOSED instead.
   * May be called again, also to force. A named pool goes on for the other threads that opened it.
   */
  close(options?: { force?: boolean | undefined }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>

  /** Its name; `'anonymous'` without one, `'default'` for the process-wide pool. */
  readonly name: string
  /** Tasks that may run at once. */
  readonly threads: number
  /** Tasks that may wait. */
  readonly maxQueue: number
  /** Input bytes that its tasks may hold. */
  readonly maxQueueBytes: number
}

/**
 * The process-wide pool, named `default` and shared by all worker_threads. Whoever closes it closes it for all code of its
 * thread.
 */
export const pool: Pool

/** Times in milliseconds: how many, their mean, three percentiles and the longest. */
export interface LatencySummary {
  /** How many were measured. */
  count: number
  /** Their mean. */
  mean: number
  /** The median. */
  p50: number
  /** What nine in ten do not exceed. */
  p90: number
  /** What 99 in 100 do not exceed. */
  p99: number
  /** The longest. */
  max: number
}

/** Counters run since the pool was made or last reset, for all threads that share it. */
export interface PoolStats {
  /** Tasks that may run at once. */
  threads: number
  /** Tasks that run. */
  running: number
  /** Admitted and not yet started; a batch of `map` counts as one. */
  queued: number
  /** Input bytes of tasks admitted and not yet finished. */
  queuedBytes: number
  /** Tasks whose thread finished them, also when nobody waited any more. */
  completed: number
  /** Tasks that failed by themselves. */
  failed: number
  /** Tasks that an abort took out of the queue, or stopped. */
  cancelled: number
  /** Calls of `run` that found no room, and tasks that waited for longer than `maxWait`. */
  rejected: number
  /** Thread time used, 0 to 1. */
  utilization: number
  /** From being admitted to being started, of tasks that were started. */
  waitTime: LatencySummary
  /** From being started to being done. */
  runTime: LatencySummary
  /** By `transform.name`; the 65th name and all after it count as `other`. */
  byTransform: Record<string, TransformStats>
}

/** What a pool counts of one transform. */
export interface TransformStats {
  /** Tasks that were finished. */
  completed: number
  /** Tasks that failed. */
  failed: number
  /** From being started to being done. */
  runTime: LatencySummary
}

// ---------------------------------------------------------------- the cache

/**
 * What an entry is called. `1` and `'1'` differ, as in a `Map`.
 * @example
 * const byId = new Cache<number, User>({ max: 1000 })
 */
export type Id = string | number | bigint

/**
 * What a loader is told, and may say.
 * @example
 * const load = async (id, context) => {
 *   const response = await fetch(`${service}/${id}`, { signal: context.signal })
 *   context.ttl = 1000 * seconds(response.headers) // as long as the service says
 *   context.store = response.ok
 *   return response.json()
 * }
 */
export interface LoadContext<V> {
  /** Aborts when nobody waits for the load any more, when it takes too long, and when the cache is closed. */
  readonly signal: AbortSignal
  /**
   * What is still held of the id, stale or not: for a service that says whether it has changed. `undefined` if there is
   * nothing, or if the load was taken over from a thread that ended.
   */
  readonly previous: V | undefined
  /**
   * Set it to give this value a lifetime of its own, in milliseconds, 0 or more; another value fails the load with a
   * `RangeError`. 0 keeps the value out of the cache, unless it may be served stale.
   */
  ttl: number | undefined
  /** Set it to `false` to keep the value out of the cache; what is held stays. Default `true`. */
  store: boolean
}

/**
 * Makes the value of an id. What it throws rejects everyone who waits, and nothing is stored.
 * @example
 * const load: Loader<string, User> = (id, { signal }) => db.user(id, { signal })
 */
export type Loader<K extends Id, V> = (id: K, context: LoadContext<V>) => V | Promise<V>

/**
 * Times are milliseconds from 0, whole numbers but for `loadTimeout` and `errorTtl`. An option that the cache does not know is refused.
 * @example
 * new Cache({ max: 10_000, ttl: 60_000, staleIfError: 600_000, loadTimeout: 2000, load })
 */
export interface CacheOptions<K extends Id, V> {
  /**
   * Entries held at most, 1 to 2,147,483,647. One of `max` and `maxBytes` is required: there is no unbounded cache. Default:
   * no bound.
   */
  max?: number | undefined
  /**
   * Bytes held at most, 1 or more, by `weigh` or, in native storage, by the encoded size; ids are not counted. What outweighs
   * it alone is delivered and not stored. Default: no bound.
   */
  maxBytes?: number | undefined
  /** What an entry weighs, 0 or more; rounded up. Required with `maxBytes` in heap storage. Default: the encoded size. */
  weigh?: ((value: V, id: K) => number) | undefined
  /** How long a value is fresh. With 0 nothing is, and the cache only shares loads. Default: for ever. */
  ttl?: number | undefined
  /** By which part `ttl` (an entry's own too) and `refreshAfter` are shortened at most, at random, 0 to 1. Default 0.05. */
  jitter?: number | undefined
  /** After this age a hit is answered at once and the value loaded anew behind the caller's back. Default: never. */
  refreshAfter?: number | undefined
  /** How long past its `ttl` a value may be served while its reload is under way. Default 0. */
  staleWhileRevalidate?: number | undefined
  /** How long past its `ttl` a value may be served after its reload failed. Default 0. */
  staleIfError?: number | undefined
  /**
   * After a failed load, do not load again for this long: a value that may still be served is, stale ones too, and where there
   * is none the same error. `set`, `delete`, `clear` and a `refresh` that succeeds end it. 1,024 failed ids are remembered at
   * most. Default 0.
   */
  errorTtl?: number | undefined
  /**
   * A load that runs longer rejects its callers with a `TimeoutError` (a `DOMException`), has its signal aborted, and frees the
   * id; in every thread that waits for it. It does not keep the process alive. 1 to 2,147,483,647. Default: none.
   */
  loadTimeout?: number | undefined
  /**
   * Makes the values that are missing. Default: none; `get` must bring one then. The type of the values is inferred from what
   * it returns, and its context has `any` for them.
   */
  // biome-ignore lint/suspicious/noExplicitAny: with V here, a loader that names its context would fix V before it returns one
  load?: ((id: K, context: LoadContext<any>) => V | Promise<V>) | undefined
  /**
   * Where values live. `'heap'`: the objects themselves. `'native'`: encoded bytes outside V8's heap, where its collector
   * does not see them, but for up to 4,096 decoded values (16 MiB of bytes) that were read twice. Default `'heap'`; `'native'` for a named cache, which
   * cannot be in the heap.
   */
  storage?: 'heap' | 'native' | undefined
  /**
   * How values become bytes in native storage: `'v8'` (structured clone; plain values are written as JSON, which says the same), `'json'`, `'bytes'` (Buffers as they are) or your own.
   * Default `'v8'`. Refused for heap storage. A value read twice may be the same object: do not change it.
   */
  codec?: 'v8' | 'json' | 'bytes' | { encode(value: V): Uint8Array; decode(bytes: Buffer): V } | undefined
  /**
   * One cache for every worker_thread of the process: one load at a time for an id, whichever thread asked. All that share it
   * must give the same options.
   */
  name?: string | undefined
  /**
   * Hears of entries that went, soon after, in the thread whose call was the cause; not of those that went with `close`. If
   * more than 1,024 wait to be told of, the oldest is told of at once. What it throws is a warning.
   */
  onEvict?: ((id: K, value: V, reason: 'size' | 'ttl' | 'replaced' | 'deleted') => void) | undefined
}

/**
 * A bounded cache with one load for an id at a time, however many ask. Whoever asks after `set`, `delete` or `clear` returned never
 * sees what was loaded before.
 *
 * Methods that return a promise never throw. All of them refuse an id that is none with a `TypeError`, and a closed cache with
 * ERR_OFFLOOP_CLOSED.
 *
 * @example
 * const users = new Cache({ max: 10_000, ttl: 60_000, load: id => db.user(id) })
 * const user = await users.get('42')
 */
export class Cache<K extends Id = string, V = unknown> {
  /** @throws TypeError or RangeError for bad options, or options that another cache of the same name does not have. */
  constructor(options: CacheOptions<K, V>)
  /**
   * The value, or one load shared by everyone who asks meanwhile. `load` takes the place of the cache's own. Without either a
   * value that is not held is a `TypeError`.
   *
   * Aborting `signal` rejects this caller with its reason; the load goes on as long as somebody else waits. With the cache's
   * own loader the call is `get(id, undefined, { signal })`.
   *
   * Rejects with what the loader threw, and with ERR_OFFLOOP_RECURSIVE_LOAD if the loader of an id asks for it.
   *
   * @example
   * const page = await pages.get(url, (url, { signal }) => render(url, signal), { signal: request.signal })
   */
  get(id: K, load?: Loader<K, V> | undefined, options?: { signal?: AbortSignal | undefined } | undefined): Promise<V>
  /**
   * The values of many ids, of which the missing ones are loaded in one call of `loadMany`, each still single-flight with
   * everyone else's. An id that `loadMany` does not bring is not in the result; an `Error` in its array fails that id alone. If
   * ids fail, rejects with an `AggregateError` that has their `ids` and the other `results`, or with the error itself if all
   * failed with that one. Without `loadMany` the cache's own loader is called for each. The context's signal aborts when nobody waits for
   * any of the ids any more.
   *
   * @example
   * const users = await cache.getMany(['1', '2'], ids => db.users(ids)) // Map { '1' => …, '2' => … }
   */
  getMany(
    ids: readonly K[],
    loadMany?:
      | ((ids: K[], context: { signal: AbortSignal }) => Promise<Map<K, V> | (V | Error)[]> | Map<K, V> | (V | Error)[])
      | undefined
  ): Promise<Map<K, V>>
  /**
   * What is held and fresh; no load, no promise, and it does not count as a use.
   * @example
   * const user = users.peek('42') ?? guest
   */
  peek(id: K): V | undefined
  /** Whether there is something held and fresh, `undefined` too. It does not count as a use. */
  has(id: K): boolean
  /**
   * Stores a value, for `ttl` milliseconds (0 to 2 ** 53 - 1) instead of the cache's. A load under way will not replace it. A
   * value that outweighs the cache is not stored, and what was held of its id is gone.
   * @throws TypeError if native storage cannot encode the value
   * @example
   * tokens.set(id, token, { ttl: token.expiresIn * 1000 })
   */
  set(id: K, value: V, options?: { ttl?: number | undefined } | undefined): void
  /**
   * Whether there was an entry, stale or not, but not one that is gone by its times. A load under way will not store its
   * result, which by itself makes it no entry.
   */
  delete(id: K): boolean
  /** Deletes all. Loads under way will not store their results. */
  clear(): void
  /**
   * Loads anew with the cache's own loader, whatever is held; joins a load under way. If it fails, what is held stays; where
   * that is past its `ttl` and `staleIfError` still lets it be served, the promise resolves with it, and else rejects.
   * @example
   * setInterval(() => rates.refresh('EUR').catch(log), 60_000)
   */
  refresh(id: K): Promise<V>
  /**
   * What is fresh at the time of the call, the most recently used first. In native storage all bytes are copied at once.
   * @example
   * for (const [id, user] of users) console.log(id, user)
   */
  entries(): IterableIterator<[K, V]>
  [Symbol.iterator](): IterableIterator<[K, V]>
  /** Entries held, stale ones too; 0 once it is closed. */
  readonly size: number
  /** What they weigh; 0 once it is closed. */
  readonly bytes: number
  /**
   * A snapshot.
   * @example
   * const { hits, misses } = users.stats()
   */
  stats(): CacheStats
  /**
   * New bounds, which hold when it returns; one that is left out stays as it is.
   * @example
   * users.resize({ max: 500 })
   */
  resize(limits: { max?: number | undefined; maxBytes?: number | undefined }): void
  /**
   * Lets go of everything; whoever waits is rejected with ERR_OFFLOOP_CLOSED. A named cache goes on for other threads. May be
   * called again. A cache that is merely forgotten is let go of too.
   */
  close(): void
  /** The same as {@link Cache.close}. */
  [Symbol.dispose](): void
}

/** Entries that left a cache, by what became of them. */
export interface Evictions {
  /** There was no room. */
  size: number
  /** They had expired. */
  ttl: number
  /** Another value took their place. */
  replaced: number
  /** `delete` or `clear` took them. */
  deleted: number
}

/** Counters since the cache was made, for all threads that share it. */
export interface CacheStats {
  /** Entries held, stale ones too. */
  size: number
  /** What they weigh. */
  bytes: number
  /** Calls that were answered with a fresh value. */
  hits: number
  /** Calls that were answered with a value past its `ttl`, by `staleWhileRevalidate`. */
  staleHits: number
  /** Calls of `get` that found nothing to serve at once; each id of `getMany` counts. */
  misses: number
  /** Loads that began, those behind a caller's back too. */
  loads: number
  /** Callers that joined a load under way. */
  coalesced: number
  /** Loads that failed, those that took too long too. One that stopped because nobody waited any more is none of them. */
  loadFailures: number
  /** Loads under way. */
  inFlight: number
  /** Entries that went, by reason. */
  evictions: Evictions
  /** Milliseconds from the call of the loader to its outcome. */
  loadTime: LatencySummary
}

// ---------------------------------------------------------------- streams

/** Options of {@link Pool.stream} and {@link Pool.sink}. One that is not known is refused. */
export interface StreamOptions {
  /**
   * Bytes that are taken ahead of the work, 0 or more, besides as many in Node's own buffer; a single chunk may be larger. With
   * `objectMode` objects in Node's buffer. Default 1 MiB, or 16 objects.
   */
  highWaterMark?: number | undefined
  /** Aborting it destroys the stream with an `AbortError`. */
  signal?: AbortSignal | undefined
  /** As of {@link RunOptions}. */
  priority?: RunOptions['priority']
}

export interface SinkOptions<Out> extends StreamOptions {
  /** Take each chunk, or in `objectMode` each object, as one input. Default: the transform consumes the whole stream. */
  each?: boolean | undefined
  /** Chunks in progress at most, 1 or more. Only with `each`: without it the stream is one task. Default: four for each thread. */
  concurrency?: number | undefined
  /** Chunks are inputs of any kind, and none is cut or joined. Default `false`: strings become bytes by their encoding. */
  objectMode?: boolean | undefined
  /**
   * Called with each result, in the order written. The sink waits for a promise that it returns, and so does whoever writes;
   * what it throws destroys the sink. Only with `each`.
   */
  onResult?: ((result: Out, index: number) => unknown) | undefined
}

/** The Duplex of {@link Pool.stream}. */
export interface TransformDuplex extends Duplex {
  /**
   * Brings out all that was written before, then calls back: a compressor ends a block, so that its reader can decompress what
   * it has. Each flush costs compression.
   * @example
   * events.write(`data: ${text}\n\n`)
   * events.flush()
   */
  flush(callback?: (error?: Error | null) => void): void
}

/**
 * A Writable that works on the pool's threads. `write()` returns `false`, `'drain'`, `final`, `destroy` and `pipeline` mean what
 * Node says they mean. Made by {@link Pool.sink}.
 */
export class Sink<Out> extends Writable {
  private constructor()
  /**
   * What the transform gave, or with `each` how many chunks were done. Rejects with whatever destroyed the sink, or with
   * ERR_STREAM_PREMATURE_CLOSE.
   */
  readonly result: Promise<Out>
  /** A snapshot. `stalls` is how often whoever wrote had to wait. */
  stats(): SinkStats
}

/** What a {@link Sink} has done and holds. */
export interface SinkStats {
  /** Chunks that were taken. */
  written: number
  /** Chunks that are done. */
  completed: number
  /** Chunks that are taken and not done. */
  inFlight: number
  /** Their bytes. */
  inFlightBytes: number
  /** How often a chunk had to wait for room. */
  stalls: number
}

// ---------------------------------------------------------------- metrics

/** What `collectMetrics` of `offloop/prometheus` and `observeMetrics` of `offloop/opentelemetry` measure, and by which names. */
export interface MetricSources {
  /** Pools that have names of their own, or an object with a pool for each name. Default: none. */
  pools?: readonly Pool[] | Readonly<Record<string, Pool>> | undefined
  /** A cache for each name. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: a cache of ids and values of any kind
  caches?: Readonly<Record<string, Cache<any, any>>> | undefined
  /** A sink for each name, until it is finished or destroyed. Default: none. */
  sinks?: Readonly<Record<string, Sink<unknown>>> | undefined
}

// ---------------------------------------------------------------- errors

/**
 * Every failure of this package that is not the caller's `signal.reason`, a TypeError/RangeError for bad arguments, or an `Error` of
 * code `ERR_MEMORY_ALLOCATION_FAILED` for a copy without memory.
 */
export class OffloopError extends Error {
  constructor(
    code: OffloopError['code'],
    message: string,
    details?: { transform?: string; offset?: number | undefined }
  )
  /** Which failure it is. */
  readonly code:
    | 'ERR_OFFLOOP_QUEUE_FULL'
    | 'ERR_OFFLOOP_QUEUE_TIMEOUT'
    | 'ERR_OFFLOOP_CLOSED'
    | 'ERR_OFFLOOP_INVALID_DATA'
    | 'ERR_OFFLOOP_OUTPUT_LIMIT'
    | 'ERR_OFFLOOP_AUTHENTICATION'
    | 'ERR_OFFLOOP_PANIC'
    | 'ERR_OFFLOOP_WORKER_EXIT'
    | 'ERR_OFFLOOP_RECURSIVE_LOAD'
    | 'ERR_OFFLOOP_UNSUPPORTED'
  /** The transform that failed: the step, in a chain. */
  readonly transform?: string
  /** How far into the input (of the step that failed) the decoder had read when it met what is wrong, where known. */
  readonly offset?: number
  /** Which of the inputs of `map` or `iterate` it was. */
  readonly index?: number
}

'use strict'

// Frames of a connection. A process sends commands; the keeper sends replies, failures, messages and echoes.

/**
 * @typedef {import('../engine').Command} Command
 * @typedef {(value: any) => boolean} Check
 */

/** First field of a header that the keeper sends. */
const KINDS = /** @type {const} */ ({ reply: 0, failure: 1, message: 2, echo: 3 })
/** Largest frame, in bytes: the largest value, and a header. */
const MAX_FRAME = (64 << 20) + (64 << 10)
/** Maximum lengths: name of a cache, key, token, and settings of a cache. */
const MAX = { name: 1000, key: 300, token: 32, settings: 10_000 }
/** Maximum number of keys in a command. */
const MAX_KEYS = 1000

/** @type {(max: number) => Check} */
const text = max => value => typeof value === 'string' && value.length <= max
/** @type {(values: readonly string[]) => Check} */
const oneOf = values => value => values.includes(value)
/** @type {Check} */
const isNumber = value => typeof value === 'number' && value >= 0
/** @type {Check} */
const isNothing = value => value === null || value === undefined
/** @type {(fields: Record<string, Check>) => Check} */
const object = fields => value =>
  typeof value === 'object' && value !== null && Object.entries(fields).every(([name, check]) => check(value[name]))

const isToken = text(MAX.token)
const isBody = object({ codec: text(1), compression: text(1) })
const isLifetime = object({ refresh: isNumber, fresh: isNumber, keep: isNumber })

/** Checks of the arguments. @type {Record<Command['name'], Check>} */
const ARGUMENTS = {
  take: object({
    token: isToken,
    leaseTtl: isNumber,
    mode: oneOf(['load', 'refresh', 'look', 'fallback']),
    known: isToken,
    revalidates: isNumber,
    servesOnError: isNumber,
    notAfter: isNumber
  }),
  store: object({ token: isToken, body: isBody, lifetime: isLifetime }),
  finish: object({
    token: isToken,
    outcome: oneOf(['error', 'unshared', 'local', 'abandoned']),
    body: value => isNothing(value) || isBody(value),
    keep: isNumber,
    servesOnError: isNumber
  }),
  renew: object({ token: isToken, leaseTtl: isNumber }),
  put: object({ version: isToken, body: isBody, lifetime: isLifetime, notAfter: isNumber }),
  dropVersion: object({ version: isToken }),
  drop: keys => Array.isArray(keys) && keys.length <= MAX_KEYS && keys.every(text(MAX.key)),
  clear: isNothing,
  agree: text(MAX.settings),
  subscribe: isNothing,
  unsubscribe: isNothing,
  beat: isNumber
}

/**
 * Returns the command of a frame, with its number. Throws if the frame is malformed.
 * @param {any} header
 * @param {Buffer} bytes
 * @returns {{ number: number, command: Command }}
 */
function commandOf(header, bytes) {
  if (!Array.isArray(header)) throw new Error('a header is not an array')
  const [number, name, cache, key, argument] = header
  const isKnown = typeof name === 'string' && Object.hasOwn(ARGUMENTS, name)
  if (!isNumber(number) || !isKnown) throw new Error('an unknown command')
  const check = ARGUMENTS[/** @type {Command['name']} */ (name)]
  if (!text(MAX.name)(cache) || !text(MAX.key)(key) || !check(argument)) throw new Error(`a malformed ${name} command`)
  return {
    number,
    command: { name: /** @type {Command['name']} */ (name), cache, key, argument: withBytes(argument, own(bytes)) }
  }
}

/** Copies bytes: a record must not keep the memory of a whole chunk. @param {Buffer} bytes */
function own(bytes) {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/**
 * Adds the bytes to the body of an argument, a reply or a message, if there is one.
 * @param {any} value
 * @param {Buffer} bytes
 */
function withBytes(value, bytes) {
  if (value?.body) value.body.bytes = bytes
  return value ?? undefined
}

/**
 * Separates the bytes of a body, which follow the header.
 * @param {any} value
 * @returns {[value: unknown, bytes: Uint8Array | undefined]}
 */
function split(value) {
  const { codec, compression, bytes } = value?.body ?? {}
  return bytes === undefined ? [value, undefined] : [{ ...value, body: { codec, compression } }, bytes]
}

module.exports = { KINDS, MAX_FRAME, commandOf, split, withBytes }

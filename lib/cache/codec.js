'use strict'

const { inspect } = require('node:util')
const { isBigIntObject, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const { bufferOf } = require('../internal/typed-array')
const { withCode } = require('../internal/errors')
const { findDetached, isDetached, detachedMessage } = require('../internal/detached')
const { toText } = require('../internal/error-codec')
const { lazy } = require('../internal/lazy')
const { checkMemory, formatValue, invalidType } = require('../internal/validate')
const { formatId } = require('./format-id')
const { isJsonSafe } = require('./is-json-safe')

/**
 * @template V
 * @typedef {{ encode(value: V): Uint8Array, decode(bytes: Buffer): V, copies?: boolean }} Codec `copies`: decoded values do
 *   not refer to the memory of the bytes
 */

/**
 * @typedef {object} Engine
 * @property {(value: unknown) => Buffer} serialize
 * @property {(bytes: Buffer) => any} deserialize
 * @property {number} firstByte first byte that `serialize` writes. It differs by engine; no JSON text starts with it
 */

/** Returns the serializer of this runtime. @type {() => Engine} */
const engine = lazy(() => {
  const v8 = require('node:v8')
  return { serialize: makeSerialize(v8), deserialize: v8.deserialize, firstByte: v8.serialize(null)[0] }
})

/**
 * Returns `v8.serialize`, changed to refuse an out-of-bounds view instead of writing an empty one. Bun has no serializer to
 * derive from.
 * @param {typeof import('node:v8')} v8
 * @returns {(value: unknown) => Buffer}
 */
function makeSerialize(v8) {
  try {
    class Serializer extends /** @type {any} */ (v8.DefaultSerializer) {
      /** @param {ArrayBufferView} view */
      _writeHostObject(view) {
        checkMemory('it', view)
        return super._writeHostObject(view)
      }
    }
    const serialize = (/** @type {unknown} */ value) => {
      const serializer = new Serializer()
      serializer.writeHeader()
      serializer.writeValue(value)
      return serializer.releaseBuffer()
    }
    serialize(null)
    return serialize
  } catch {
    return v8.serialize
  }
}

/** JSON of detached memory, and of some other values: a value is searched for detached memory if its JSON contains one of these. */
const EMPTY_JSON = ['{}', '"data":[]']

/** @type {Record<string, Codec<any>>} */
const CODECS = {
  v8: {
    encode(value) {
      if (isJsonSafe(value)) return Buffer.from(JSON.stringify(value))
      try {
        return engine().serialize(value)
      } catch (cause) {
        const { cloneReason } = require('../internal/clone-error')
        throw new TypeError(cloneReason('value', value, cause), { cause })
      }
    },
    // Deserialized views may lie in the memory that was read.
    decode(bytes) {
      const { deserialize, firstByte } = engine()
      return bytes[0] === firstByte ? deserialize(Buffer.from(bytes)) : JSON.parse(bytes.toString())
    },
    copies: true
  },
  json: {
    encode(value) {
      const text = stringify(value)
      if (text === undefined) throw new TypeError(`${formatValue(value)} cannot be represented in JSON`)
      if (EMPTY_JSON.some(empty => text.includes(empty))) checkJson(value)
      return Buffer.from(text)
    },
    decode: bytes => JSON.parse(bytes.toString()),
    copies: true
  },
  bytes: {
    encode(value) {
      if (!isUint8Array(value)) throw invalidType('it', 'an instance of Buffer or Uint8Array', value)
      return value
    },
    decode: bytes => bytes
  }
}

/**
 * Resolves `options.codec`, which is a codec or the name of one.
 * @param {unknown} codec
 * @returns {Codec<any>}
 */
function resolveCodec(codec) {
  if (codec === undefined) return CODECS.v8
  if (typeof codec === 'string' && Object.hasOwn(CODECS, codec)) return CODECS[codec]
  const custom = /** @type {Partial<Codec<any>> | null} */ (codec)
  if (typeof custom === 'object' && typeof custom?.encode === 'function' && typeof custom.decode === 'function') {
    const { encode, decode } = /** @type {Codec<any>} */ (custom)
    return { encode: value => encode.call(custom, value), decode: bytes => decode.call(custom, bytes) }
  }
  throw invalidType('The "options.codec" property', "'v8', 'json', 'bytes' or an object with encode and decode", codec)
}

/** Returns the JSON of a value. An error about a BigInt gives the path to the BigInt. @param {unknown} value */
function stringify(value) {
  try {
    return JSON.stringify(value)
  } catch (error) {
    const path = pathToBigInt(value)
    throw path === undefined ? error : new TypeError(`${path} is a BigInt, which JSON cannot represent`)
  }
}

/** Returns the path of the first BigInt in the JSON of a value. @param {unknown} value */
function pathToBigInt(value) {
  /** @type {string | undefined} */
  let found
  /** Path of each object visited. */
  const paths = new Map()
  try {
    JSON.stringify(value, function (key, member) {
      const { formatStep } = require('../internal/clone-error')
      const path = paths.has(this) ? `${paths.get(this)}${formatStep(this, key)}` : 'value'
      if (typeof member === 'bigint' || isBigIntObject(member)) found ??= path
      if (typeof member === 'object') paths.set(member, path)
      return found === undefined ? member : undefined
    })
  } catch {
    // Another fault, such as a cycle, ended the search.
  }
  return found
}

/** Throws if a value contains detached memory. @param {unknown} value */
function checkNested(value) {
  const found = findDetached(value, 'value')
  if (found !== undefined) throw new TypeError(detachedMessage(found.path, found.memory))
}

/** Throws if the JSON of a value comes from detached memory. @param {unknown} value */
function checkJson(value) {
  JSON.stringify(value, function (key, member) {
    for (const memory of [this[key], member]) {
      if (!isDetached(memory)) continue
      checkNested(value)
      // A toJSON returned the detached memory.
      throw new TypeError(detachedMessage('a value in its JSON', memory))
    }
    return member
  })
}

/**
 * @param {Codec<any>} codec
 * @param {import('../../index').CacheId} id
 * @param {unknown} value
 * @returns {Uint8Array}
 */
function encode(codec, id, value) {
  let bytes
  try {
    bytes = codec.encode(value)
  } catch (cause) {
    throw codecError('encoded', id, cause)
  }
  checkMemory("The result of the codec's encode()", bytes)
  if (!isUint8Array(bytes)) throw invalidType("The result of the codec's encode()", 'an instance of Uint8Array', bytes)
  // Other threads could write to shared memory while native code copies it.
  return isSharedArrayBuffer(bufferOf(bytes)) ? new Uint8Array(bytes) : bytes
}

/**
 * @param {Codec<any>} codec
 * @param {import('../../index').CacheId} id
 * @param {Buffer} bytes
 */
function decode(codec, id, bytes) {
  try {
    return codec.decode(bytes)
  } catch (cause) {
    throw codecError('decoded', id, cause)
  }
}

/** Describes a value thrown by user code. @param {unknown} cause */
function reasonOf(cause) {
  try {
    return cause instanceof Error ? cause.message : inspect(cause)
  } catch {
    return toText(cause)
  }
}

/**
 * @param {'encoded' | 'decoded'} participle
 * @param {import('../../index').CacheId} id
 * @param {unknown} cause
 */
function codecError(participle, id, cause) {
  const message = `The value of ${formatId(id)} cannot be ${participle}: ${reasonOf(cause)}`
  return withCode(new TypeError(message, { cause }), 'ERR_INVALID_ARG_VALUE')
}

module.exports = { resolveCodec, decode, encode }

'use strict'

// Inputs of named fields: `{ data, aad }`. Their contents are packed one after the other, then the length of each
// (src/transform/fields.rs).

const { isAnyArrayBuffer, isUint8Array } = require('node:util').types
const { bufferOf, bytesOf, lengthOf, offsetOf } = require('../internal/typed-array')
const { checkMemory, invalidSecret, invalidValue } = require('../internal/validate')
const { Transform } = require('../native/transform')
const { MAX_UTF8, estimateUtf8, textPieces } = require('../json/utf-encoder')
const { bytePieces, checkLength } = require('./byte-pieces')

/**
 * @typedef {'text' | 'bytes' | 'bytes or text'} Kind
 * @typedef {{ kind: Kind, isRequired: boolean }} Field
 * @typedef {object} Spec
 * @property {Readonly<Record<string, Field>>} fields in the order of native code
 * @property {boolean} acceptsBytes whether plain bytes or text are an input too
 *
 * @typedef {string | Uint8Array | undefined} Content
 */

const BYTES = 'an instance of ArrayBuffer, SharedArrayBuffer, Buffer, TypedArray, or DataView'
/** @type {Record<Kind, string>} */
const EXPECTED = { text: 'of type string', bytes: BYTES, 'bytes or text': `a string or ${BYTES}` }

/** @type {(kind: Kind) => Field} */
const required = kind => ({ kind, isRequired: true })
/** @type {(kind: Kind) => Field} */
const optional = kind => ({ kind, isRequired: false })

const data = required('bytes or text')
const aad = optional('bytes or text')

/** Accepted fields, by name of the transform. @type {Readonly<Record<string, Spec>>} */
const SPECS = {
  seal: { fields: { data, aad, nonce: optional('bytes') }, acceptsBytes: true },
  open: { fields: { data: required('bytes'), aad }, acceptsBytes: true },
  verifyPassword: { fields: { password: data, hash: required('text') }, acceptsBytes: false }
}

/** Bytes in which a length is packed. */
const LENGTH_BYTES = 8
/** Each half of the length of an absent field. */
const ABSENT = 0xffffffff

/** The checked contents of an input of named fields. */
class FieldsInput {
  #contents
  /** Lengths of the contents that are bytes, at the time they were read. */
  #lengths

  /** @param {readonly Content[]} contents in the order of native code */
  constructor(contents) {
    this.#contents = contents
    this.#lengths = contents.map(content => (typeof content === 'object' ? lengthOf(content) : 0))
    /** Maximum bytes of the packed input. */
    this.maxBytes = this.#sum(text => text.length * MAX_UTF8)
    Object.freeze(this)
  }

  get estimatedBytes() {
    return this.#sum(estimateUtf8)
  }

  /** @param {(text: string) => number} sizeOfText */
  #sum(sizeOfText) {
    let sum = LENGTH_BYTES * this.#contents.length
    for (const [index, content] of this.#contents.entries()) {
      sum += typeof content === 'string' ? sizeOfText(content) : this.#lengths[index]
    }
    return sum
  }

  /**
   * Writes the packed input to a buffer that has room for it. Returns the number of bytes written.
   * @param {Buffer} buffer
   * @param {number} offset
   */
  write(buffer, offset) {
    let end = offset
    const lengths = this.#contents.map((content, index) => {
      if (content === undefined) return undefined
      const length = typeof content === 'string' ? buffer.write(content, end) : this.#lengths[index]
      if (typeof content !== 'string') {
        checkLength(content, length)
        // A shared buffer may grow at any time.
        buffer.set(new Uint8Array(bufferOf(content), offsetOf(content), length), end)
      }
      end += length
      return length
    })
    buffer.set(packedLengths(lengths), end)
    return end + LENGTH_BYTES * lengths.length - offset
  }

  /**
   * Yields the packed input, in pieces that are copied before the next one.
   * @returns {import('./byte-pieces').Pieces}
   */
  *pieces() {
    let copied = 0
    const lengths = []
    for (const [index, content] of this.#contents.entries()) {
      const start = copied
      if (typeof content === 'string') for (const piece of textPieces(content)) copied = yield piece
      else if (content !== undefined) {
        checkLength(content, this.#lengths[index])
        for (const piece of bytePieces(content, this.#lengths[index])) copied = yield piece
      }
      lengths.push(content === undefined ? undefined : copied - start)
    }
    yield packedLengths(lengths)
  }
}

/** @param {readonly (number | undefined)[]} lengths */
function packedLengths(lengths) {
  const packed = Buffer.alloc(LENGTH_BYTES * lengths.length)
  for (const [index, length] of lengths.entries()) {
    packed.writeUInt32LE(length === undefined ? ABSENT : length % 2 ** 32, LENGTH_BYTES * index)
    packed.writeUInt32LE(length === undefined ? ABSENT : Math.floor(length / 2 ** 32), LENGTH_BYTES * index + 4)
  }
  return packed
}

/**
 * Returns the fields that a transform accepts, or those of the first step of a chain.
 * @param {Transform} transform
 * @returns {Spec | undefined}
 */
function fieldsOf(transform) {
  return SPECS[Transform.firstStep(transform)]
}

/**
 * Whether a value may have named fields.
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !isAnyArrayBuffer(value)
}

/** Describes an input for a message. @param {Spec} spec */
function describeFields({ fields }) {
  return `an object with the properties ${listOf(fields)}`
}

/** @param {Spec['fields']} fields */
function listOf(fields) {
  return Object.keys(fields)
    .map(name => `'${name}'`)
    .join(', ')
}

/**
 * Reads each property of an input once and checks it. Afterwards no user code runs.
 * @param {unknown} input
 * @param {Spec} spec
 * @param {string} path as in `inputs[3]`
 */
function readFields(input, spec, path) {
  const { fields } = spec
  const names = Object.keys(fields)
  const name = path === 'input' ? 'The "input" argument' : path
  if (!isRecord(input)) throw invalidSecret(name, describeFields(spec), input)
  for (const key in input) {
    if (Object.hasOwn(fields, key) || input[key] === undefined) continue
    throw invalidValue(`The property '${path}.${key}' is unknown. The properties are ${listOf(fields)}`)
  }
  const contents = names.map(name => input[name])
  return new FieldsInput(
    names.map((name, index) => checkContent(contents[index], fields[name], `The "${path}.${name}" property`))
  )
}

/**
 * @param {unknown} content
 * @param {Field} field
 * @param {string} name
 * @returns {Content}
 */
function checkContent(content, { kind, isRequired }, name) {
  if (content === undefined && !isRequired) return undefined
  if (typeof content === 'string' && kind !== 'bytes') return content
  if (kind === 'text') throw invalidSecret(name, EXPECTED[kind], content)
  checkMemory(name, content)
  if (isUint8Array(content)) return content
  if (ArrayBuffer.isView(content)) return bytesOf(content)
  if (isAnyArrayBuffer(content)) return new Uint8Array(content)
  throw invalidSecret(name, EXPECTED[kind], content)
}

module.exports = { BYTES, FieldsInput, describeFields, fieldsOf, isRecord, readFields }

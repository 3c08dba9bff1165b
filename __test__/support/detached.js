'use strict'

// Detached or out-of-bounds memory of every class.

const { Buffer } = require('node:buffer')

/** @type {any[]} */
const CLASSES = [
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView
]
// Not in every supported Node.js version.
if ('Float16Array' in globalThis) CLASSES.push(/** @type {any} */ (globalThis).Float16Array)

/**
 * Detaches the memory of a view.
 * @template {{ buffer: ArrayBufferLike }} V
 * @param {V} view
 */
function detach(view) {
  structuredClone(view.buffer, { transfer: [/** @type {ArrayBuffer} */ (view.buffer)] })
  return view
}

/** Makes a view of the second half of a buffer, then shrinks the buffer. @param {(buffer: ArrayBuffer) => any} make */
function shrink(make) {
  const buffer = new /** @type {any} */ (ArrayBuffer)(16, { maxByteLength: 16 })
  const view = make(buffer)
  buffer.resize(4)
  return view
}

/**
 * Factories of detached memory, by its name in messages.
 * @type {Record<string, () => any>}
 */
const DETACHED = {
  'a detached Buffer': () => detach(Buffer.from(new ArrayBuffer(8))),
  'a detached ArrayBuffer': () => detach(new Uint8Array(8)).buffer,
  'an out-of-bounds Buffer': () => shrink(buffer => Buffer.from(buffer, 8, 8))
}
for (const Class of CLASSES) {
  DETACHED[`a detached ${Class.name}`] = () => detach(new Class(new ArrayBuffer(8)))
  const length = Class === DataView ? 8 : 8 / Class.BYTES_PER_ELEMENT
  DETACHED[`an out-of-bounds ${Class.name}`] = () => shrink(buffer => new Class(buffer, 8, length))
}

/** Returns the message for detached memory. */
const detachedMessage = (/** @type {string} */ name, /** @type {string} */ received) =>
  `${name} must not be detached or out of bounds: its memory was transferred, moved or resized away. Received ${received}`

/** Returns the expected error for detached memory. */
const detachedError = (/** @type {string} */ name, /** @type {string} */ received) => ({
  name: 'TypeError',
  code: 'ERR_INVALID_ARG_TYPE',
  message: detachedMessage(name, received)
})

/** Factories of empty bytes that are not detached. @type {(() => any)[]} */
const EMPTY = [
  () => new ArrayBuffer(0),
  () => Buffer.alloc(0),
  ...CLASSES.map(Class => () => new Class(new ArrayBuffer(8), 8, 0)),
  // Length-tracking views.
  ...CLASSES.filter(Class => Class !== DataView).map(Class => () => {
    const buffer = new /** @type {any} */ (ArrayBuffer)(16, { maxByteLength: 16 })
    const view = new Class(buffer, 8)
    buffer.resize(8)
    return view
  }),
  () => new Uint8Array(new SharedArrayBuffer(0))
]

module.exports = { DETACHED, EMPTY, detach, detachedError, detachedMessage }

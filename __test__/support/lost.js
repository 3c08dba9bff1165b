'use strict'

// Memory that is lost, in all of JavaScript's clothes.

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
// Newer lines of Node have it.
if ('Float16Array' in globalThis) CLASSES.push(/** @type {any} */ (globalThis).Float16Array)

/** Takes the memory away. @template {{ buffer: ArrayBufferLike }} V @param {V} view */
function detach(view) {
  structuredClone(view.buffer, { transfer: [/** @type {ArrayBuffer} */ (view.buffer)] })
  return view
}

/** A view of the second half of memory that is then made smaller. @param {(buffer: ArrayBuffer) => any} make */
function shrink(make) {
  const buffer = new /** @type {any} */ (ArrayBuffer)(16, { maxByteLength: 16 })
  const view = make(buffer)
  buffer.resize(4)
  return view
}

/**
 * Makes each of them, by what messages call it.
 * @type {Record<string, () => any>}
 */
const LOST = {
  'a detached Buffer': () => detach(Buffer.from(new ArrayBuffer(8))),
  'a detached ArrayBuffer': () => detach(new Uint8Array(8)).buffer,
  'an out-of-bounds Buffer': () => shrink(buffer => Buffer.from(buffer, 8, 8))
}
for (const Class of CLASSES) {
  LOST[`a detached ${Class.name}`] = () => detach(new Class(new ArrayBuffer(8)))
  const length = Class === DataView ? 8 : 8 / Class.BYTES_PER_ELEMENT
  LOST[`an out-of-bounds ${Class.name}`] = () => shrink(buffer => new Class(buffer, 8, length))
}

/** The one message. @param {string} name of the argument @param {string} what */
const message = (name, what) =>
  `${name} must not be detached or out of bounds: its memory was transferred, moved or resized away. Received ${what}`

/** The error of it. @param {string} name @param {string} what */
const refused = (name, what) => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: message(name, what) })

/** What looks as empty, and is there. @type {(() => any)[]} */
const EMPTY = [
  () => new ArrayBuffer(0),
  () => Buffer.alloc(0),
  ...CLASSES.map(Class => () => new Class(new ArrayBuffer(8), 8, 0)),
  // It follows its memory, and ends where that does.
  ...CLASSES.filter(Class => Class !== DataView).map(Class => () => {
    const buffer = new /** @type {any} */ (ArrayBuffer)(16, { maxByteLength: 16 })
    const view = new Class(buffer, 8)
    buffer.resize(8)
    return view
  }),
  () => new Uint8Array(new SharedArrayBuffer(0))
]

module.exports = { CLASSES, EMPTY, LOST, detach, message, refused }

'use strict'

const { isAnyArrayBuffer, isArrayBuffer, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const { bufferOf, bytesOf, lengthOf, memoryOf, sizeOfBytes, sizeOfMemory } = require('../internal/typed-array')
const { isDetached } = require('../internal/detached')
const native = require('../native')
const { copyBytes, copyText, copyJson } = require('./chunked-copy')
const { Reservation } = require('../native/reservation')
const { Transform } = require('../native/transform')
const { checkMemory, invalidType, detachedError } = require('../internal/validate')

/**
 * @typedef {import('../native/binding').Bound} Bound
 * @typedef {import('../json/input').JsonInput} JsonInput
 */

/** Above this many bytes an input is copied in pieces, so that the copy does not hold the loop either. */
const LARGE_BYTES = 1 << 20
/** Up to this many bytes an input goes through memory that native code finds faster than a view of its own. */
const SCRATCH_BYTES = 4096
/** UTF-8 needs at most this many bytes for a UTF-16 code unit. */
const MAX_UTF8 = 3
/** Inputs of `map` up to this many bytes travel in batches. */
const MAX_BATCHED_BYTES = 16 << 10

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/** What its owner gives away. */
class Moved {
  #isMoved = true

  /** Like `instanceof`, but runs no code of the value. @param {unknown} value @returns {value is Moved} */
  static is(value) {
    return typeof value === 'object' && value !== null && #isMoved in value
  }

  /**
   * @param {unknown} value
   * @param {any[]} transfer what of it changes hands between threads of JavaScript
   */
  constructor(value, transfer) {
    this.value = value
    this.transfer = transfer
    Object.freeze(this)
  }
}

// A thread of a user's module knows a result by it that is given away: it may have another copy of this file.
Object.defineProperty(Moved.prototype, Symbol.for('offloop.moved'), {
  get() {
    return this.transfer
  }
})

/**
 * @param {unknown} value
 * @param {readonly unknown[]} [transfer]
 */
function move(value, transfer) {
  if (transfer !== undefined) {
    if (!Array.isArray(transfer)) throw invalidType('The "transfer" argument', 'an instance of Array', transfer)
    for (const [index, entry] of transfer.entries()) checkTransferable(entry, `transfer[${index}]`)
    return new Moved(value, [...transfer])
  }
  // The task that receives it reports the error.
  if (isDetached(value)) return new Moved(value, [])
  if (ArrayBuffer.isView(value)) return new Moved(value, ownsMemory(value) ? [memoryOf(value)] : [])
  if (isArrayBuffer(value) || value instanceof MessagePort) return new Moved(value, [value])
  if (isSharedArrayBuffer(value)) return new Moved(value, [])
  const expected = 'an instance of ArrayBuffer, Buffer, TypedArray, DataView, or MessagePort, or come with a list'
  throw invalidType('The "value" argument', expected, value)
}

/** @param {unknown} entry of a transfer list @param {string} name */
function checkTransferable(entry, name) {
  const isView = ArrayBuffer.isView(entry)
  if (typeof entry === 'object' && entry !== null && (!isView || isDetached(entry))) return
  const hint = isView ? ' (of a view, its buffer)' : ''
  throw invalidType(name, `an ArrayBuffer, a MessagePort or another transferable object${hint}`, entry)
}

/** Whether a view is of memory that nobody else uses, as Node's slab for small Buffers is not. @param {ArrayBufferView} view */
function ownsMemory(view) {
  const memory = memoryOf(view)
  return sizeOfBytes(view) === sizeOfMemory(memory) && isTransferable(memory)
}

/** Memory that its owner moved as a whole, so that a task can borrow it. */
class BorrowedMemory {
  /** @param {Uint8Array} bytes @param {ArrayBuffer} buffer that holds nothing else */
  constructor(bytes, buffer) {
    this.bytes = bytes
    this.buffer = buffer
  }
}

/** @typedef {string | Uint8Array | BorrowedMemory | JsonInput} CheckedInput a checked input: using it runs no user code */

/**
 * Checks an input. This is the last step that may run user code: call it before reserving room for the input.
 * @param {unknown} input
 * @returns {CheckedInput}
 */
function checkInput(input) {
  if (typeof input === 'string') return input
  if (!Moved.is(input)) return asUint8Array(input)
  const bytes = asUint8Array(input.value)
  const buffer = bufferOf(bytes)
  const length = lengthOf(bytes)
  if (length === 0) checkAttached(bytes)
  if (length === 0 || length !== sizeOfMemory(buffer) || !isTransferable(buffer)) return bytes
  return new BorrowedMemory(bytes, buffer)
}

/**
 * Submits one input. Returns which bound of the pool is reached, if one is; then nothing has happened. Returns the
 * copy if the input will be copied in pieces.
 * @param {CheckedInput} input
 * @param {import('./contract').NativeTask} task
 * @param {Transform} transform
 * @param {Reservation} reservation
 * @returns {Bound | import('./chunked-copy').ChunkedCopy | null}
 */
function submitInput(input, task, transform, reservation) {
  const handle = Transform.handle(transform)
  if (typeof input === 'string') {
    const encodeText = Transform.textEncoder(transform)
    if (input.length * MAX_UTF8 > LARGE_BYTES) return copyText(input, encodeText, task, handle, reservation)
    const text = encodeText?.(input) ?? input
    return native.submitText(task.pool.handle, handle, task.id, text, task.priority, reservation.take())
  }
  if (isUint8Array(input)) return submitBytes(input, task, handle, reservation)
  if (input instanceof BorrowedMemory) return submitBorrowed(input, task, handle, reservation)
  const { text } = input
  if (text === undefined) return copyJson(input, task, handle, reservation)
  return native.submitText(task.pool.handle, handle, task.id, text, task.priority, reservation.take())
}

/**
 * @param {Uint8Array} bytes
 * @param {import('./contract').NativeTask} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function submitBytes(bytes, task, transform, reservation) {
  const length = lengthOf(bytes)
  if (length > LARGE_BYTES) return copyBytes(bytes, task, transform, reservation)
  let view = bytes
  if (length <= SCRATCH_BYTES) {
    scratch.set(bytes)
    view = scratch
  } else if (isSharedArrayBuffer(bufferOf(bytes))) {
    view = new Uint8Array(bytes)
  }
  return native.submit(task.pool.handle, transform, task.id, view, length, task.priority, reservation.take())
}

/**
 * Takes the memory from its owner and lends it to the task. The reservation comes first: an input that gets none stays
 * where it is.
 * @param {BorrowedMemory} memory
 * @param {import('./contract').NativeTask} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function submitBorrowed({ bytes, buffer }, task, transform, reservation) {
  const pool = task.pool.handle
  const handle = native.reserve(pool, lengthOf(bytes), reservation.take())
  if (typeof handle === 'string') return handle
  const reserved = new Reservation(handle)
  try {
    let transferred
    try {
      transferred = structuredClone(buffer, { transfer: [buffer] })
    } catch {
      // Node does not transfer its slab or external memory.
      return submitBytes(bytes, task, transform, reserved)
    }
    return native.submitBorrowed(pool, transform, task.id, transferred, task.priority, reserved.take())
  } finally {
    reserved.release()
  }
}

/**
 * Whether an input is best sent together with others.
 * @param {unknown} input
 * @param {number} index of the input, for the error
 * @returns {input is string | Uint8Array}
 */
function isBatchable(input, index) {
  if (typeof input === 'string') return input.length * MAX_UTF8 <= MAX_BATCHED_BYTES
  if (Moved.is(input)) return false
  const length = lengthOf(asUint8Array(input, index))
  return length <= MAX_BATCHED_BYTES && isUint8Array(input) && length > 0
}

/**
 * Returns the most bytes that an input of a native transform may need.
 * @param {unknown} input
 * @param {number} [index] in a bulk call
 */
function maxInputBytes(input, index) {
  if (typeof input === 'string') return input.length * MAX_UTF8
  return lengthOf(asUint8Array(Moved.is(input) ? input.value : input, index))
}

/**
 * Returns the bytes that an input of a transform in JavaScript counts with: those of a buffer or view, the length of a string, or 0
 * for any other value. Reads no property of the value.
 * @param {unknown} input
 * @param {number} [index] in a bulk call
 */
function valueBytes(input, index) {
  checkAttached(input, index)
  const value = Moved.is(input) ? input.value : input
  return typeof value === 'string' ? value.length : sizeOfBytes(value)
}

/** Returns the name of an input in messages. @param {number} [index] in a bulk call */
function inputName(index) {
  return index === undefined ? 'The "input" argument' : `inputs[${index}]`
}

/**
 * @param {ArrayBufferLike} buffer
 * @returns {buffer is ArrayBuffer}
 */
function isTransferable(buffer) {
  return isArrayBuffer(buffer) && /** @type {{ resizable?: boolean }} */ (buffer).resizable !== true
}

/**
 * @param {unknown} input
 * @param {number} [index] if it is one of many
 * @returns {Uint8Array}
 */
function asUint8Array(input, index) {
  if (isUint8Array(input) && lengthOf(input) > 0) return input
  if (isDetached(input)) throw detachedError(inputName(index), input)
  if (isUint8Array(input)) return input
  if (ArrayBuffer.isView(input)) return bytesOf(input)
  if (isAnyArrayBuffer(input)) return new Uint8Array(input)
  const expected = 'a string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView'
  throw invalidType(inputName(index), expected, input)
}

/**
 * Throws if an input, or memory in its transfer list, is lost. Memory inside a value is checked when it is sent.
 * @param {unknown} input
 * @param {number} [index] if it is one of many
 */
function checkAttached(input, index) {
  if (!Moved.is(input)) return checkMemory(inputName(index), input)
  checkMemory(inputName(index), input.value)
  for (const [place, memory] of input.transfer.entries()) checkMemory(`transfer[${place}]`, memory)
}

module.exports = {
  Moved,
  asUint8Array,
  checkAttached,
  inputName,
  move,
  checkInput,
  submitInput,
  isBatchable,
  maxInputBytes,
  valueBytes,
  MAX_UTF8
}

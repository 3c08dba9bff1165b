'use strict'

const { isAnyArrayBuffer, isArrayBuffer, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const { bufferOf, bytesOf, lengthOf, memoryOf, sizeOfBytes, sizeOfMemory } = require('../internal/typed-array')
const { isDetached } = require('../internal/detached')
const { markCopy } = require('../internal/package-copy')
const native = require('../native')
const { copyBytes, copyFields, copyText, copyJson } = require('./chunked-copy')
const { BYTES, FieldsInput, describeFields, fieldsOf, isRecord, readFields } = require('./fields')
const { MAX_UTF8 } = require('../json/utf-encoder')
const { Reservation } = require('../native/reservation')
const { Transform } = require('../native/transform')
const { checkMemory, describeValue, invalidType, invalidValue, detachedError } = require('../internal/validate')

/**
 * @typedef {import('../native/binding').Bound} Bound
 * @typedef {import('../json/input').JsonInput} JsonInput
 */

/** Above this many bytes an input is copied in pieces, so that the copy does not block the event loop. */
const LARGE_BYTES = 1 << 20
/** Up to this many bytes an input is copied to `scratch`, whose memory native code resolves faster than that of a new view. */
const SCRATCH_BYTES = 4096
/** Inputs of bulk calls up to this many bytes are sent in batches. */
const MAX_BATCHED_BYTES = 16 << 10

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/** A value to transfer instead of copy. */
class Moved {
  #isMoved = true

  /**
   * Like `instanceof`, but runs no code of the value.
   * @param {unknown} value
   * @returns {value is Moved}
   */
  static is(value) {
    return typeof value === 'object' && value !== null && #isMoved in value
  }

  /**
   * @param {unknown} value
   * @param {any[]} transfer transfer list
   */
  constructor(value, transfer) {
    this.value = value
    this.transfer = transfer
    Object.freeze(this)
  }
}

markCopy(Moved)

// Worker threads recognize moved results by this symbol: they may have loaded another copy of this file.
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
    for (const [index, entry] of transfer.entries()) {
      checkTransferable(entry, `transfer[${index}]`)
      const first = transfer.indexOf(entry)
      if (first === index) continue
      const rule = 'must not be in the list twice: it can be transferred only once'
      throw invalidValue(
        `transfer[${index}] ${rule}. Received ${describeValue(entry)}, which is also transfer[${first}]`
      )
    }
    return new Moved(value, [...transfer])
  }
  // The task that receives it reports the error.
  if (isDetached(value)) return new Moved(value, [])
  if (ArrayBuffer.isView(value)) return new Moved(value, ownsMemory(value) ? [memoryOf(value)] : [])
  if (isArrayBuffer(value) || value instanceof MessagePort) return new Moved(value, [value])
  if (isSharedArrayBuffer(value)) return new Moved(value, [])
  const expected =
    'an instance of ArrayBuffer, SharedArrayBuffer, Buffer, TypedArray, DataView, or MessagePort, or come with a list'
  throw invalidType('The "value" argument', expected, value)
}

/**
 * @param {unknown} entry of a transfer list
 * @param {string} name
 */
function checkTransferable(entry, name) {
  const isView = ArrayBuffer.isView(entry)
  if (typeof entry === 'object' && entry !== null && (!isView || isDetached(entry))) return
  const hint = isView ? ' (of a view, its buffer)' : ''
  throw invalidType(name, `an ArrayBuffer, a MessagePort or another transferable object${hint}`, entry)
}

/** Whether a view covers all its memory, unlike small Buffers, which share a slab. @param {ArrayBufferView} view */
function ownsMemory(view) {
  const memory = memoryOf(view)
  return sizeOfBytes(view) === sizeOfMemory(memory) && isTransferable(memory)
}

/** A moved ArrayBuffer, which a task can borrow. */
class BorrowedMemory {
  /**
   * @param {Uint8Array} bytes
   * @param {ArrayBuffer} buffer that holds nothing else
   */
  constructor(bytes, buffer) {
    this.bytes = bytes
    this.buffer = buffer
  }
}

/** Bytes that are submitted when earlier copies have ended. */
class OrderedBytes {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes
  }
}

/**
 * Reads an input of named fields, if the transform accepts them; returns any other input unchanged. Throws if a transform of bytes
 * gets another value.
 * @param {unknown} input
 * @param {Transform} transform
 * @param {number} [index] in a bulk call
 */
function readInput(input, transform, index) {
  const spec = fieldsOf(transform)
  if (input instanceof FieldsInput) return input
  if (spec === undefined) return Transform.acceptsText(transform) ? input : checkBytes(input, index)
  const value = unwrap(input)
  if (isRecord(value)) {
    if (value !== input)
      throw invalidValue(`${inputName(index)} must not be moved if it has named fields: they are copied`)
  } else {
    if (spec.acceptsBytes) return checkBytes(input, index, Transform.acceptsText(transform), spec)
    checkMemory(inputName(index), value)
  }
  return readFields(value, spec, index === undefined ? 'input' : `inputs[${index}]`)
}

/**
 * @param {unknown} input
 * @param {number} [index] in a bulk call
 * @param {boolean} [acceptsText]
 * @param {import('./fields').Spec} [spec] of the named fields that are an input too
 */
function checkBytes(input, index, acceptsText = false, spec) {
  const value = unwrap(input)
  if (ArrayBuffer.isView(value) || isAnyArrayBuffer(value) || (acceptsText && typeof value === 'string')) return input
  const bytes = acceptsText ? `a string or ${BYTES}` : BYTES
  throw invalidType(inputName(index), spec === undefined ? bytes : `${bytes}, or ${describeFields(spec)}`, value)
}

/** @typedef {string | Uint8Array | BorrowedMemory | OrderedBytes | FieldsInput | JsonInput} CheckedInput can be used without running user code */

/**
 * Checks an input before bytes are reserved for it. No later step runs user code.
 * @param {unknown} input
 * @returns {CheckedInput}
 */
function checkInput(input) {
  if (typeof input === 'string' || input instanceof FieldsInput) return input
  if (!Moved.is(input)) return asUint8Array(input)
  const bytes = asUint8Array(input.value)
  const buffer = bufferOf(bytes)
  const length = lengthOf(bytes)
  if (length === 0) checkAttached(bytes)
  if (length === 0 || length !== sizeOfMemory(buffer) || !isTransferable(buffer)) return bytes
  return new BorrowedMemory(bytes, buffer)
}

/**
 * Returns an input that is submitted when earlier copies have ended.
 * @param {Uint8Array | BorrowedMemory} input
 */
function afterCopies(input) {
  const bytes = input instanceof BorrowedMemory ? input.bytes : input
  return new OrderedBytes(lengthOf(bytes) > LARGE_BYTES ? bytes : new Uint8Array(bytes))
}

/**
 * Detaches the memory of a moved input from its owner. Returns `undefined` if the input must be copied.
 * @param {CheckedInput} input
 */
function takeMemory(input) {
  if (!(input instanceof BorrowedMemory)) return undefined
  try {
    return structuredClone(input.buffer, { transfer: [input.buffer] })
  } catch {
    // Node does not transfer its slab or external memory.
    return undefined
  }
}

/**
 * Submits one input. Returns the bound that is reached, in which case nothing has happened, or the copy if the input is copied
 * in pieces.
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
  if (input instanceof OrderedBytes) return copyBytes(input.bytes, task, handle, reservation)
  if (input instanceof FieldsInput) return submitFields(input, task, handle, reservation)
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
 * @param {FieldsInput} input
 * @param {import('./contract').NativeTask} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function submitFields(input, task, transform, reservation) {
  if (input.maxBytes > LARGE_BYTES) return copyFields(input, task, transform, reservation)
  const packed = input.maxBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(input.maxBytes)
  try {
    const length = input.write(packed, 0)
    const { pool, id, priority } = task
    return native.submit(pool.handle, transform, id, packed, length + native.OF_FIELDS, priority, reservation.take())
  } finally {
    // The fields may be secret.
    packed.fill(0, 0, input.maxBytes)
  }
}

/**
 * Lends the memory to the task. The reservation comes first: a rejected input stays attached.
 * @param {BorrowedMemory} memory
 * @param {import('./contract').NativeTask} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function submitBorrowed(memory, task, transform, reservation) {
  const pool = task.pool.handle
  const handle = native.reserve(pool, lengthOf(memory.bytes), reservation.take())
  if (typeof handle === 'string') return handle
  const reserved = new Reservation(handle)
  try {
    const transferred = takeMemory(memory)
    if (transferred === undefined) return submitBytes(memory.bytes, task, transform, reserved)
    return native.submitBorrowed(pool, transform, task.id, transferred, task.priority, reserved.take())
  } finally {
    reserved.release()
  }
}

/**
 * Whether an input is small enough for a batch. Throws if its type is wrong.
 * @param {unknown} input
 * @param {number} index in a bulk call
 * @returns {input is string | Uint8Array | FieldsInput}
 */
function isBatchable(input, index) {
  if (isUint8Array(input) && lengthOf(input) > 0) return lengthOf(input) <= MAX_BATCHED_BYTES
  if (input instanceof FieldsInput) return input.maxBytes <= MAX_BATCHED_BYTES
  if (typeof input === 'string') return input.length * MAX_UTF8 <= MAX_BATCHED_BYTES
  if (!Moved.is(input)) asUint8Array(input, index)
  return false
}

/**
 * Returns the maximum bytes that an input of a native transform may need.
 * @param {unknown} input
 * @param {number} [index] in a bulk call
 */
function maxInputBytes(input, index) {
  if (typeof input === 'string') return input.length * MAX_UTF8
  if (input instanceof FieldsInput) return input.maxBytes
  return lengthOf(asUint8Array(unwrap(input), index))
}

/**
 * Like `maxInputBytes`, but exact for text that is not copied in pieces.
 * @param {unknown} input
 */
function refusedBytes(input) {
  const bytes = maxInputBytes(input)
  return typeof input === 'string' && bytes <= LARGE_BYTES ? Buffer.byteLength(input) : bytes
}

/**
 * Returns the bytes for which an input of a JavaScript transform counts: those of a buffer or view, the length of a string, or 0 for
 * any other value. Reads no property of the value.
 * @param {unknown} input
 * @param {number} [index] in a bulk call
 */
function valueBytes(input, index) {
  if (typeof input === 'string') return input.length
  if (typeof input !== 'object') return 0
  checkAttached(input, index)
  const value = unwrap(input)
  return typeof value === 'string' ? value.length : sizeOfBytes(value)
}

/** Returns the value of a moved input, or any other input itself. @param {unknown} input */
function unwrap(input) {
  return Moved.is(input) ? input.value : input
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
 * @param {number} [index] in a bulk call
 * @returns {Uint8Array}
 */
function asUint8Array(input, index) {
  if (isUint8Array(input) && lengthOf(input) > 0) return input
  if (isDetached(input)) throw detachedError(inputName(index), input)
  if (isUint8Array(input)) return input
  if (ArrayBuffer.isView(input)) return bytesOf(input)
  if (isAnyArrayBuffer(input)) return new Uint8Array(input)
  throw invalidType(inputName(index), `a string or ${BYTES}`, input)
}

/**
 * Throws if an input, or memory in its transfer list, is detached. Memory inside a value is checked when the value is sent.
 * @param {unknown} input
 * @param {number} [index] in a bulk call
 */
function checkAttached(input, index) {
  if (!Moved.is(input)) return checkMemory(inputName(index), input)
  checkMemory(inputName(index), input.value)
  const { transfer } = input
  for (let i = 0; i < transfer.length; i++)
    if (isDetached(transfer[i])) throw detachedError(`transfer[${i}]`, transfer[i])
}

module.exports = {
  Moved,
  afterCopies,
  asUint8Array,
  checkAttached,
  inputName,
  move,
  checkInput,
  readInput,
  submitInput,
  isBatchable,
  maxInputBytes,
  refusedBytes,
  takeMemory,
  unwrap,
  valueBytes,
  MAX_UTF8
}

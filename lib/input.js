'use strict'

const { isAnyArrayBuffer, isArrayBuffer, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const { bufferOf, lengthOf } = require('./bytes')
const { isLost } = require('./lost')
const native = require('./native')
const { stageBytes, stageText, stageWork } = require('./staging')
const { Transform } = require('./transform')
const { checkMemory, invalidType, lostMemory } = require('./validate')
const { Writing } = require('./writing')

/** @typedef {import('./binding').Bound} Bound */

/** Above this many bytes an input is copied in pieces, so that the copy does not hold the loop either. */
const LARGE = 1 << 20
/** Up to this many bytes an input goes through memory that native code finds faster than a view of its own. */
const SMALL = 4096
/** UTF-8 needs at most this many bytes for a UTF-16 code unit. */
const MAX_UTF8 = 3
const NO_ROOM = -1
/** Inputs of `map` up to this many bytes travel in batches. */
const SMALL_ITEM = 16 << 10

const scratch = Buffer.allocUnsafeSlow(SMALL)

/** What its owner gives away. */
class Moved {
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
    return new Moved(value, [...transfer])
  }
  // The task that is given it says what is wrong with it.
  if (isLost(value)) return new Moved(value, [])
  if (ArrayBuffer.isView(value)) return new Moved(value, isOwn(value) ? [value.buffer] : [])
  if (isArrayBuffer(value) || value instanceof MessagePort) return new Moved(value, [value])
  if (isSharedArrayBuffer(value)) return new Moved(value, [])
  const expected = 'an instance of ArrayBuffer, Buffer, TypedArray, DataView, or MessagePort, or come with a list'
  throw invalidType('The "value" argument', expected, value)
}

/** Whether a view is of memory that nobody else uses, as Node's slab for small Buffers is not. @param {ArrayBufferView} view */
function isOwn({ buffer, byteLength }) {
  return byteLength === buffer.byteLength && isTransferable(buffer)
}

/**
 * Submits one input. Returns which bound of the pool is reached, if one is; then nothing has happened. Returns a
 * staging if the input will be copied in pieces.
 * @param {unknown} input
 * @param {import('./task').Task} task
 * @param {Transform} transform
 * @param {number} room granted before, or NO_ROOM
 * @returns {Bound | import('./staging').Staging | null}
 */
function submitInput(input, task, transform, room) {
  const number = Transform.number(transform)
  if (typeof input === 'string') {
    const spell = Transform.spelling(transform)
    if (input.length * MAX_UTF8 > LARGE) return stageText(input, spell, task, number, room)
    return native.submitText(task.pool.number, number, task.id, spell?.(input) ?? input, task.priority, room)
  }
  if (input instanceof Moved) return submitMoved(input.value, task, number, room)
  if (input instanceof Writing) {
    const { text } = input
    if (text !== undefined) return native.submitText(task.pool.number, number, task.id, text, task.priority, room)
    return stageWork(input.slice, task, number, room, input.pieces())
  }
  return submitBytes(input, task, number, room)
}

/**
 * @param {unknown} input
 * @param {import('./task').Task} task
 * @param {number} transform
 * @param {number} room
 */
function submitBytes(input, task, transform, room) {
  const bytes = asUint8Array(input)
  const length = lengthOf(bytes)
  if (length > LARGE) return stageBytes(bytes, task, transform, room)
  let source = bytes
  if (length <= SMALL) {
    scratch.set(bytes)
    source = scratch
  } else if (isSharedArrayBuffer(bufferOf(bytes))) {
    source = new Uint8Array(bytes)
  }
  return native.submit(task.pool.number, transform, task.id, source, length, task.priority, room)
}

/**
 * Takes the memory from its owner and lends it to the task. The room comes first: an input that finds none stays
 * where it is.
 * @param {unknown} value
 * @param {import('./task').Task} task
 * @param {number} transform
 * @param {number} room
 */
function submitMoved(value, task, transform, room) {
  const bytes = asUint8Array(value)
  const buffer = bufferOf(bytes)
  const byteLength = lengthOf(bytes)
  if (byteLength === 0 || byteLength !== buffer.byteLength || !isTransferable(buffer)) {
    return submitBytes(bytes, task, transform, room)
  }
  const pool = task.pool.number
  const taken = native.takeRoom(pool, byteLength, room)
  if (typeof taken === 'string') return taken
  let own
  try {
    own = structuredClone(buffer, { transfer: [buffer] })
  } catch {
    // Node keeps its slab and external memory to itself.
    return submitBytes(bytes, task, transform, taken)
  }
  try {
    return native.submitLent(pool, transform, task.id, own, task.priority, taken)
  } catch (error) {
    native.dropRoom(taken)
    throw error
  }
}

/**
 * Whether an input is best sent together with others.
 * @param {unknown} input
 * @param {number} index of the input, for the error
 * @returns {input is string | Uint8Array}
 */
function isSmall(input, index) {
  if (typeof input === 'string') return input.length * MAX_UTF8 <= SMALL_ITEM
  if (input instanceof Moved) return false
  const length = lengthOf(asUint8Array(input, index))
  return length <= SMALL_ITEM && isUint8Array(input) && length > 0
}

/**
 * The bytes that an input needs at most.
 * @param {unknown} input
 * @param {number} [index] if it is one of many
 */
function inputSize(input, index) {
  if (typeof input === 'string') return input.length * MAX_UTF8
  return lengthOf(asUint8Array(input instanceof Moved ? input.value : input, index))
}

/** What messages call an input. @param {number} [index] if it is one of many */
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
  if (isLost(input)) throw lostMemory(inputName(index), input)
  if (isUint8Array(input)) return input
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
  if (isAnyArrayBuffer(input)) return new Uint8Array(input)
  const expected = 'a string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView'
  throw invalidType(inputName(index), expected, input)
}

/**
 * Throws if an input, or what changes hands with it, was given away before. What is inside of a value is looked at when it is
 * sent.
 * @param {unknown} input
 * @param {number} [index] if it is one of many
 */
function checkAttached(input, index) {
  if (!(input instanceof Moved)) return checkMemory(inputName(index), input)
  checkMemory(inputName(index), input.value)
  for (const [place, memory] of input.transfer.entries()) checkMemory(`transfer[${place}]`, memory)
}

module.exports = {
  Moved,
  asUint8Array,
  checkAttached,
  inputName,
  move,
  submitInput,
  isSmall,
  inputSize,
  MAX_UTF8,
  NO_ROOM
}

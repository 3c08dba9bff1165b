'use strict'

const { Admission } = require('../admission')
const { lengthOf } = require('../bytes')
const { Lent } = require('../input')
const native = require('../native')
const { Transform } = require('../transforms')

/**
 * Where a fold's output goes.
 * @typedef {object} Outlet
 * @property {(bytes: Buffer) => boolean} output returns whether the reader wants more at the moment
 * @property {(value: any) => void} ended with what the last step gave
 * @property {(error: unknown) => void} failed nothing more will come
 *
 * @typedef {import('../transforms').Transform} AnyTransform
 * @typedef {{ chunk: Uint8Array, offset: number, callback: (error?: Error | null) => void }} Write
 */

/** Bytes that go to a thread at a time at most: they are copied in one go. */
const MAX_PUSH = 1 << 20
const NOTHING = new Uint8Array(0)
const EMPTY = Buffer.alloc(0)

/** A fold that was dropped without being destroyed is let go of when JavaScript has forgotten it. */
const registry = new FinalizationRegistry((/** @type {number} */ session) => native.closeSession(session))

/**
 * A transform that consumes a stream, one step after the other. While a step runs on a thread the next one's bytes are
 * gathered, at most as many as the limit says, so that whoever writes goes on meanwhile.
 */
class Fold {
  #pool
  #priority
  #caller
  #outlet
  #limit
  /** Bytes that are gathered for a step. */
  #push
  #session
  #steps
  /** @type {Admission | undefined} the step under way */
  #admission
  #flying = 0
  #flyingChunks = 0
  /** Bytes of the next step; memory for them is made when there are any. */
  #held = EMPTY
  /** What a thread reads at the moment, and what was read and may be filled again. */
  #lent = EMPTY
  #spare = EMPTY
  #heldLength = 0
  #heldChunks = 0
  /** @type {Write | undefined} what is being written; there is one at a time */
  #write
  /** @type {((error?: Error | null) => void) | undefined} of a flush that is asked for */
  #flush
  #isFinishing = false
  /** The reader has enough for now. */
  #isPaused = false
  /** @type {AnyTransform | undefined} which has left input for another run of it */
  #unfinished
  #isOver = false

  written = 0
  completed = 0
  stalls = 0

  /**
   * @param {import('../pool-handle').PoolHandle} pool
   * @param {AnyTransform} transform
   * @param {number} priority
   * @param {number} limit bytes that are taken and not worked through, at most; a chunk may be larger
   * @param {boolean} gathers whether the output comes at the end
   * @param {{ stack?: string }} caller
   * @param {Outlet} outlet
   */
  constructor(pool, transform, priority, limit, gathers, caller, outlet) {
    this.#pool = pool
    this.#priority = priority
    this.#limit = limit
    // While one half is worked through the other one fills.
    this.#push = Math.min(Math.ceil(limit / 2), MAX_PUSH)
    this.#caller = caller
    this.#outlet = outlet
    const { handle, push, flush, finish } = native.openSession(Transform.number(transform), gathers)
    const step = (/** @type {number} */ handle) =>
      new Transform({ handle, name: transform.name, streaming: false, canFail: Transform.canFail(transform) })
    this.#session = handle
    this.#steps = { push: step(push), flush: step(flush), finish: step(finish) }
    registry.register(this, handle, this)
  }

  /** Bytes that were taken and are not worked through. */
  get bytes() {
    return this.#flying + this.#heldLength
  }

  /**
   * Takes a chunk, and calls back when it needs it no more.
   * @param {Uint8Array} chunk
   * @param {(error?: Error | null) => void} callback
   */
  write(chunk, callback) {
    if (lengthOf(chunk) === 0) {
      this.written++
      this.completed++
      return queueMicrotask(callback)
    }
    this.#write = { chunk, offset: 0, callback }
    this.#advance()
    if (this.#write?.callback === callback) this.stalls++
  }

  /** Brings out all that was written, then calls back. @param {(error?: Error | null) => void} callback */
  flush(callback) {
    this.#flush = callback
    this.#advance()
  }

  /** Nothing more will be written. */
  finish() {
    this.#isFinishing = true
    this.#advance()
  }

  /** The reader wants more. */
  resume() {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#advance()
  }

  /** The pool was closed by force. @param {unknown} reason */
  stop(reason) {
    this.#outlet.failed(reason)
  }

  /**
   * Cancels what is under way and gives its memory back. Returns the callback of a write that was not taken.
   * @param {Error | null} reason
   * @returns {((error?: Error | null) => void) | undefined}
   */
  destroy(reason) {
    if (this.#isOver) return undefined
    this.#isOver = true
    this.#pool.flows.delete(this)
    this.#admission?.abort(reason)
    registry.unregister(this)
    native.closeSession(this.#session)
    this.#held = EMPTY
    this.#spare = EMPTY
    const callback = this.#write?.callback ?? this.#flush
    this.#write = undefined
    this.#flush = undefined
    return callback
  }

  #advance() {
    if (this.#isOver) return
    if (this.#admission === undefined) this.#begin()
    this.#gather()
  }

  /** Begins the next step, if there is one. */
  #begin() {
    const { flush, finish } = this.#steps
    if (this.#unfinished !== undefined) {
      if (!this.#isPaused) this.#run(this.#unfinished, NOTHING, 0, () => {})
    } else if (this.#isPaused && !this.#isFinishing) return
    else if (this.#heldLength > 0) this.#pushHeld()
    else if (this.#write !== undefined) this.#pushDirectly(this.#write)
    else if (this.#flush !== undefined) this.#run(flush, NOTHING, 0, () => {})
    else if (this.#isFinishing) this.#run(finish, NOTHING, 0, () => {})
  }

  #pushHeld() {
    const held = this.#held
    const length = this.#heldLength
    // Full memory is lent, and there are two of it; where it is not full there is time to copy.
    const isLent = length === held.length
    this.#run(
      this.#steps.push,
      isLent ? new Lent(/** @type {ArrayBuffer} */ (held.buffer)) : held.subarray(0, length),
      length,
      () => {
        if (isLent) {
          this.#lent = held
          this.#held = this.#spare
          this.#spare = EMPTY
        }
        this.#flying = length
        this.#flyingChunks = this.#heldChunks
        this.#heldLength = 0
        this.#heldChunks = 0
        this.#gather()
      }
    )
  }

  /** Nothing is held: what is written need not be gathered first. @param {Write} write */
  #pushDirectly(write) {
    const length = Math.min(lengthOf(write.chunk) - write.offset, MAX_PUSH)
    const bytes = write.chunk.subarray(write.offset, write.offset + length)
    this.#run(this.#steps.push, bytes, length, () => {
      this.#flying = length
      write.offset += length
      if (this.#endWrite(write)) this.#flyingChunks++
      this.#gather()
    })
  }

  /** Takes over what is being written, as far as the limit allows, while a step is under way. */
  #gather() {
    const write = this.#write
    // What waits in line for room is not copied yet.
    if (write === undefined || this.#isOver || this.#flying === 0) return
    const room = Math.min(this.#push, this.#limit - this.#flying) - this.#heldLength
    const length = Math.min(lengthOf(write.chunk) - write.offset, room)
    if (length <= 0) return
    if (this.#held.length === 0) this.#held = Buffer.allocUnsafeSlow(this.#push)
    this.#held.set(write.chunk.subarray(write.offset, write.offset + length), this.#heldLength)
    this.#heldLength += length
    write.offset += length
    if (this.#endWrite(write)) this.#heldChunks++
  }

  /** Returns whether all of it was taken. @param {Write} write */
  #endWrite(write) {
    if (write.offset < lengthOf(write.chunk)) return false
    this.#write = undefined
    this.written++
    // It may bring the next chunk at once.
    queueMicrotask(write.callback)
    return true
  }

  /**
   * @param {AnyTransform} step
   * @param {Uint8Array | Lent} input
   * @param {number} length
   * @param {() => void} admitted
   */
  #run(step, input, length, admitted) {
    this.#pool.flows.add(this)
    this.#admission = new Admission(this.#pool, this.#priority, step, input, length, this.#caller, {
      admitted,
      resolve: value => this.#done(step, value),
      reject: error => {
        this.#admission = undefined
        if (!this.#isOver) this.#outlet.failed(error)
      }
    })
    this.#admission.submit()
  }

  /** A step has ended. @param {AnyTransform} step @param {any} value */
  #done(step, value) {
    if (this.#isOver) return
    this.#pool.flows.delete(this)
    this.#admission = undefined
    this.#flying = 0
    if (this.#lent !== EMPTY) this.#spare = this.#lent
    this.#lent = EMPTY
    this.#unfinished = native.sessionLeft(this.#session) > 0 ? step : undefined
    if (this.#unfinished === undefined) {
      this.completed += this.#flyingChunks
      this.#flyingChunks = 0
      if (step === this.#steps.finish) return this.#outlet.ended(value)
    }
    if (value.length > 0 && !this.#outlet.output(value)) this.#isPaused = true
    // The reader may have destroyed it.
    if (this.#isOver) return
    if (step === this.#steps.flush && this.#unfinished === undefined) {
      const flushed = this.#flush
      this.#flush = undefined
      flushed?.()
    }
    this.#advance()
  }
}

module.exports = { Fold }

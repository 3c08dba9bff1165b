'use strict'

const { AsyncResource } = require('node:async_hooks')
const { isSharedArrayBuffer } = require('node:util').types
const { StepTask } = require('../task/step-task')
const { bufferOf, lengthOf, offsetOf } = require('../internal/typed-array')
const { isLost } = require('../internal/detached')
const { withCode } = require('../internal/errors')
const { queueMicrotask } = require('../internal/clock')
const native = require('../native')
const { Transform } = require('../native/transform')
const { lostMemory } = require('../internal/validate')

/**
 * Where a fold's output goes.
 * @typedef {object} Outlet
 * @property {(bytes: Buffer) => boolean} output returns whether the reader wants more at the moment
 * @property {(value: any) => void} ended with what the last step gave
 * @property {(error: unknown) => void} failed nothing more will come
 * @property {() => void} stalled whoever writes has to wait
 *
 * @typedef {import('../transform').Transform} AnyTransform
 * @typedef {(error?: Error | null) => void} Callback
 * @typedef {{ chunk: Uint8Array, length: number, offset: number, callback: Callback }} Write
 */

/** Bytes that are copied in one go at most. */
const MAX_COPY = 1 << 20

/** A fold that was dropped without being destroyed is let go of when JavaScript has forgotten it. */
const registry = new FinalizationRegistry(
  (/** @type {{ session: number, forget: () => void }} */ { session, forget }) => {
    native.closeSession(session)
    forget()
  }
)

/**
 * A transform that consumes a stream, one step after the other (src/transform/streaming.rs). What is written is copied to where
 * the step that is under way finds it, as long as there is credit: no more than a limit of bytes that are not worked through.
 */
class Fold {
  #pool
  #priority
  #caller
  #outlet
  #limit
  #session
  #steps
  /** @type {StepTask | undefined} the step under way */
  #admission
  /** Bytes that were taken and, as far as is known here, not worked through. */
  #flying = 0
  /** Chunks that were taken since nothing was left of those before. */
  #chunks = 0
  /** @type {Write | undefined} what is being written; there is one at a time */
  #write
  /** @type {Callback | undefined} of a flush that is asked for */
  #flush
  #isFinishing = false
  /** The reader has enough for now. */
  #isPaused = false
  /** @type {AnyTransform | undefined} which is not through with its input */
  #unfinished
  #isOver = false
  /** Its pool is not closed before it has ended. */
  #isHeld = false
  #forget = () => false
  /** Events come in the context of whoever opened the stream, as those of Node's own streams do. */
  #context = new AsyncResource('OffloopStream')

  written = 0
  completed = 0
  stalls = 0

  /**
   * @param {import('../pool/pool-state').PoolState} pool
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
    this.#caller = caller
    this.#outlet = outlet
    const { handle, push, flush, finish } = native.openSession(Transform.handle(transform), gathers)
    const step = (/** @type {number} */ handle) =>
      new Transform({
        handle,
        name: transform.name,
        streaming: false,
        canFail: Transform.canFail(transform),
        givesValue: false
      })
    this.#session = handle
    this.#steps = { push: step(push), flush: step(flush), finish: step(finish) }
    const { streams } = pool
    const ref = new WeakRef(this)
    this.#forget = () => streams.delete(ref)
    streams.add(ref)
    registry.register(this, { session: handle, forget: this.#forget }, this)
  }

  /** Bytes that were taken and are not worked through. */
  get bytes() {
    return this.#isOver ? 0 : native.sessionLeft(this.#session)
  }

  /**
   * Takes a chunk, and calls back when it needs it no more.
   * @param {Uint8Array} chunk
   * @param {Callback} callback
   */
  write(chunk, callback) {
    const shared = isSharedArrayBuffer(bufferOf(chunk))
    const length = lengthOf(chunk)
    const write = { chunk: shared ? new Uint8Array(chunk) : chunk, length, offset: 0, callback }
    this.#write = write
    this.#take()
    const isStalled = this.#write === write
    if (isStalled) this.stalls++
    this.#begin()
    if (isStalled) this.#outlet.stalled()
  }

  /** Brings out all that was written, then calls back. @param {Callback} callback */
  flush(callback) {
    this.#flush = callback
    this.#begin()
  }

  /** Nothing more will be written. */
  finish() {
    this.#isFinishing = true
    if (!this.#isOver && !this.#isHeld) {
      this.#isHeld = true
      this.#pool.taskStarted()
    }
    this.#begin()
  }

  /** The reader wants more. */
  resume() {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#begin()
  }

  /** The pool was closed by force. @param {unknown} reason */
  stop(reason) {
    this.#outlet.failed(reason)
  }

  /**
   * Cancels what is under way and gives its memory back. Returns the callback of a write that was not taken.
   * @param {Error | null} reason
   * @returns {Callback | undefined}
   */
  destroy(reason) {
    if (this.#isOver) return undefined
    this.#isOver = true
    this.#pool.operations.delete(this)
    this.#admission?.abort(reason)
    registry.unregister(this)
    this.#forget()
    native.closeSession(this.#session)
    const callback = this.#write?.callback ?? this.#flush
    this.#write = undefined
    this.#flush = undefined
    if (this.#isHeld) this.#pool.taskEnded()
    return callback
  }

  /** Copies of what is being written as much as there is credit for, or a piece of it if nothing else is under way. */
  #take() {
    const write = this.#write
    if (write === undefined) return
    const { length } = write
    if (lengthOf(write.chunk) !== length) return this.#outlet.failed(changedLength(write.chunk))
    while (write.offset < length) {
      // A thread works on it meanwhile.
      if (this.#flying >= this.#limit) this.#flying = native.sessionLeft(this.#session)
      const credit = this.#flying === 0 ? MAX_COPY : this.#limit - this.#flying
      const size = Math.min(length - write.offset, credit, MAX_COPY)
      if (size <= 0) return
      try {
        // Not `subarray`, which runs code of the chunk's class.
        const piece = new Uint8Array(bufferOf(write.chunk), offsetOf(write.chunk) + write.offset, size)
        native.putIntoSession(this.#session, piece)
      } catch (error) {
        // There is no memory for it.
        return this.#outlet.failed(error)
      }
      this.#flying += size
      write.offset += size
    }
    this.#write = undefined
    this.#chunks++
    this.written++
    // It may bring the next chunk at once.
    queueMicrotask(() => this.#context.runInAsyncScope(write.callback))
  }

  /** Begins the next step, if there is one to begin. */
  #begin() {
    if (this.#isOver || this.#admission !== undefined) return
    const { push, flush, finish } = this.#steps
    if (this.#unfinished !== undefined) {
      if (!this.#isPaused) this.#run(this.#unfinished)
    } else if (this.#isFinishing) this.#run(finish)
    else if (this.#isPaused) return
    else if (this.#flush !== undefined) this.#run(flush)
    else if (this.#chunks > 0 || this.#flying > 0) this.#run(push)
  }

  /** @param {AnyTransform} step */
  #run(step) {
    this.#pool.operations.add(this)
    const done = (/** @type {any} */ value) => this.#context.runInAsyncScope(this.#done, this, step, value)
    const failed = (/** @type {unknown} */ error) => this.#context.runInAsyncScope(this.#fail, this, error)
    this.#admission = new StepTask(this.#pool, this.#priority, step, this.#caller, done, failed)
    this.#admission.isContinuation = this.#isHeld
    this.#admission.submit()
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#admission = undefined
    if (!this.#isOver) this.#outlet.failed(error)
  }

  /** A step has ended. @param {AnyTransform} step @param {any} value */
  #done(step, value) {
    if (this.#isOver) return
    this.#pool.operations.delete(this)
    this.#admission = undefined
    this.#unfinished = native.sessionLeft(this.#session) > 0 ? step : undefined
    if (this.#unfinished === undefined) {
      this.#settle()
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
    this.#take()
    this.#begin()
  }

  /** All that was taken is worked through. */
  #settle() {
    this.completed += this.#chunks
    this.#chunks = 0
    this.#flying = 0
  }
}

/** Returns the error of a chunk that was detached or resized before it was taken. @param {Uint8Array} chunk */
function changedLength(chunk) {
  if (isLost(chunk)) return lostMemory('The "chunk" argument', chunk)
  return withCode(new TypeError('A chunk changed its length before it was taken'), 'ERR_INVALID_STATE')
}

module.exports = { Fold }

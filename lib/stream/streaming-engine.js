'use strict'

const { AsyncResource } = require('node:async_hooks')
const { isSharedArrayBuffer } = require('node:util').types
const { asUint8Array } = require('../task/input')
const { NO_RESERVATION } = require('../native/reservation')
const { Task } = require('../task/task')
const { WaitingTask } = require('../task/waiting-task')
const { bufferOf, lengthOf, offsetOf } = require('../internal/typed-array')
const { isDetached } = require('../internal/detached')
const { withCode } = require('../internal/errors')
const { queueMicrotask } = require('../internal/clock')
const native = require('../native')
const { Transform } = require('../native/transform')
const { detachedError } = require('../internal/validate')

/**
 * Receives output and events.
 * @typedef {object} EngineHandler
 * @property {(bytes: Buffer) => boolean} output returns whether the reader wants more at the moment
 * @property {(value: any) => void} ended receives the result of the last step
 * @property {(error: unknown) => void} failed no event follows
 * @property {() => void} stalled the writer has to wait
 *
 * @typedef {(error?: Error | null) => void} Callback
 * @typedef {{ chunk: Uint8Array, length: number, offset: number, callback: Callback }} Write
 */

/** Most bytes that are copied at a time. */
const MAX_COPY = 1 << 20
const NO_INPUT = new Uint8Array(0)

/** Closes the session of an engine that was garbage-collected without being destroyed. */
const registry = new FinalizationRegistry(
  (/** @type {{ session: number, forget: () => void }} */ { session, forget }) => {
    native.closeSession(session)
    forget()
  }
)

/**
 * Runs a transform over a stream, one step after the other (src/transform/streaming.rs). Chunks are copied to the input of the
 * running step, up to a limit of unprocessed bytes.
 */
class StreamingEngine {
  #pool
  #priority
  #caller
  #handler
  #limit
  #session
  #steps
  /** @type {WaitingTask | undefined} of the running step */
  #stepTask
  /** Upper bound of the unprocessed bytes; only native code knows the exact number. */
  #bytesInFlight = 0
  /** Chunks copied since all earlier ones were processed. */
  #chunksInFlight = 0
  /** @type {Write | undefined} the current write; there is one at a time */
  #write
  /** @type {Callback | undefined} of a requested flush */
  #flushCallback
  #isFinishing = false
  /** Whether the buffer of the reader is full. */
  #isPaused = false
  /** @type {Transform | undefined} a step to run again: it has not processed all its input */
  #unfinishedStep
  #isDestroyed = false
  /** Whether the pool stays open until this stream has ended. */
  #holdsPool = false
  #unregister = () => false
  /** Events run in the async context in which the stream was opened, as in Node's streams. */
  #context = new AsyncResource('OffloopStream')

  written = 0
  completed = 0
  stalls = 0

  /**
   * @param {import('../pool/pool-state').PoolState} pool
   * @param {Transform} transform
   * @param {number} priority
   * @param {number} limit of unprocessed bytes; a single chunk may be larger
   * @param {boolean} collectsOutput whether all output comes at the end
   * @param {{ stack?: string }} caller
   * @param {EngineHandler} handler
   */
  constructor(pool, transform, priority, limit, collectsOutput, caller, handler) {
    this.#pool = pool
    this.#priority = priority
    this.#limit = limit
    this.#caller = caller
    this.#handler = handler
    const { handle, push, flush, finish } = native.openSession(pool.handle, Transform.handle(transform), collectsOutput)
    const { name } = transform
    const info = {
      name,
      streaming: false,
      acceptsText: true,
      canFail: Transform.canFail(transform),
      givesValue: false,
      holdsSecret: false
    }
    const step = (/** @type {number} */ handle) => new Transform({ ...info, handle })
    this.#session = handle
    this.#steps = { push: step(push), flush: step(flush), finish: step(finish) }
    const { streams } = pool
    const ref = new WeakRef(this)
    this.#unregister = () => streams.delete(ref)
    streams.add(ref)
    registry.register(this, { session: handle, forget: this.#unregister }, this)
  }

  /** Unprocessed bytes. */
  get bytes() {
    return this.#isDestroyed ? 0 : native.sessionBacklog(this.#session)
  }

  /**
   * Copies a chunk, then calls back.
   * @param {unknown} given
   * @param {Callback} callback
   */
  write(given, callback) {
    let chunk
    try {
      chunk = asUint8Array(given)
    } catch (error) {
      return callback(/** @type {Error} */ (error))
    }
    if (isSharedArrayBuffer(bufferOf(chunk))) chunk = new Uint8Array(chunk)
    const write = { chunk, length: lengthOf(chunk), offset: 0, callback }
    this.#write = write
    this.#copyChunk()
    const isStalled = this.#write === write
    if (isStalled) this.stalls++
    this.#runNextStep()
    if (isStalled) this.#handler.stalled()
  }

  /** Outputs everything written before, then calls back. @param {Callback} callback */
  flush(callback) {
    this.#flushCallback = callback
    this.#runNextStep()
  }

  finish() {
    this.#isFinishing = true
    if (!this.#isDestroyed && !this.#holdsPool) {
      this.#holdsPool = true
      this.#pool.taskStarted()
    }
    this.#runNextStep()
  }

  /** The reader accepts more output. */
  resume() {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#runNextStep()
  }

  /** The pool was closed by force. @param {unknown} reason */
  stop(reason) {
    this.#handler.failed(reason)
  }

  /**
   * Cancels the running step and releases its memory. Returns the callback of an unfinished write or flush.
   * @param {Error | null} reason
   * @returns {Callback | undefined}
   */
  destroy(reason) {
    if (this.#isDestroyed) return undefined
    this.#isDestroyed = true
    this.#pool.operations.delete(this)
    this.#stepTask?.abort(reason)
    registry.unregister(this)
    this.#unregister()
    native.closeSession(this.#session)
    const callback = this.#write?.callback ?? this.#flushCallback
    this.#write = undefined
    this.#flushCallback = undefined
    if (this.#holdsPool) this.#pool.taskEnded()
    return callback
  }

  /** Copies as much of the current write as the limit allows, or a piece of it if nothing else is unprocessed. */
  #copyChunk() {
    const write = this.#write
    if (write === undefined) return
    const { length } = write
    if (lengthOf(write.chunk) !== length) return this.#handler.failed(changedLength(write.chunk))
    while (write.offset < length) {
      // A thread processes bytes in the meantime.
      if (this.#bytesInFlight >= this.#limit) this.#bytesInFlight = native.sessionBacklog(this.#session)
      const credit = this.#bytesInFlight === 0 ? MAX_COPY : this.#limit - this.#bytesInFlight
      const size = Math.min(length - write.offset, credit, MAX_COPY)
      if (size <= 0) return native.requestRoom(this.#session, Math.min(Math.ceil(this.#limit / 2), MAX_COPY))
      try {
        // Not `subarray`, which runs code of the chunk's class.
        const piece = new Uint8Array(bufferOf(write.chunk), offsetOf(write.chunk) + write.offset, size)
        native.writeToSession(this.#session, piece)
      } catch (error) {
        // Out of memory.
        return this.#handler.failed(error)
      }
      this.#bytesInFlight += size
      write.offset += size
    }
    this.#write = undefined
    this.#chunksInFlight++
    this.written++
    // The callback may write the next chunk synchronously.
    queueMicrotask(() => this.#context.runInAsyncScope(write.callback))
  }

  /** Starts the next step if there is work for one. */
  #runNextStep() {
    if (this.#isDestroyed || this.#stepTask !== undefined) return
    const { push, flush, finish } = this.#steps
    if (this.#unfinishedStep !== undefined) {
      if (!this.#isPaused) this.#runStep(this.#unfinishedStep)
    } else if (this.#isFinishing) this.#runStep(finish)
    else if (this.#isPaused) return
    else if (this.#flushCallback !== undefined) this.#runStep(flush)
    else if (this.#chunksInFlight > 0 || this.#bytesInFlight > 0) this.#runStep(push)
  }

  /** @param {Transform} step */
  #runStep(step) {
    this.#pool.operations.add(this)
    const resolve = (/** @type {any} */ value) => this.#context.runInAsyncScope(this.#onStepDone, this, step, value)
    const reject = (/** @type {unknown} */ error) => this.#context.runInAsyncScope(this.#onStepFailed, this, error)
    const isContinuation = this.#holdsPool
    const context = {
      pool: this.#pool,
      priority: this.#priority,
      resolve,
      reject,
      onRoom: () => this.#context.runInAsyncScope(this.#onRoom, this),
      caller: this.#caller,
      isContinuation
    }
    const task = new Task(context, step)
    this.#stepTask = new WaitingTask(context, task, NO_INPUT)
    this.#stepTask.submit(NO_RESERVATION)
  }

  /** Resumes the writer before the running step runs out of input. */
  #onRoom() {
    if (!this.#isDestroyed) this.#copyChunk()
  }

  /** @param {unknown} error */
  #onStepFailed(error) {
    this.#stepTask = undefined
    if (!this.#isDestroyed) this.#handler.failed(error)
  }

  /**
   * @param {Transform} step
   * @param {any} value
   */
  #onStepDone(step, value) {
    if (this.#isDestroyed) return
    this.#pool.operations.delete(this)
    this.#stepTask = undefined
    this.#unfinishedStep = native.sessionBacklog(this.#session) > 0 ? step : undefined
    if (this.#unfinishedStep === undefined) {
      this.#completeChunks()
      if (step === this.#steps.finish) return this.#handler.ended(value)
    }
    if (value.length > 0 && !this.#handler.output(value)) this.#isPaused = true
    // The reader may have destroyed the stream.
    if (this.#isDestroyed) return
    if (step === this.#steps.flush && this.#unfinishedStep === undefined) {
      const flushed = this.#flushCallback
      this.#flushCallback = undefined
      flushed?.()
    }
    this.#copyChunk()
    this.#runNextStep()
  }

  /** Everything that was copied has been processed. */
  #completeChunks() {
    this.completed += this.#chunksInFlight
    this.#chunksInFlight = 0
    this.#bytesInFlight = 0
  }
}

/** Returns the error of a chunk that was detached or resized before it was copied. @param {Uint8Array} chunk */
function changedLength(chunk) {
  if (isDetached(chunk)) return detachedError('The "chunk" argument', chunk)
  return withCode(new TypeError('A chunk changed its length before it was copied'), 'ERR_INVALID_STATE')
}

module.exports = { StreamingEngine }

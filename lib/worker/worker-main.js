'use strict'

// The program of a worker thread.

const { syncBuiltinESMExports } = require('node:module')
const threads = require('node:worker_threads')
const { now, setImmediate } = require('../internal/clock')
const { encodeError } = require('../internal/error-codec')
const { BatchRunner } = require('./batch-runner')
const { SHARED, STATE, viewsOf } = require('./shared-memory')

/** Property of the global object that describes the running function to offloop in this thread. */
const FUNCTION = Symbol.for('offloop.function')

/** @typedef {import('./batch-runner').Batch} Batch */

/** Milliseconds for which a thread stays awake after a batch: a blocked thread wakes up sooner than one that waits in its event loop. */
const AWAKE_MS = 1000
/**
 * Milliseconds between event-loop iterations of a busy thread. V8 finishes garbage collections in these iterations. If they are rare,
 * moved memory piles up, and new memory costs page faults.
 */
const BUSY_MS = 1
/**
 * Bounds of the milliseconds between event-loop iterations of a thread that waits for a batch. Within the bounds, the interval equals
 * the time since the last batch.
 */
const MIN_WAIT_MS = 10
const MAX_WAIT_MS = 50

/** Receives messages from the parent and passes batches to a BatchRunner. */
class MessageLoop {
  #port
  #words
  #runner
  #isServing = false
  #isEnding = false
  /** A batch that arrived by the event loop while another one was being served. @type {Batch | undefined} */
  #arrived

  /** @param {import('./batch-runner').Connection} connection */
  constructor(connection) {
    this.#port = connection.port
    this.#words = viewsOf(connection.memory).words
    this.#runner = new BatchRunner(connection)
  }

  start() {
    this.#port.on('message', message => this.#handle(message))
    this.#port.on('messageerror', error => this.#runner.reportUnreadable(error))
    // Node.js loses DOMExceptions on the way to the parent, and a deeply nested error crashes the parent while it is deserialized.
    process.on('uncaughtExceptionMonitor', error => {
      if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback?.()) return
      this.#port.postMessage({ uncaught: encodeError(error) })
      process.exit(1)
    })
    const description = { progress: () => this.#runner.progress, port: this.#port }
    Object.defineProperty(globalThis, FUNCTION, { value: description })
    Atomics.store(this.#words, SHARED.state, STATE.running)
    this.#port.postMessage({ isUp: true })
  }

  /** @param {any} message */
  #handle(message) {
    if (message.definition !== undefined) this.#runner.define(message.transform, message.definition)
    else if (message.inputs !== undefined) this.#serve(message)
    else if (message.abort !== undefined) this.#runner.abort(message.abort)
    else if (message.end === true) this.#end()
  }

  /** Runs a batch and those that follow it, until none has come for AWAKE_MS. @param {Batch} first */
  async #serve(first) {
    if (this.#isServing) {
      this.#arrived = first
      return
    }
    this.#isServing = true
    let yieldedAt = now()
    let lastBatchAt = yieldedAt
    const isAwake = () => !this.#isEnding && now() - lastBatchAt < AWAKE_MS
    for (let batch = /** @type {Batch | undefined} */ (first); isAwake() || batch !== undefined; ) {
      const isIdle = batch === undefined
      if (batch !== undefined) {
        await this.#runner.run(batch)
        lastBatchAt = now()
        batch = undefined
      }
      // Best done right after an answer, which the parent has to read before it sends the next batch.
      if (isIdle || now() - yieldedAt >= BUSY_MS) {
        await /** @type {Promise<void>} */ (new Promise(resolve => setImmediate(resolve)))
        yieldedAt = now()
        batch = this.#arrived
        this.#arrived = undefined
      }
      batch ??= this.#waitForBatch(Math.min(Math.max(MIN_WAIT_MS, now() - lastBatchAt), MAX_WAIT_MS))
    }
    this.#isServing = false
  }

  /**
   * Blocks the thread until a batch arrives or the time is over.
   * @param {number} time in ms
   * @returns {Batch | undefined}
   */
  #waitForBatch(time) {
    const until = now() + time
    for (;;) {
      const seen = Atomics.load(this.#words, SHARED.messages)
      const message = this.#receive()
      if (message?.inputs !== undefined) return message
      if (message !== undefined) this.#handle(message)
      else {
        const left = until - now()
        if (left <= 0 || this.#isEnding) return undefined
        Atomics.wait(this.#words, SHARED.messages, seen, left)
      }
    }
  }

  #receive() {
    try {
      return threads.receiveMessageOnPort(this.#port)?.message
    } catch (error) {
      this.#runner.reportUnreadable(error)
      return undefined
    }
  }

  async #end() {
    // The modules need the event loop to clean up.
    this.#isEnding = true
    await this.#runner.dispose()
    process.exit()
  }
}

/** Takes the connection out of `workerData`, where the modules of the user would see it. */
function takeConnection() {
  const { workerData } = threads
  Object.assign(threads, { workerData: undefined })
  syncBuiltinESMExports()
  return workerData
}

// Nothing reads the messages that a user's module posts to its parent. Deno's port has no `close`.
threads.parentPort?.close?.()
if (!threads.isMainThread) new MessageLoop(takeConnection()).start()

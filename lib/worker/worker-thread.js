'use strict'

const { join } = require('node:path')
const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads')
const { decodeError, encodeError, toText } = require('../internal/error-codec')
const { clearTimeout, now, setTimeout } = require('../internal/clock')
const { MARK } = require('../internal/pool-thread')
const { unshare } = require('./unshare')
const { ANSWER, DOUBLES, SHARED, STATE, allocate, readBatch, shortenBatch, viewsOf } = require('./shared-memory')

/**
 * @typedef {import('./worker-task').WorkerTask} WorkerTask
 * @typedef {import('node:worker_threads').MessagePort} MessagePort
 *
 * Answers of the next tasks of a batch, in order. `errors` is keyed by index in `values`; `micros` is their total time.
 * @typedef {{ values: unknown[], errors: Map<number, unknown> | undefined, micros: number, longest: number }} Answers
 *
 * Receives the events of a thread.
 * @typedef {object} ThreadHandler
 * @property {(thread: WorkerThread, answers: Answers) => void} onAnswers
 * @property {(thread: WorkerThread) => void} onIdle the thread has started, or finished its batch
 * @property {(thread: WorkerThread, error: unknown) => void} onUnreadable the thread cannot deserialize its batch
 * @property {(thread: WorkerThread, why: Exit) => void} onExit
 *
 * @typedef {import('./batch-runner').Definition} Source of a function
 * @typedef {object} Exit
 * @property {number} code
 * @property {unknown} error
 * @property {boolean} wasImporting
 * @property {boolean} wasTerminated
 * @property {Source | undefined} source of the last function that ran, or was about to
 */

/** The values of the small kinds in ANSWER, by kind. */
const SMALL_VALUES = [undefined, null, false, true]

/** A worker thread, which has one batch at a time and runs the tasks of the batch one by one. */
class WorkerThread {
  #worker
  #port
  /** Port for answers that are messages, in task order. It has no listener: an answer is read once the shared memory counts it. */
  #answers
  #memory = allocate()
  #shared = viewsOf(this.#memory)
  #handler
  /** Ids of the transforms whose definitions were sent. @type {Set<number>} */
  #knownTransforms = new Set()
  /** Of the function of the latest batch. @type {Source | undefined} */
  #source
  /** Number of batches sent. */
  #batchesSent = 0
  #isUp = false
  #hasExited = false
  #isTerminated = false
  /** @type {unknown} */
  #error
  /** Encoded form of the uncaught exception that ended the thread. @type {Uint8Array | undefined} */
  #uncaught
  /** @type {NodeJS.Timeout | undefined} */
  #endTimer

  /** @type {number | undefined} the permit under which the thread works */
  permit
  /** @type {WorkerTask[]} unanswered tasks of its batch, in order */
  tasks = []
  /** @type {WorkerTask[]} tasks to send next under the same permit */
  backlog = []
  /** When the batch was sent. */
  sentAt = 0
  /** Number of tasks of the batch that are answered. */
  answered = 0
  /** Number of tasks answered since it started. */
  tasksDone = 0
  /** When it became idle. */
  idleSince = 0
  /** Grace period of an aborted task; set by the runner. @type {NodeJS.Timeout | undefined} */
  abortTimer

  /**
   * @param {import('./options').WorkerOptions} options
   * @param {string | undefined} pool its name
   * @param {ThreadHandler} handler
   */
  constructor({ env, execArgv, argv, resourceLimits, maxHeap }, pool, handler) {
    const control = new MessageChannel()
    const answers = new MessageChannel()
    this.#handler = handler
    this.#shared.words[SHARED.state] = STATE.importing
    const name = pool === undefined ? 'offloop' : `offloop-${pool}`
    const workerData = {
      port: control.port2,
      answers: answers.port2,
      memory: this.#memory,
      measuresHeap: maxHeap !== Infinity,
      [MARK]: true
    }
    // Not sent as a message, which a preload of the user that listens to `parentPort` would receive.
    const options = { env, execArgv, argv, resourceLimits, workerData, transferList: [control.port2, answers.port2] }
    this.#worker = new Worker(join(__dirname, 'worker-main.js'), { name, ...options })
    this.threadId = this.#worker.threadId
    this.#port = control.port1
    this.#answers = answers.port1
    this.#worker.on('error', error => {
      this.#error = error
    })
    this.#worker.on('messageerror', () => {})
    this.#worker.on('exit', code => this.#onExit(code))
    this.#port.on('message', message => this.#receive(message))
    this.#worker.unref()
    this.#port.unref()
  }

  /** @param {any} message */
  #receive(message) {
    if (message.uncaught !== undefined) this.#uncaught = message.uncaught
    else if (message.unreadable !== undefined) this.#onUnreadable(message)
    else if (message.isUp) {
      this.#isUp = true
      this.#notifyIdle()
    } else this.collect()
  }

  /** @param {{ unreadable: Uint8Array, batch: number }} message */
  #onUnreadable({ unreadable, batch }) {
    // Tasks of an earlier batch were aborted, and others sent, before the message arrived.
    if (batch === this.#batchesSent) this.#handler.onUnreadable(this, decodeSafely(unreadable))
  }

  #notifyIdle() {
    if (!this.isBusy && !this.#hasExited) this.#handler.onIdle(this)
  }

  /** @param {number} code */
  #onExit(code) {
    this.#hasExited = true
    clearTimeout(this.abortTimer)
    clearTimeout(this.#endTimer)
    // Messages that it posted before it exited are still queued.
    this.collect()
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      this.#receive(last.message)
    }
    this.#port.close()
    this.#answers.close()
    const wasImporting = this.#shared.words[SHARED.state] === STATE.importing
    const [error, wasTerminated, source] = [this.#exitReason(), this.#isTerminated, this.#source]
    this.#handler.onExit(this, { code, error, wasImporting, wasTerminated, source })
  }

  /** The uncaught exception that ended the thread, or else Node's own error, such as out of memory. */
  #exitReason() {
    return this.#uncaught === undefined ? this.#error : decodeSafely(this.#uncaught)
  }

  /** Reports answers that are ready, and the end of the batch. */
  collect() {
    this.collectAnswers()
    this.#notifyIdle()
  }

  /**
   * Reports answers that are ready, but not the end of the batch: the runner would send the next one, while a getter of an input may
   * be running. The worker's message about these answers has yet to arrive, and then reports the end.
   */
  collectAnswers() {
    const { words } = this.#shared
    Atomics.store(words, SHARED.notified, 0)
    const count = Atomics.load(words, SHARED.answers) - this.answered
    if (count > 0) this.#handler.onAnswers(this, this.#read(count))
  }

  /**
   * Reads the next answers.
   * @param {number} count
   * @returns {Answers}
   */
  #read(count) {
    const { doubles, kinds } = this.#shared
    const values = new Array(count)
    /** @type {Map<number, unknown> | undefined} */
    let errors
    let micros = 0
    let longest = 0
    for (let offset = 0; offset < count; offset++) {
      const index = this.answered + offset
      const time = doubles[DOUBLES.micros + index]
      micros += time
      if (time > longest) longest = time
      const kind = kinds[index]
      if (kind === ANSWER.number) values[offset] = doubles[DOUBLES.numbers + index]
      else if (kind < ANSWER.number) values[offset] = SMALL_VALUES[kind]
      else {
        const read = this.#readMessage(kind)
        if (read.isError) {
          errors ??= new Map()
          errors.set(offset, read.value)
        } else values[offset] = read.value
      }
    }
    return { values, errors, micros, longest }
  }

  /**
   * Reads an answer that is a message.
   * @param {number} kind
   * @returns {{ isError: boolean, value: unknown }}
   */
  #readMessage(kind) {
    try {
      const { message } = /** @type {{ message: any }} */ (receiveMessageOnPort(this.#answers))
      const isError = kind === ANSWER.error
      return { isError, value: isError ? decodeSafely(message) : message }
    } catch (error) {
      return { isError: true, value: unreadableError('result', error) }
    }
  }

  /** True once the thread has started, which takes longer than most tasks. */
  get isUp() {
    return this.#isUp
  }

  get isEnding() {
    return this.#endTimer !== undefined
  }

  /** True while a batch is unfinished or an answer is missing. */
  get isBusy() {
    return this.tasks.length > 0 || Atomics.load(this.#shared.words, SHARED.batches) !== this.#batchesSent
  }

  /** Used heap in bytes after its last batch; 0 if `maxHeap` sets no limit. */
  get heap() {
    return this.#shared.doubles[DOUBLES.heap]
  }

  /** Number of tasks of its batch that have begun. */
  get begun() {
    return readBatch(this.#shared.words).begun
  }

  /**
   * @param {object} message
   * @param {readonly any[]} [transfer]
   */
  #post(message, transfer = []) {
    this.#port.postMessage(message, transfer)
    // The thread may be blocked in Atomics.wait.
    Atomics.add(this.#shared.words, SHARED.messages, 1)
    Atomics.notify(this.#shared.words, SHARED.messages)
  }

  /** True if the task is running, or is the one whose module is being imported. @param {WorkerTask} task */
  isRunning(task) {
    const index = this.tasks.indexOf(task)
    const { begun } = this
    if (begun === 0 && index === 0) return Atomics.load(this.#shared.words, SHARED.state) === STATE.importing
    return index >= 0 && this.answered + index === begun - 1
  }

  /**
   * Sends a batch of tasks of one transform. The thread must not be busy. If `postMessage` throws, nothing is sent.
   * @param {WorkerTask[]} tasks
   */
  send(tasks) {
    const { id: transform, source } = tasks[0].definition
    if (!this.#knownTransforms.has(transform)) {
      this.#post({ transform, definition: source })
      this.#knownTransforms.add(transform)
    }
    const inputs = []
    const transfer = []
    for (const task of tasks) {
      inputs.push(task.input)
      for (const memory of task.transfer) transfer.push(memory)
    }
    Atomics.store(this.#shared.words, SHARED.answers, 0)
    Atomics.store(this.#shared.words, SHARED.batch, tasks.length << 16)
    try {
      // A moved input is alone in its batch, and shares nothing.
      this.#post({ transform, inputs: transfer.length > 0 ? inputs : unshare(inputs) }, transfer)
    } catch (error) {
      Atomics.store(this.#shared.words, SHARED.batch, 0)
      throw error
    }
    this.#source = source
    this.#batchesSent = (this.#batchesSent + 1) | 0
    this.tasks = [...tasks]
    this.answered = 0
    this.sentAt = now()
  }

  /**
   * Removes and returns the tasks that have not begun, from an index in the batch on.
   * @param {number} from
   * @returns {WorkerTask[]}
   */
  reclaim(from) {
    // `tasks` no longer contains the answered ones.
    return this.tasks.splice(shortenBatch(this.#shared.words, from) - this.answered)
  }

  /**
   * Aborts the signal of the running function.
   * @param {WorkerTask} task
   * @param {unknown} reason
   */
  abort(task, reason) {
    const index = this.answered + this.tasks.indexOf(task)
    this.#post({ abort: { index, reason: encodeError(reason) } })
  }

  /** Asks the thread to clean up and exit, and terminates it after `gracePeriod` ms. @param {number} gracePeriod */
  end(gracePeriod) {
    if (this.#endTimer !== undefined) return
    clearTimeout(this.abortTimer)
    this.#post({ end: true })
    this.#endTimer = setTimeout(() => this.terminate(), gracePeriod)
  }

  terminate() {
    this.#isTerminated = true
    clearTimeout(this.abortTimer)
    this.#worker.terminate()
  }
}

/** Decodes an error. Never throws, even if this thread has less stack than the one that encoded the error. @param {Uint8Array} bytes */
function decodeSafely(bytes) {
  try {
    return decodeError(bytes)
  } catch (error) {
    return unreadableError('error', error)
  }
}

/**
 * @param {'input' | 'result' | 'error'} name
 * @param {unknown} error
 */
function unreadableError(name, error) {
  const where = name === 'input' ? ' by the worker thread' : ''
  return new DOMException(`The ${name} cannot be read${where}: ${toText(error)}`, 'DataCloneError')
}

module.exports = { WorkerThread, unreadableError }

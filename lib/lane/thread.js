'use strict'

const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads')
const { toldErrors } = require('../told-errors')
const { clearTimeout, now, setTimeout } = require('../loop')
const { apart } = require('./apart')
const { SHARED, STATE } = require('./entry')
const source = require('./source')
const { ModuleTransform } = require('./transform')

/**
 * @typedef {import('./errand').Errand} Errand
 * @typedef {import('./entry').Results} Results
 *
 * What a lane hears of its threads.
 * @typedef {object} Outlet
 * @property {(thread: Thread, results: Results) => void} results
 * @property {(thread: Thread, error: unknown) => void} unreadable it cannot read the batch that it was sent
 * @property {(thread: Thread, why: Exit) => void} exited
 *
 * @typedef {{ code: number, error: unknown, wasImporting: boolean, isMissed: boolean }} Exit `isMissed`: its results could not be read
 */

const { decodeError, encodeError } = toldErrors(require('node:v8'))

/** A worker thread with the tasks that it has been sent: one batch at a time, and in it one task at a time. */
class Thread {
  #worker
  #port
  #shared = new Int32Array(new SharedArrayBuffer(12))
  /** Transforms that it knows. @type {Set<number>} */
  #known = new Set()
  /** @type {unknown} */
  #error
  #missed = false
  /** @type {NodeJS.Timeout | undefined} */
  #ending

  /** @type {number | undefined} the permit that it works under */
  permit
  /** @type {Errand[]} what it was sent, in order, and has not answered yet */
  tasks = []
  /** @type {Errand[]} what it will be sent under the same permit */
  backlog = []
  /** When the batch was sent. */
  since = 0
  /** How many of the batch it has answered. */
  answered = 0
  /** Tasks that it has done. */
  done = 0
  /** Bytes of its heap in use, when last heard of. */
  heap = 0
  /** Of its lane's: until it has been idle for too long, or has had its time to end a task. @type {NodeJS.Timeout | undefined} */
  timer

  /**
   * @param {import('./options').WorkerOptions} options
   * @param {string} pool its name
   * @param {Outlet} outlet
   */
  constructor({ env, execArgv, argv, resourceLimits }, pool, outlet) {
    const { port1, port2 } = new MessageChannel()
    this.#shared[SHARED.state] = STATE.importing
    const name = `offloop-${pool}`
    const workerData = { port: port2, memory: this.#shared.buffer }
    const options = { env, execArgv, argv, resourceLimits, workerData, transferList: [port2] }
    this.#worker = new Worker(source, { eval: true, name, ...options })
    this.#port = port1
    this.#worker.on('error', error => {
      this.#error = error
    })
    this.#worker.on('messageerror', () => {})
    this.#worker.on('exit', code => {
      clearTimeout(this.timer)
      clearTimeout(this.#ending)
      // What it has said last comes first.
      for (let last = this.#lastOf(port1); last !== undefined; last = this.#lastOf(port1))
        this.#hear(last.message, outlet)
      port1.close()
      const wasImporting = this.#shared[SHARED.state] === STATE.importing
      outlet.exited(this, { code, error: this.#error, wasImporting, isMissed: this.#missed })
    })
    port1.on('message', message => this.#hear(message, outlet))
    port1.on('messageerror', error => this.#miss(error))
    this.#worker.unref()
    port1.unref()
  }

  /** @param {any} message @param {Outlet} outlet */
  #hear(message, outlet) {
    // Whose results they are is told by those before them.
    if (this.#missed) return
    if (message.unreadable !== undefined) outlet.unreadable(this, decodeError(message.unreadable))
    else outlet.results(this, message)
  }

  /** Results cannot be read: nobody knows whose they are. @param {unknown} error */
  #miss(error) {
    this.#missed = true
    this.#error ??= error
    this.#worker.terminate()
  }

  /** What is left to be read. @param {import('node:worker_threads').MessagePort} port */
  #lastOf(port) {
    if (this.#missed) return undefined
    try {
      return receiveMessageOnPort(port)
    } catch (error) {
      this.#miss(error)
      return undefined
    }
  }

  get isEnding() {
    return this.#ending !== undefined
  }

  /** How many tasks of its batch have begun. */
  get begun() {
    return Atomics.load(this.#shared, SHARED.batch) & 0xffff
  }

  /** @param {object} message @param {readonly any[]} [transfer] */
  #post(message, transfer = []) {
    this.#port.postMessage(message, transfer)
    // It may be waiting for it.
    Atomics.add(this.#shared, SHARED.messages, 1)
    Atomics.notify(this.#shared, SHARED.messages)
  }

  /** Whether this is the task that has begun last, and has not been answered. @param {Errand} task */
  runs(task) {
    const place = this.tasks.indexOf(task)
    return place >= 0 && this.answered + place === this.begun - 1
  }

  /**
   * Sends it a batch of tasks of one transform. It must be idle. Throws what `postMessage` throws, and then nothing is sent.
   * @param {Errand[]} tasks
   */
  send(tasks) {
    const transform = ModuleTransform.number(tasks[0].transform)
    if (!this.#known.has(transform)) {
      this.#post({ transform, definition: ModuleTransform.definition(tasks[0].transform) })
      this.#known.add(transform)
    }
    const transfer = tasks.flatMap(task => task.transfer)
    Atomics.store(this.#shared, SHARED.batch, tasks.length << 16)
    try {
      const inputs = tasks.map(task => task.input)
      // What was moved is apart already.
      this.#post({ transform, inputs: transfer.length > 0 ? inputs : apart(inputs) }, transfer)
    } catch (error) {
      Atomics.store(this.#shared, SHARED.batch, 0)
      throw error
    }
    this.tasks = tasks
    this.answered = 0
    this.since = now()
  }

  /**
   * Takes back what has not begun, from a place in the batch on. They are no longer its tasks.
   * @param {number} from
   * @returns {Errand[]}
   */
  takeBack(from) {
    for (;;) {
      const word = Atomics.load(this.#shared, SHARED.batch)
      const [begun, count] = [word & 0xffff, word >>> 16]
      const keep = Math.max(from, begun)
      if (keep >= count) return []
      const shorter = (keep << 16) | begun
      if (Atomics.compareExchange(this.#shared, SHARED.batch, word, shorter) !== word) continue
      // Those that it has answered are not among its tasks any more.
      return this.tasks.splice(keep - this.answered)
    }
  }

  /**
   * Tells the task that runs that it is not wanted any more.
   * @param {Errand} task
   * @param {unknown} reason
   */
  abort(task, reason) {
    const index = this.answered + this.tasks.indexOf(task)
    this.#post({ abort: { index, reason: encodeError(reason) } })
  }

  /** Lets it clean up and end by itself, within a time (ms). @param {number} patience */
  end(patience) {
    if (this.#ending !== undefined) return
    clearTimeout(this.timer)
    this.#post({ end: true })
    this.#ending = setTimeout(() => this.#worker.terminate(), patience)
  }

  terminate() {
    clearTimeout(this.timer)
    this.#worker.terminate()
  }
}

module.exports = { Thread }

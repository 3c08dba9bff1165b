'use strict'

const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads')
const { decodeError, encodeError, text } = require('../told-errors')
const { clearTimeout, now, setTimeout } = require('../loop')
const { apart } = require('./apart')
const { ANSWER, DOUBLES, MEMORY, SHARED, STATE, sharedViews } = require('./entry')
const source = require('./source')
const { ModuleTransform } = require('./transform')

/**
 * @typedef {import('./errand').Errand} Errand
 * @typedef {import('node:worker_threads').MessagePort} MessagePort
 *
 * Answers of the first of a thread's tasks. `errors` by their places among the values; `micros` that the tasks took together.
 * @typedef {{ values: unknown[], errors: Map<number, unknown>, micros: number, longest: number }} Answers
 *
 * The lane that a thread reports to.
 * @typedef {object} Outlet
 * @property {(thread: Thread, answers: Answers) => void} answered
 * @property {(thread: Thread) => void} rests it is up, or done with its batch
 * @property {(thread: Thread, error: unknown) => void} unreadable it cannot read the batch that it was sent
 * @property {(thread: Thread, why: Exit) => void} exited
 *
 * @typedef {{ code: number, error: unknown, wasImporting: boolean, wasTerminated: boolean }} Exit
 */

/** Values by their kinds in ANSWER. */
const SMALL = [undefined, null, false, true]

/** A worker thread with the tasks that it has been sent: one batch at a time, and in it one task at a time. */
class Thread {
  #worker
  #port
  /** Answers that are messages, in the order of their tasks. It is read when they are known to be there. */
  #answers
  #shared = sharedViews(new SharedArrayBuffer(MEMORY), Object.keys(SHARED).length, DOUBLES.length)
  #outlet
  /** Transforms that it knows. @type {Set<number>} */
  #known = new Set()
  /** Batches that it was sent. */
  #batches = 0
  #isUp = false
  #hasExited = false
  #isTerminated = false
  /** @type {unknown} */
  #error
  /** An uncaught exception as the thread encoded it, if it could. @type {Uint8Array | undefined} */
  #uncaught
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
  /** Of its lane's: until it has been idle for too long, or has had its time to end a task. @type {NodeJS.Timeout | undefined} */
  timer

  /**
   * @param {import('./options').WorkerOptions} options
   * @param {string} pool its name
   * @param {Outlet} outlet
   */
  constructor({ env, execArgv, argv, resourceLimits }, pool, outlet) {
    const control = new MessageChannel()
    const answers = new MessageChannel()
    this.#outlet = outlet
    this.#shared.words[SHARED.state] = STATE.importing
    const name = `offloop-${pool}`
    const workerData = { port: control.port2, answers: answers.port2, memory: this.#shared.words.buffer }
    const options = { env, execArgv, argv, resourceLimits, workerData, transferList: [control.port2, answers.port2] }
    this.#worker = new Worker(source, { eval: true, name, ...options })
    this.#port = control.port1
    this.#answers = answers.port1
    this.#worker.on('error', error => {
      this.#error = error
    })
    this.#worker.on('messageerror', () => {})
    this.#worker.on('exit', code => this.#exited(code))
    this.#port.on('message', message => this.#receive(message))
    this.#worker.unref()
    this.#port.unref()
  }

  /** @param {any} message */
  #receive(message) {
    if (message.uncaught !== undefined) this.#uncaught = message.uncaught
    else if (message.unreadable !== undefined) this.#unreadable(message)
    else if (message.isUp) {
      this.#isUp = true
      this.#rest()
    } else this.collect()
  }

  /** Its tasks may have been aborted, and others sent, before this is heard. @param {{ unreadable: Uint8Array, batch: number }} message */
  #unreadable({ unreadable, batch }) {
    if (batch === this.#batches) this.#outlet.unreadable(this, decoded(unreadable))
  }

  #rest() {
    if (!this.isBusy && !this.#hasExited) this.#outlet.rests(this)
  }

  /** @param {number} code */
  #exited(code) {
    this.#hasExited = true
    clearTimeout(this.timer)
    clearTimeout(this.#ending)
    // Its last messages come first.
    this.collect()
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      this.#receive(last.message)
    }
    this.#port.close()
    this.#answers.close()
    const wasImporting = this.#shared.words[SHARED.state] === STATE.importing
    this.#outlet.exited(this, { code, error: this.#reason(), wasImporting, wasTerminated: this.#isTerminated })
  }

  /** What it died of: an exception as the thread encoded it, or Node's own error, as when memory runs out. */
  #reason() {
    return this.#uncaught === undefined ? this.#error : decoded(this.#uncaught)
  }

  /** Passes on the answers that are there, and whether it rests. */
  collect() {
    const { words } = this.#shared
    Atomics.store(words, SHARED.rung, 0)
    const count = Atomics.load(words, SHARED.answers) - this.answered
    if (count > 0) this.#outlet.answered(this, this.#read(count))
    this.#rest()
  }

  /** Reads the next answers. @param {number} count @returns {Answers} */
  #read(count) {
    const { doubles, kinds } = this.#shared
    const values = new Array(count)
    const errors = new Map()
    let [micros, longest] = [0, 0]
    for (let place = 0; place < count; place++) {
      const index = this.answered + place
      const time = doubles[DOUBLES.micros + index]
      micros += time
      if (time > longest) longest = time
      const kind = kinds[index]
      if (kind === ANSWER.number) values[place] = doubles[DOUBLES.numbers + index]
      else if (kind < ANSWER.number) values[place] = SMALL[kind]
      else this.#readMessage(kind, place, values, errors)
    }
    return { values, errors, micros, longest }
  }

  /** @param {number} kind @param {number} place @param {unknown[]} values @param {Map<number, unknown>} errors */
  #readMessage(kind, place, values, errors) {
    try {
      const { message } = /** @type {{ message: any }} */ (receiveMessageOnPort(this.#answers))
      if (kind === ANSWER.error) errors.set(place, decoded(message))
      else values[place] = message
    } catch (error) {
      errors.set(place, unreadableError('result', error))
    }
  }

  /** Whether it can be sent tasks: starting takes it longer than most tasks do. */
  get isUp() {
    return this.#isUp
  }

  get isEnding() {
    return this.#ending !== undefined
  }

  /** Whether it has a batch that it is not done with, or of which an answer is missing. */
  get isBusy() {
    return this.tasks.length > 0 || Atomics.load(this.#shared.words, SHARED.batches) !== this.#batches
  }

  /** Bytes of its heap that were in use after its last batch. */
  get heap() {
    return this.#shared.doubles[DOUBLES.heap]
  }

  /** How many tasks of its batch have begun. */
  get begun() {
    return Atomics.load(this.#shared.words, SHARED.batch) & 0xffff
  }

  /** @param {object} message @param {readonly any[]} [transfer] */
  #post(message, transfer = []) {
    this.#port.postMessage(message, transfer)
    // It may be waiting for it.
    Atomics.add(this.#shared.words, SHARED.messages, 1)
    Atomics.notify(this.#shared.words, SHARED.messages)
  }

  /** Whether this is the task that has begun last and has not been answered, or that waits for its module. @param {Errand} task */
  runs(task) {
    const place = this.tasks.indexOf(task)
    const { begun } = this
    if (begun === 0 && place === 0) return Atomics.load(this.#shared.words, SHARED.state) === STATE.importing
    return place >= 0 && this.answered + place === begun - 1
  }

  /**
   * Sends it a batch of tasks of one transform. It must not be busy. Throws what `postMessage` throws, and then nothing is sent.
   * @param {Errand[]} tasks
   */
  send(tasks) {
    const transform = ModuleTransform.number(tasks[0].transform)
    if (!this.#known.has(transform)) {
      this.#post({ transform, definition: ModuleTransform.definition(tasks[0].transform) })
      this.#known.add(transform)
    }
    const inputs = tasks.map(task => task.input)
    const transfer = tasks.flatMap(task => task.transfer)
    Atomics.store(this.#shared.words, SHARED.answers, 0)
    Atomics.store(this.#shared.words, SHARED.batch, tasks.length << 16)
    try {
      // What was moved is apart already.
      this.#post({ transform, inputs: transfer.length > 0 ? inputs : apart(inputs) }, transfer)
    } catch (error) {
      Atomics.store(this.#shared.words, SHARED.batch, 0)
      throw error
    }
    this.#batches = (this.#batches + 1) | 0
    this.tasks = [...tasks]
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
      const word = Atomics.load(this.#shared.words, SHARED.batch)
      const [begun, count] = [word & 0xffff, word >>> 16]
      const keep = Math.max(from, begun)
      if (keep >= count) return []
      const shorter = (keep << 16) | begun
      if (Atomics.compareExchange(this.#shared.words, SHARED.batch, word, shorter) !== word) continue
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
    this.#ending = setTimeout(() => this.terminate(), patience)
  }

  terminate() {
    this.#isTerminated = true
    clearTimeout(this.timer)
    this.#worker.terminate()
  }
}

/** An error that a thread has encoded. This one may have less stack to decode it. @param {Uint8Array} bytes */
function decoded(bytes) {
  try {
    return decodeError(bytes)
  } catch (error) {
    return unreadableError('error', error)
  }
}

/** @param {'input' | 'result' | 'error'} name @param {unknown} error */
function unreadableError(name, error) {
  const where = name === 'input' ? ' by the worker thread' : ''
  return new DOMException(`The ${name} cannot be read${where}: ${text(error)}`, 'DataCloneError')
}

module.exports = { Thread, unreadableError }

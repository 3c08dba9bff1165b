'use strict'

const Module = require('node:module')
const { join } = require('node:path')
const v8 = require('node:v8')
const { now, setImmediate } = require('../internal/clock')
const { decodeError, encodeError } = require('../internal/error-codec')
const { OffloopError, appendHint, withCode } = require('../internal/errors')
const { ANSWER, DOUBLES, SHARED, STATE, claimTask, readBatch, viewsOf } = require('./shared-memory')

/**
 * @typedef {import('node:worker_threads').MessagePort} MessagePort
 * @typedef {{ transform: number, inputs: unknown[] }} Batch
 * @typedef {{ specifier: string, name: string, hint: string }} Definition `hint` is for a module that is not found
 * @typedef {{ port: MessagePort, answers: MessagePort, memory: SharedArrayBuffer, measuresHeap: boolean }} Connection
 *
 * @typedef {{ index: number, isAborted: boolean, reason: unknown, controller: AbortController | undefined }} RunningTask
 */

/** Other runtimes may end a thread without `beforeExit`. */
const isNode = process.versions.bun === undefined && process.versions.deno === undefined
const MOVED = Symbol.for('offloop.moved')
const DETACHED_TRANSFER =
  'an ArrayBuffer in its transfer list must not be detached: its memory was transferred, moved or resized away'

/**
 * Runs batches in a worker thread, one task at a time. The answer of a task is sent before the next task begins, so that no task
 * can delay or lose the answer of another.
 */
class BatchRunner {
  #port
  #answers
  #measuresHeap
  #views
  /** @type {Map<number, Definition>} by transform */
  #definitions = new Map()
  /** @type {Map<number, Function>} by transform */
  #functions = new Map()
  #modules = new Set()
  /** @type {RunningTask | undefined} */
  #running
  /** Abort of a task that waits for the import of its module. @type {{ index: number, reason: unknown } | undefined} */
  #earlyAbort
  #isFinished = true
  #progress = 0

  /** @param {Connection} connection */
  constructor({ port, answers, memory, measuresHeap }) {
    this.#port = port
    this.#answers = answers
    this.#measuresHeap = measuresHeap
    this.#views = viewsOf(memory)
  }

  /**
   * @param {number} transform
   * @param {Definition} definition
   */
  define(transform, definition) {
    this.#definitions.set(transform, definition)
  }

  /** @param {Batch} batch */
  async run({ transform, inputs }) {
    const { words } = this.#views
    this.#isFinished = false
    this.#progress++
    this.#earlyAbort = undefined
    const call = this.#functions.get(transform) ?? (await this.#import(transform))
    for (let index = claimTask(words); index >= 0; index = claimTask(words)) {
      const start = now()
      try {
        const value = this.#begin(call, inputs[index], index)
        const result = typeof value?.then === 'function' ? await value : value
        this.#running = undefined
        this.#succeed(index, start, result)
      } catch (error) {
        this.#running = undefined
        this.#answers.postMessage(encodeError(error))
        this.#answer(index, ANSWER.error, start)
      }
      if (this.#isFinished) return
      inputs[index] = undefined
    }
    // The parent has reclaimed the rest.
    this.#finish()
    this.#notifyParent()
  }

  /** Returns the function of a transform; if its module cannot be imported, one that throws the reason. @param {number} transform */
  async #import(transform) {
    const { specifier, name, hint } = /** @type {Definition} */ (this.#definitions.get(transform))
    Atomics.store(this.#views.words, SHARED.state, STATE.importing)
    try {
      const namespace = await this.#untilIdle(importFromDirectory(specifier, hint), specifier)
      this.#modules.add(namespace)
      const found = exportedFunction(namespace, name, specifier)
      this.#functions.set(transform, found)
      return found
    } catch (error) {
      return () => {
        throw error
      }
    } finally {
      Atomics.store(this.#views.words, SHARED.state, STATE.running)
    }
  }

  /**
   * Settles as an import does, or rejects once the event loop has nothing left to wait for: the import can then never end.
   * @template T @param {Promise<T>} imported @param {string} specifier
   * @returns {Promise<T>}
   */
  #untilIdle(imported, specifier) {
    if (!isNode) return imported
    return new Promise((resolve, reject) => {
      const end = () => {
        process.off('beforeExit', onIdle)
        this.#port.ref()
      }
      const onIdle = () => {
        end()
        // Another import must not begin before this event has ended: the thread would exit.
        setImmediate(() => reject(unsettledError(specifier)))
      }
      process.on('beforeExit', onIdle)
      this.#port.unref()
      imported.finally(end).then(resolve, reject)
    })
  }

  /**
   * @param {Function} call
   * @param {unknown} input
   * @param {number} index
   */
  #begin(call, input, index) {
    this.#progress++
    const early = this.#earlyAbort?.index === index ? this.#earlyAbort : undefined
    const task = { index, isAborted: early !== undefined, reason: early?.reason, controller: undefined }
    this.#running = task
    return call(input, contextOf(task))
  }

  /**
   * @param {number} index
   * @param {number} start
   * @param {any} value
   */
  #succeed(index, start, value) {
    const kind = kindOf(value)
    if (kind === ANSWER.number) this.#views.doubles[DOUBLES.numbers + index] = value
    if (kind === ANSWER.message) this.#post(value)
    this.#answer(index, kind, start)
  }

  /** @param {any} value */
  #post(value) {
    const transfer = typeof value === 'object' ? value[MOVED] : undefined
    // Node.js 20 posts a detached ArrayBuffer without an error, and the receiver cannot deserialize it.
    if (transfer?.some(require('../internal/detached').isDetached))
      throw cloneError(`The result cannot be cloned: ${DETACHED_TRANSFER}`)
    const result = transfer === undefined ? value : value.value
    try {
      this.#answers.postMessage(result, transfer)
    } catch (error) {
      // Loaded only now, so that threads start sooner.
      throw cloneError(require('../internal/clone-error').explainCloneError('result', result, error))
    }
  }

  /**
   * Publishes the answer of a task. The batch is marked as finished before its last answer, so that no further message is needed.
   * @param {number} index
   * @param {number} kind
   * @param {number} start
   */
  #answer(index, kind, start) {
    const { words, doubles, kinds } = this.#views
    kinds[index] = kind
    doubles[DOUBLES.micros + index] = (now() - start) * 1000
    const { begun, length } = readBatch(words)
    if (begun >= length) this.#finish()
    Atomics.store(words, SHARED.answers, index + 1)
    this.#notifyParent()
  }

  /** Marks the batch as finished: the parent may send the next one. */
  #finish() {
    this.#isFinished = true
    if (this.#measuresHeap) this.#views.doubles[DOUBLES.heap] = v8.getHeapStatistics().used_heap_size
    Atomics.add(this.#views.words, SHARED.batches, 1)
  }

  /** Notifies the parent of answers, unless an earlier notification is still pending. */
  #notifyParent() {
    if (Atomics.exchange(this.#views.words, SHARED.notified, 1) === 0) this.#port.postMessage({})
  }

  /** Reports a batch that cannot be deserialized. @param {unknown} error */
  reportUnreadable(error) {
    this.#finish()
    this.#port.postMessage({ unreadable: encodeError(error), batch: Atomics.load(this.#views.words, SHARED.batches) })
  }

  /** @param {{ index: number, reason: Uint8Array }} abort */
  abort({ index, reason }) {
    const task = this.#running
    if (task === undefined) this.#earlyAbort = { index, reason: decodeError(reason) }
    if (task?.index !== index) return
    task.isAborted = true
    task.reason = decodeError(reason)
    task.controller?.abort(task.reason)
  }

  /** A number that changes with each function; 0 while no function runs, or an aborted one, which ends or is terminated. */
  get progress() {
    const isAborted = this.#running === undefined ? this.#earlyAbort !== undefined : this.#running.isAborted
    return this.#isFinished || isAborted ? 0 : this.#progress
  }

  /** Calls the `dispose` functions of the modules. */
  async dispose() {
    const all = [...this.#modules].map(async namespace => (namespace.dispose ?? namespace.default?.dispose)?.())
    await Promise.allSettled(all)
  }
}

/**
 * Imports a module as a file in the current directory would: packages are looked up from there.
 * @param {string} specifier
 * @param {string} hint
 * @returns {Promise<any>}
 */
async function importFromDirectory(specifier, hint) {
  const path = join(process.cwd(), 'offloop.cjs')
  const importer = /** @type {any} */ (new Module(path))
  importer._compile('module.exports = specifier => import(specifier)', path)
  try {
    return await importer.exports(specifier)
  } catch (error) {
    throw withHint(error, hint, path)
  }
}

/** @param {string} specifier */
function unsettledError(specifier) {
  const message = `The module ${specifier} has a top-level await that never settles`
  return new OffloopError('ERR_OFFLOOP_WORKER_EXIT', message, { transform: 'worker' })
}

/**
 * Appends a hint to the error of a module that is not found, unless an import of that module was not.
 * @param {any} error
 * @param {string} hint
 * @param {string} importer
 */
function withHint(error, hint, importer) {
  const { code, message } = error ?? {}
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' && `${message}`.endsWith(` imported from ${importer}`)
  return isMissing ? appendHint(error, hint) : error
}

/**
 * Returns the exported function of a name; if there is no default export, the only function apart from `dispose`.
 * @param {any} namespace
 * @param {string} name
 * @param {string} specifier
 */
function exportedFunction(namespace, name, specifier) {
  const found = [namespace[name], namespace.default?.[name]].find(it => typeof it === 'function')
  if (found !== undefined) return found
  const exports = { ...namespace.default, ...namespace }
  const functions = functionsOf(exports)
  const only = new Set(functions.values())
  if (name === 'default' && only.size === 1) return functions.values().next().value
  const names = [...functions.keys()].map(it => `'${it}'`).join(', ')
  const have = only.size === 0 ? 'It exports no other function' : `Its functions are ${names}`
  const hint = name === 'default' && only.size > 0 ? '; pass { export } to choose one' : ''
  const message = `The module ${specifier} exports no function as '${name}'${kindOfExport(exports, name)}. ${have}${hint}`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * Returns the functions among the exports that can be chosen, by name.
 * @param {Record<string, unknown>} exports
 * @returns {Map<string, any>}
 */
function functionsOf({ dispose, 'module.exports': _, ...others }) {
  return new Map(Object.entries(others).filter(([, it]) => typeof it === 'function' && it !== dispose))
}

/**
 * Describes an export of another type, unless it holds the functions, as the default export of a CommonJS module does.
 * @param {Record<string, unknown>} exports
 * @param {string} name
 */
function kindOfExport(exports, name) {
  const value = exports[name]
  if (value === undefined || functionsOf(Object(value)).size > 0) return ''
  return value === null ? ', but null' : `, but a value of type ${typeof value}`
}

/** @param {RunningTask} task */
function contextOf(task) {
  return {
    get signal() {
      if (task.controller === undefined) {
        task.controller = new AbortController()
        if (task.isAborted) task.controller.abort(task.reason)
      }
      return task.controller.signal
    }
  }
}

/** Returns the kind of answer for a value. @param {unknown} value */
function kindOf(value) {
  if (value === undefined) return ANSWER.undefined
  if (value === null) return ANSWER.null
  if (typeof value === 'boolean') return value ? ANSWER.true : ANSWER.false
  return typeof value === 'number' ? ANSWER.number : ANSWER.message
}

/** @param {string} message */
function cloneError(message) {
  return new DOMException(message, 'DataCloneError')
}

module.exports = { BatchRunner }

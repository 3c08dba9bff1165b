'use strict'

// The program of a worker thread. It is passed to the thread as source text, so that bundlers cannot break it: it refers to globals
// only, and gets everything else as arguments.

/**
 * Words of the memory that a worker thread shares with its parent.
 * - `batch`: the number of tasks in the batch (upper half) and of those that have begun (lower half)
 * - `state`: one of STATE
 * - `messages`: number of messages sent to the worker
 * - `batches`: number of batches finished
 * - `answers`: number of answers of the current batch that are ready
 * - `notified`: 1 from when the worker notifies the parent of answers until the parent reads them
 */
const SHARED = { batch: 0, state: 1, messages: 2, batches: 3, answers: 4, notified: 5 }
const STATE = { importing: 1, running: 2 }
/** Maximum number of tasks in a batch. */
const MAX_BATCH = 256
/**
 * Doubles of that memory, behind its words: used heap in bytes after the last batch if `maxHeap` is set, the time of each task
 * of the batch in µs, and the answers that are numbers.
 */
const DOUBLES = { heap: 0, micros: 1, numbers: 1 + MAX_BATCH, length: 1 + 2 * MAX_BATCH }
/**
 * Bytes of that memory, behind the doubles, one for each task of the batch: the kind of its answer. Small values need no message;
 * numbers are among the doubles; other values and errors are messages.
 */
const ANSWER = { undefined: 0, null: 1, false: 2, true: 3, number: 4, message: 5, error: 6 }
const MEMORY = 4 * Object.keys(SHARED).length + 8 * DOUBLES.length + MAX_BATCH

/**
 * @typedef {typeof import('../internal/error-codec').makeErrorCodec} MakeErrorCodec
 * @typedef {typeof import('./clone-error').explainCloneError} ExplainCloneError
 *
 * @typedef {object} Batch
 * @property {number} transform
 * @property {unknown[]} inputs
 *
 * @typedef {object} Tools
 * @property {NodeRequire} require
 * @property {(specifier: string) => Promise<any>} load
 * @property {MakeErrorCodec} makeErrorCodec
 * @property {ExplainCloneError} explainCloneError
 * @property {typeof sharedViews} sharedViews
 * @property {any} data of this thread
 * @property {typeof SHARED} SHARED
 * @property {typeof STATE} STATE
 * @property {typeof DOUBLES} DOUBLES
 * @property {typeof ANSWER} ANSWER
 */

/**
 * Returns the views of the memory that a worker shares with the thread that started it.
 * @param {SharedArrayBuffer} memory
 * @param {number} words number of words
 * @param {number} doubles number of doubles
 */
function sharedViews(memory, words, doubles) {
  return {
    words: new Int32Array(memory, 0, words),
    doubles: new Float64Array(memory, 4 * words, doubles),
    kinds: new Uint8Array(memory, 4 * words + 8 * doubles)
  }
}

/**
 * What `--import` names: Node does not see to it where the program is a text. Whatever is imported already stays as it is.
 * @param {(specifier: string) => Promise<any>} load
 */
async function importPreloads(load) {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv]
  for (const [index, word] of words.entries()) {
    if (word === '--import') await load(words[index + 1])
    else if (word.startsWith('--import=')) await load(word.slice('--import='.length))
  }
}

/** What whoever started the thread left for it: it is not for the user's modules. @param {NodeRequire} require */
function takeWorkerData(require) {
  /** @type {any} */
  const threads = require('node:worker_threads')
  const data = threads.workerData
  threads.workerData = undefined
  require('node:module').syncBuiltinESMExports()
  return data
}

/**
 * Runs batches of tasks, one task at a time. The answer of each is handed over before the next one begins, so that no task can delay
 * or lose the answer of another.
 * @param {Tools} tools
 */
function workerMain({
  require,
  load,
  data,
  makeErrorCodec,
  explainCloneError,
  sharedViews,
  SHARED,
  STATE,
  DOUBLES,
  ANSWER
}) {
  const { parentPort, receiveMessageOnPort } = require('node:worker_threads')
  const v8 = require('node:v8')
  const { encodeError, decodeError } = makeErrorCodec(v8)
  const now = performance.now.bind(performance)
  /** Milliseconds for which a thread stays awake after a batch: a blocked thread wakes up sooner than one that waits in its event loop. */
  const AWAKE_MS = 1000
  /** Bounds of the milliseconds between iterations of its event loop while it is awake: as many as have passed since its last batch. */
  const ITERATION_MS = 10
  const MAX_WAIT_MS = 50
  const nextIteration = setImmediate
  const MOVED = Symbol.for('offloop.moved')

  const { port, answers, memory, measuresHeap } = data
  // What a user's module posts to its parent has no reader. Deno's parent has no end.
  parentPort?.close?.()
  const { words, doubles, kinds } = sharedViews(memory, Object.keys(SHARED).length, DOUBLES.length)

  /** @type {Map<number, { specifier: string, name: string }>} */
  const definitions = new Map()
  /** @type {Map<number, Function>} */
  const functions = new Map()
  const modules = new Set()
  /** @type {{ index: number, isAborted: boolean, reason: unknown, controller: AbortController | undefined } | undefined} */
  let running
  /** The abort of a task that has not begun, because its module is being imported. @type {{ index: number, reason: unknown } | undefined} */
  let earlyAbort

  /** Index of the next task of the batch, or -1 if all have begun or were taken back. */
  const claim = () => {
    for (;;) {
      const word = Atomics.load(words, SHARED.batch)
      const begun = word & 0xffff
      if (begun >= word >>> 16) return -1
      if (Atomics.compareExchange(words, SHARED.batch, word, word + 1) === word) return begun
    }
  }

  const isLast = () => {
    const word = Atomics.load(words, SHARED.batch)
    return (word & 0xffff) >= word >>> 16
  }

  /** @param {any} namespace @param {string} name @param {string} specifier */
  const exportedFunction = (namespace, name, specifier) => {
    const found = [namespace[name], namespace.default?.[name]].find(it => typeof it === 'function')
    if (found !== undefined) return found
    const names = Object.keys(namespace).map(it => `'${it}'`)
    const have = names.length === 0 ? 'It exports nothing' : `Its exports are ${names.join(', ')}`
    const error = new TypeError(`The module ${specifier} exports no function as '${name}'. ${have}`)
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
  }

  /** @param {number} transform */
  const functionOf = async transform => {
    const { specifier, name } = /** @type {any} */ (definitions.get(transform))
    Atomics.store(words, SHARED.state, STATE.importing)
    try {
      const namespace = await load(specifier)
      modules.add(namespace)
      const found = exportedFunction(namespace, name, specifier)
      functions.set(transform, found)
      return found
    } finally {
      Atomics.store(words, SHARED.state, STATE.running)
    }
  }

  /** @param {NonNullable<typeof running>} task */
  const contextOf = task => ({
    get signal() {
      if (task.controller === undefined) {
        task.controller = new AbortController()
        if (task.isAborted) task.controller.abort(task.reason)
      }
      return task.controller.signal
    }
  })

  const DETACHED =
    'an ArrayBuffer that it gives away must not be detached: its memory was transferred, moved or resized away'

  /** Node.js 20 posts a detached ArrayBuffer without an error, and the receiver cannot deserialize it. @param {unknown} memory */
  const isDetached = memory => {
    if (!(memory instanceof ArrayBuffer)) return false
    try {
      new Uint8Array(memory)
      return false
    } catch {
      return true
    }
  }

  /** @param {string} message */
  const cloneError = message => new DOMException(message, 'DataCloneError')

  /** True if no batch is running. */
  let isOver = true

  /** Marks the batch as finished: the parent may send the next one. */
  const endBatch = () => {
    isOver = true
    if (measuresHeap) doubles[DOUBLES.heap] = v8.getHeapStatistics().used_heap_size
    Atomics.add(words, SHARED.batches, 1)
  }

  /** Notifies the parent of answers, unless an earlier notification is still pending. */
  const notifyParent = () => {
    if (Atomics.exchange(words, SHARED.notified, 1) === 0) port.postMessage({})
  }

  /**
   * Hands over the answer of a task. The batch is marked as finished before its last answer, so that no further message is needed.
   * @param {number} index @param {number} kind @param {number} since
   */
  const answer = (index, kind, since) => {
    kinds[index] = kind
    doubles[DOUBLES.micros + index] = (now() - since) * 1000
    if (isLast()) endBatch()
    Atomics.store(words, SHARED.answers, index + 1)
    notifyParent()
  }

  /** @param {number} index @param {number} since @param {unknown} error */
  const fail = (index, since, error) => {
    answers.postMessage(encodeError(error))
    answer(index, ANSWER.error, since)
  }

  /** Returns the kind of answer for a value. @param {unknown} value */
  const kindOf = value => {
    if (value === undefined) return ANSWER.undefined
    if (value === null) return ANSWER.null
    if (typeof value === 'boolean') return value ? ANSWER.true : ANSWER.false
    return typeof value === 'number' ? ANSWER.number : ANSWER.message
  }

  /** @param {number} index @param {number} since @param {any} value */
  const succeed = (index, since, value) => {
    const kind = kindOf(value)
    if (kind === ANSWER.number) doubles[DOUBLES.numbers + index] = value
    if (kind !== ANSWER.message) return answer(index, kind, since)
    const isMoved = typeof value === 'object' && value[MOVED] !== undefined
    const transfer = isMoved ? value[MOVED] : undefined
    if (transfer?.some(isDetached)) throw cloneError(`The result cannot be cloned: ${DETACHED}`)
    const result = isMoved ? value.value : value
    try {
      answers.postMessage(result, transfer)
    } catch (error) {
      throw cloneError(explainCloneError('result', result, error))
    }
    answer(index, kind, since)
  }

  /** @param {Function} call @param {unknown} input @param {number} index */
  const begin = (call, input, index) => {
    const task = { index, isAborted: earlyAbort?.index === index, reason: earlyAbort?.reason, controller: undefined }
    running = task
    return call(input, contextOf(task))
  }

  /** @param {Batch} message */
  const runBatch = async ({ transform, inputs }) => {
    isOver = false
    earlyAbort = undefined
    let call = functions.get(transform)
    /** @type {{ error: unknown } | undefined} */
    let importFailure
    if (call === undefined) {
      try {
        call = await functionOf(transform)
      } catch (error) {
        importFailure = { error }
      }
    }
    for (let index = claim(); index >= 0; index = claim()) {
      const since = now()
      try {
        if (importFailure !== undefined) throw importFailure.error
        const value = begin(/** @type {Function} */ (call), inputs[index], index)
        const result = typeof value?.then === 'function' ? await value : value
        running = undefined
        succeed(index, since, result)
      } catch (error) {
        running = undefined
        fail(index, since, error)
      }
      if (isOver) return
      inputs[index] = undefined
    }
    // The parent has taken back the rest.
    endBatch()
    notifyParent()
  }

  /** Reports a batch that cannot be deserialized. @param {unknown} error */
  const reportUnreadable = error => {
    endBatch()
    port.postMessage({ unreadable: encodeError(error), batch: Atomics.load(words, SHARED.batches) })
  }

  const receiveMessage = () => {
    try {
      return receiveMessageOnPort(port)?.message
    } catch (error) {
      reportUnreadable(error)
      return undefined
    }
  }

  let isEnding = false

  /** The next batch, if it comes while this waits. @param {number} time in ms @returns {Batch | undefined} */
  const waitFor = time => {
    const until = now() + time
    for (;;) {
      const seen = Atomics.load(words, SHARED.messages)
      const message = receiveMessage()
      if (message?.inputs !== undefined) return message
      if (message !== undefined) handle(message)
      else {
        const left = until - now()
        if (left <= 0 || isEnding) return undefined
        Atomics.wait(words, SHARED.messages, seen, left)
      }
    }
  }

  /** A batch that the event loop has brought while `serve` let it turn. @type {Batch | undefined} */
  let arrivedBatch
  let isServing = false

  /** @param {Batch} first */
  const serve = async first => {
    if (isServing) {
      arrivedBatch = first
      return
    }
    isServing = true
    let yieldedAt = now()
    let lastBatchAt = yieldedAt
    const isAwake = () => !isEnding && now() - lastBatchAt < AWAKE_MS
    for (let batch = /** @type {Batch | undefined} */ (first); isAwake() || batch !== undefined; ) {
      const isIdle = batch === undefined
      if (batch !== undefined) {
        await runBatch(batch)
        lastBatchAt = now()
        batch = undefined
      }
      // Right after an answer is the best time: the parent has to read it before it sends the next batch.
      if (isIdle || now() - yieldedAt >= ITERATION_MS) {
        await new Promise(nextIteration)
        yieldedAt = now()
        batch = arrivedBatch
        arrivedBatch = undefined
      }
      batch ??= waitFor(Math.min(Math.max(ITERATION_MS, now() - lastBatchAt), MAX_WAIT_MS))
    }
    isServing = false
  }

  /** @param {{ index: number, reason: Uint8Array }} abort */
  const abort = ({ index, reason }) => {
    if (running === undefined) earlyAbort = { index, reason: decodeError(reason) }
    if (running?.index !== index) return
    running.isAborted = true
    running.reason = decodeError(reason)
    running.controller?.abort(running.reason)
  }

  const end = async () => {
    // The modules need the event loop to clean up.
    isEnding = true
    const disposals = [...modules].map(async namespace => (namespace.dispose ?? namespace.default?.dispose)?.())
    await Promise.allSettled(disposals)
    process.exit()
  }

  /** @param {any} message */
  const handle = message => {
    if (message.definition !== undefined) definitions.set(message.transform, message.definition)
    if (message.inputs !== undefined) serve(message)
    else if (message.abort !== undefined) abort(message.abort)
    else if (message.end === true) end()
  }

  port.on('message', handle)
  port.on('messageerror', reportUnreadable)
  // Node.js loses DOMExceptions on the way to the parent, and a deeply nested error crashes the parent while it is deserialized.
  process.on('uncaughtExceptionMonitor', error => {
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback?.()) return
    port.postMessage({ uncaught: encodeError(error) })
    process.exit(1)
  })
  Atomics.store(words, SHARED.state, STATE.running)
  port.postMessage({ isUp: true })
}

module.exports = {
  workerMain,
  importPreloads,
  sharedViews,
  takeWorkerData,
  ANSWER,
  DOUBLES,
  MAX_BATCH,
  MEMORY,
  SHARED,
  STATE
}

'use strict'

// What runs in a worker thread. It travels as text, so that it is found wherever a bundler puts the rest: it refers to nothing
// outside of itself, and gets what it needs as arguments.

/** Words of the memory that a worker thread shares with whoever started it. */
const SHARED = { batch: 0, state: 1, messages: 2 }
/** What a worker thread is at. */
const STATE = { importing: 1, running: 2 }

/**
 * @typedef {object} Batch
 * @property {number} transform
 * @property {unknown[]} inputs
 *
 * @typedef {object} Results of tasks that have ended, in order
 * @property {unknown[]} values
 * @property {[number, Uint8Array][]} errors by their places among the values
 * @property {number} micros that they took together
 * @property {number} longest
 * @property {number} heap bytes that are in use, with the last results of a batch
 * @property {boolean} isLast
 *
 * @typedef {object} Tools
 * @property {NodeRequire} require
 * @property {(specifier: string) => Promise<any>} load
 * @property {typeof import('../told-errors').toldErrors} toldErrors
 * @property {typeof import('./refusal').refusal} refusal
 * @property {typeof import('./apart').apart} apart
 * @property {any} data of this thread
 * @property {typeof SHARED} SHARED
 * @property {typeof STATE} STATE
 */

/**
 * What `--import` names: Node does not see to it where the program is a text. Whatever is imported already stays as it is.
 * @param {(specifier: string) => Promise<any>} load
 */
async function preload(load) {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv]
  for (const [place, word] of words.entries()) {
    if (word === '--import') await load(words[place + 1])
    else if (word.startsWith('--import=')) await load(word.slice('--import='.length))
  }
}

/** What whoever started the thread left for it: it is not for the user's modules. @param {NodeRequire} require */
function takeData(require) {
  /** @type {any} */
  const threads = require('node:worker_threads')
  const data = threads.workerData
  threads.workerData = undefined
  require('node:module').syncBuiltinESMExports()
  return data
}

/** @param {Tools} tools */
function entry({ require, load, data, toldErrors, refusal, apart, SHARED, STATE }) {
  const { parentPort, receiveMessageOnPort } = require('node:worker_threads')
  const v8 = require('node:v8')
  const { encodeError, decodeError } = toldErrors(v8)
  const now = performance.now.bind(performance)
  /** Results wait no longer (ms) for those that follow. */
  const PATIENCE = 1
  /** After a batch a thread waits for the next one for so long (ms) before it looks after its loop: waking that takes longer. */
  const LINGER = 0.5
  /** Its loop turns after so long (ms), whatever comes. */
  const TURN = 10
  const MOVED = Symbol.for('offloop.moved')

  const { port, memory } = data
  // What a user's module posts to its parent has no reader. Deno's parent has no end.
  parentPort?.close?.()
  const shared = new Int32Array(memory)

  /** @type {Map<number, { specifier: string, name: string }>} */
  const definitions = new Map()
  /** @type {Map<number, Function>} */
  const functions = new Map()
  const modules = new Set()
  /** @type {{ index: number, isAborted: boolean, reason: unknown, controller: AbortController | undefined } | undefined} */
  let running

  /** The next task of the batch, if it is not taken away: how many have begun in the lower half, how many there are above. */
  const claim = () => {
    for (;;) {
      const word = Atomics.load(shared, SHARED.batch)
      const begun = word & 0xffff
      if (begun >= word >>> 16) return -1
      if (Atomics.compareExchange(shared, SHARED.batch, word, word + 1) === word) return begun
    }
  }

  const isMore = () => {
    const word = Atomics.load(shared, SHARED.batch)
    return (word & 0xffff) < word >>> 16
  }

  /** @param {any} space @param {string} name @param {string} specifier */
  const exported = (space, name, specifier) => {
    const found = [space[name], space.default?.[name]].find(it => typeof it === 'function')
    if (found !== undefined) return found
    const names = Object.keys(space).map(it => `'${it}'`)
    const have = names.length === 0 ? 'It exports nothing' : `Its exports are ${names.join(', ')}`
    const error = new TypeError(`The module ${specifier} exports no function as '${name}'. ${have}`)
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
  }

  /** @param {number} transform */
  const functionOf = async transform => {
    const { specifier, name } = /** @type {any} */ (definitions.get(transform))
    Atomics.store(shared, SHARED.state, STATE.importing)
    try {
      const space = await load(specifier)
      modules.add(space)
      const found = exported(space, name, specifier)
      functions.set(transform, found)
      return found
    } finally {
      Atomics.store(shared, SHARED.state, STATE.running)
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

  const batch = {
    /** @type {any[]} */
    values: [],
    /** @type {[number, Uint8Array][]} */
    errors: [],
    /** What of each changes hands. @type {any[][]} */
    transfers: [],
    longest: 0,
    since: 0
  }

  const NOTHING = /** @type {any[]} */ ([])

  /** @param {any} value */
  const keep = value => {
    const isMoved = value !== null && typeof value === 'object' && value[MOVED] !== undefined
    const transfer = isMoved ? value[MOVED] : NOTHING
    if (transfer.some(isDetached)) throw new DOMException(`The result cannot be cloned: ${DETACHED}`, 'DataCloneError')
    batch.values.push(isMoved ? value.value : value)
    batch.transfers.push(transfer)
  }

  const DETACHED = 'an ArrayBuffer that it gives away is detached: it was given away before'

  /** Node 20 sends what nobody can read. @param {unknown} memory */
  const isDetached = memory => {
    if (!(memory instanceof ArrayBuffer)) return false
    try {
      new Uint8Array(memory)
      return false
    } catch {
      return true
    }
  }

  /** @param {unknown} error */
  const keepError = error => {
    batch.errors.push([batch.values.length, encodeError(error)])
    batch.values.push(undefined)
    batch.transfers.push(NOTHING)
  }

  /** Whoever gets a result has it alone. What changes hands cannot be cloned first. */
  const valuesApart = () => {
    const { values, transfers } = batch
    const isMoved = (/** @type {number} */ place) => transfers[place].length > 0
    if (!transfers.some(transfer => transfer.length > 0)) return apart(values)
    const rest = apart(values.map((value, place) => (isMoved(place) ? undefined : value)))
    return values.map((value, place) => (isMoved(place) ? value : rest[place]))
  }

  /** Some value cannot be cloned: each is tried by itself. */
  const sift = () => {
    const { values, errors, transfers } = batch
    const failed = new Set(errors.map(([place]) => place))
    for (const [place, value] of values.entries()) {
      if (failed.has(place)) continue
      const transfer = transfers[place]
      const isGone = transfer.some(isDetached)
      try {
        if (isGone) throw new Error(DETACHED)
        const own = structuredClone({ value, transfer }, { transfer })
        values[place] = own.value
        transfers[place] = own.transfer
      } catch (error) {
        values[place] = undefined
        transfers[place] = NOTHING
        const message = isGone ? `The result cannot be cloned: ${DETACHED}` : refusal('result', value, error)
        errors.push([place, encodeError(new DOMException(message, 'DataCloneError'))])
      }
    }
  }

  /** @param {boolean} isLast */
  const post = isLast => {
    const time = now()
    const { values, errors, transfers, longest } = batch
    const heap = isLast ? v8.getHeapStatistics().used_heap_size : 0
    const micros = (time - batch.since) * 1000
    try {
      const own = valuesApart()
      port.postMessage({ values: own, errors, micros, longest: longest * 1000, heap, isLast }, transfers.flat())
    } catch {
      sift()
      port.postMessage({ values, errors, micros, longest: longest * 1000, heap, isLast }, transfers.flat())
    }
    batch.values = []
    batch.errors = []
    batch.transfers = []
    batch.longest = 0
    batch.since = time
  }

  /** @param {Function} call @param {unknown} input @param {number} index */
  const begin = (call, input, index) => {
    const task = { index, isAborted: false, reason: undefined, controller: undefined }
    running = task
    return call(input, contextOf(task))
  }

  /** @param {Batch} message */
  const work = async ({ transform, inputs }) => {
    batch.since = now()
    let call = functions.get(transform)
    /** @type {{ error: unknown } | undefined} */
    let broken
    if (call === undefined) {
      try {
        call = await functionOf(transform)
      } catch (error) {
        broken = { error }
      }
      // Importing is nobody's time.
      batch.since = now()
    }
    let last = batch.since
    for (let index = claim(); index >= 0; index = claim()) {
      if (broken !== undefined) {
        keepError(broken.error)
        continue
      }
      try {
        const value = begin(/** @type {Function} */ (call), inputs[index], index)
        keep(typeof value?.then === 'function' ? await value : value)
      } catch (error) {
        keepError(error)
      }
      running = undefined
      inputs[index] = undefined
      const time = now()
      batch.longest = Math.max(batch.longest, time - last)
      last = time
      if (time - batch.since > PATIENCE && isMore()) post(false)
    }
    post(true)
  }

  /** A batch cannot be read: it would be waited for in vain. @param {unknown} error */
  const unreadable = error => port.postMessage({ unreadable: encodeError(error) })

  const received = () => {
    try {
      return receiveMessageOnPort(port)?.message
    } catch (error) {
      unreadable(error)
      return undefined
    }
  }

  /** The next batch, if it comes soon. @param {number} since when the loop turned last @returns {Batch | undefined} */
  const linger = since => {
    const until = Math.min(now() + LINGER, since + TURN)
    for (;;) {
      const seen = Atomics.load(shared, SHARED.messages)
      const message = received()
      if (message?.inputs !== undefined) return message
      if (message !== undefined) handle(message)
      else {
        const left = until - now()
        if (left <= 0) return undefined
        Atomics.wait(shared, SHARED.messages, seen, left)
      }
    }
  }

  /** @param {Batch} first */
  const serve = async first => {
    const since = now()
    for (let message = /** @type {Batch | undefined} */ (first); message !== undefined; message = linger(since)) {
      await work(message)
    }
  }

  /** @param {{ index: number, reason: Uint8Array }} abort */
  const abort = ({ index, reason }) => {
    if (running?.index !== index) return
    running.isAborted = true
    running.reason = decodeError(reason)
    running.controller?.abort(running.reason)
  }

  const end = async () => {
    const disposals = [...modules].map(async space => (space.dispose ?? space.default?.dispose)?.())
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
  port.on('messageerror', unreadable)
  Atomics.store(shared, SHARED.state, STATE.running)
}

module.exports = { entry, preload, takeData, SHARED, STATE }

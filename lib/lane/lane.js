'use strict'

const { OffloopError, withCaller } = require('../errors')
const { clearTimeout, now, queueMicrotask, setTimeout } = require('../loop')
const { openMailbox } = require('./mailbox')
const { MAX_BATCH, Pace } = require('./pace')
const { port } = require('../port')
const { Thread } = require('./thread')
const { decodeError } = require('../told-errors')
const native = require('../native')
const { ModuleTransform } = require('./transform')
const { refusal } = require('./refusal')

/**
 * @typedef {import('./errand').Errand} Errand
 * @typedef {import('./thread').Exit} Exit
 * @typedef {import('./entry').Results} Results
 */

/** What waits for so long (ms) behind a task of its batch goes to another thread, if one is idle. */
const STUCK = 2
/** Inputs that change hands travel together at most: they cannot go to another thread if one of them takes long. */
const MAX_MOVED = 4
/** Tasks that take less (µs) are waited for without sleeping. */
const SOON = 50
/** After a thread that died while it imported a module (ms); doubled each time. */
const FIRST_DELAY = 100
const MAX_DELAY = 10_000

/** Runs the tasks of user modules in threads, as many at a time as the pool gives it permits. */
class Lane {
  #pool
  #options
  /** @type {Set<Thread>} */
  #threads = new Set()
  /** The one that was busy last comes last. @type {Thread[]} */
  #idle = []
  /** @type {Map<number, Pace>} by transform */
  #paces = new Map()
  /** Transforms whose import kills threads. @type {Map<number, { until: number, delay: number, error: OffloopError }>} */
  #broken = new Map()
  #taken = new Uint32Array(MAX_BATCH)
  #isWatching = false
  /** @type {(() => void) | undefined} */
  #ended

  mailbox
  kind = 0

  /**
   * @param {import('../pool-handle').PoolHandle} pool
   * @param {import('./options').WorkerOptions} options
   */
  constructor(pool, options) {
    this.#pool = pool
    this.#options = options
    this.mailbox = openMailbox(this)
  }

  /** There is a permit for the first task that waits. @param {number} permit */
  begun(permit) {
    const first = this.#errand(native.firstErrand(permit))
    const thread = this.#idle.pop() ?? this.#spawn(permit, first)
    if (thread === undefined) return
    clearTimeout(thread.timer)
    thread.permit = permit
    thread.backlog.push(first)
    // Others that are submitted in this turn travel with it.
    queueMicrotask(() => this.#work(thread))
  }

  /**
   * @param {Errand} errand that has begun
   * @param {unknown} reason
   */
  interrupt(errand, reason) {
    for (const thread of this.#threads) {
      // What has not been sent is left out then.
      if (thread.backlog.includes(errand)) return
      const place = thread.tasks.indexOf(errand)
      if (place < 0) continue
      const later = thread.takeBack(thread.answered + place)
      thread.backlog.unshift(...later)
      // If another one runs by now, this one has ended, and its result is on its way.
      if (later[0] !== errand && thread.runs(errand)) this.#tell(thread, errand, reason)
      return
    }
  }

  /**
   * Ends the threads.
   * @param {boolean} force whether they may clean up
   * @returns {Promise<void>}
   */
  end(force) {
    port.unsubscribe(this.mailbox)
    return new Promise(resolve => {
      this.#ended = resolve
      for (const thread of this.#threads) {
        if (force) thread.terminate()
        else thread.end(this.#options.gracePeriod)
      }
      this.#checkEnded()
    })
  }

  /** @param {Thread} thread @param {Results} results */
  results(thread, { values, errors, micros, longest, heap, isLast }) {
    const tasks = thread.tasks.splice(0, values.length)
    thread.answered += tasks.length
    thread.done += tasks.length
    const failures = new Map(errors)
    if (tasks.length > 0) {
      const pace = this.#pace(numberOf(tasks[0]))
      pace.measure(tasks.length, micros, longest)
      this.#broken.delete(numberOf(tasks[0]))
      this.#finish(thread, tasks, failures, micros)
      for (const [place, errand] of tasks.entries()) {
        const failure = failures.get(place)
        if (failure === undefined) errand.succeed(values[place], pace.micros)
        else errand.fail(withCaller(decodeError(failure), errand.caller))
        errand.leave()
      }
    }
    if (!isLast) return
    thread.heap = heap
    clearTimeout(thread.timer)
    // It is free when they hear of the results who wait for them.
    if (thread.tasks.length === 0) this.#work(thread)
  }

  /** @param {Thread} thread @param {Exit} exit */
  exited(thread, exit) {
    this.#threads.delete(thread)
    this.#idle = this.#idle.filter(it => it !== thread)
    if (thread.permit !== undefined) this.#replace(thread, exit)
    // No task of anybody fails with it.
    else if (exit.error !== undefined) process.emitWarning(exitError(exit, 'between two tasks'))
    this.#checkEnded()
  }

  /** A thread has ended with tasks: those that had begun are lost, the others go to another one. @param {Thread} thread @param {Exit} exit */
  #replace(thread, exit) {
    const begun = exit.wasImporting ? thread.tasks.length : thread.begun - thread.answered
    const lost = thread.tasks.splice(0, begun)
    const rest = [...thread.tasks, ...thread.backlog]
    const kept = rest.filter(errand => errand.transfer.length === 0 || thread.backlog.includes(errand))
    lost.push(...rest.filter(errand => !kept.includes(errand)))
    const when = exit.wasImporting ? 'while it imported the module' : 'before the task did'
    const error = exitError(exit, lost.length === 0 ? 'between two tasks' : when)
    if (lost.length === 0 && exit.error !== undefined) process.emitWarning(error)
    if (exit.wasImporting) this.#backOff(lost[0], error)
    this.#drop(thread, lost, error)
    if (kept.length === 0) return this.#release(thread)
    const next = this.#idle.pop() ?? this.#spawn(/** @type {number} */ (thread.permit), ...kept)
    if (next === undefined) return
    next.permit = thread.permit
    next.backlog = kept
    this.#work(next)
  }

  /**
   * A module that kills its thread when it is imported is not tried again at once.
   * @param {Errand | undefined} errand
   * @param {OffloopError} error
   */
  #backOff(errand, error) {
    if (errand === undefined) return
    const number = numberOf(errand)
    const delay = Math.min((this.#broken.get(number)?.delay ?? FIRST_DELAY / 2) * 2, MAX_DELAY)
    this.#broken.set(number, { until: now() + delay, delay, error })
  }

  /** Sends a thread what it is to do next, or lets it rest. @param {Thread} thread */
  #work(thread) {
    if (thread.permit === undefined || thread.tasks.length > 0) return
    if (this.#isWorn(thread)) return this.#retire(thread)
    for (;;) {
      this.#fill(thread, thread.permit)
      const batch = this.#nextBatch(thread)
      if (batch.length === 0) break
      if (this.#send(thread, batch)) return
    }
    this.#rest(thread)
  }

  /** Takes more tasks under the permit of a thread, as many as make a batch. @param {Thread} thread @param {number} permit */
  #fill(thread, permit) {
    this.#leaveOutSettled(thread)
    const { backlog } = thread
    if (backlog.length === 0) this.#take(permit, backlog, 1)
    if (backlog.length === 0) return
    const missing = this.#pace(numberOf(backlog[0])).size - backlog.length
    if (missing > 0) this.#take(permit, backlog, missing)
  }

  /** @param {number} permit @param {Errand[]} backlog @param {number} most */
  #take(permit, backlog, most) {
    const count = native.takeErrands(permit, this.#taken, most)
    for (let i = 0; i < count; i++) backlog.push(this.#errand(this.#taken[i]))
  }

  /** @param {Thread} thread */
  #leaveOutSettled(thread) {
    const settled = thread.backlog.filter(errand => errand.isSettled)
    if (settled.length === 0) return
    thread.backlog = thread.backlog.filter(errand => !errand.isSettled)
    this.#drop(thread, settled, undefined)
  }

  /**
   * The first tasks of the backlog that are of one transform. What changes hands cannot be taken back once it is sent: it
   * travels alone, or with a few others that nobody can abort, lest their thread is ended with it.
   * @param {Thread} thread
   */
  #nextBatch(thread) {
    const { backlog } = thread
    if (backlog.length === 0) return []
    const number = numberOf(backlog[0])
    const isMoved = backlog[0].transfer.length > 0
    const isAlone = (/** @type {Errand} */ errand) => errand.travelsAlone || (isMoved && errand.isAbortable)
    if (isAlone(backlog[0])) return backlog.splice(0, 1)
    const end = backlog.findIndex(
      errand => numberOf(errand) !== number || errand.transfer.length > 0 !== isMoved || isAlone(errand)
    )
    const most = Math.min(end < 0 ? backlog.length : end, this.#pace(number).size, isMoved ? MAX_MOVED : MAX_BATCH)
    return backlog.splice(0, most)
  }

  /** Returns whether the thread has something to do now. @param {Thread} thread @param {Errand[]} batch */
  #send(thread, batch) {
    const broken = this.#broken.get(numberOf(batch[0]))
    if (broken !== undefined && now() < broken.until) {
      this.#drop(thread, batch, broken.error)
      return false
    }
    try {
      thread.send(batch)
    } catch (error) {
      this.#refuse(thread, batch, error)
      return false
    }
    if (batch.length + thread.backlog.length > 1) this.#watch()
    // A thread that is awake answers sooner than this one would wake up.
    if (this.#pace(numberOf(batch[0])).micros < SOON) port.stayAwake()
    return true
  }

  /** Inputs of a batch cannot be sent: each is tried alone then, and fails alone. @param {Thread} thread @param {Errand[]} batch @param {unknown} error */
  #refuse(thread, batch, error) {
    if (batch.length > 1) {
      for (const errand of batch) errand.travelsAlone = true
      thread.backlog.unshift(...batch)
      return
    }
    const [{ input, transfer }] = batch
    const refused = transfer.length > 0 ? error : new DOMException(refusal('input', input, error), 'DataCloneError')
    this.#drop(thread, batch, refused)
  }

  /** A thread cannot read the batch that it was sent. What was moved is lost with it. @param {Thread} thread @param {unknown} error */
  unreadable(thread, error) {
    const batch = thread.tasks.splice(0)
    const lost = batch.length === 1 ? batch : batch.filter(errand => errand.transfer.length > 0)
    const message = `The input cannot be read by the worker thread: ${error}`
    this.#drop(thread, lost, new DOMException(message, 'DataCloneError'))
    const rest = batch.filter(errand => !lost.includes(errand))
    for (const errand of rest) errand.travelsAlone = true
    thread.backlog.unshift(...rest)
    this.#work(thread)
  }

  /** Tasks under a thread's permit that come to nothing. @param {Thread} thread @param {Errand[]} tasks @param {unknown} error */
  #drop(thread, tasks, error) {
    if (tasks.length === 0) return
    const failed = tasks.filter(errand => !errand.isSettled).length
    native.finishErrands(/** @type {number} */ (thread.permit), 0, failed, tasks.length - failed, 0)
    for (const errand of tasks) {
      errand.fail(error)
      errand.leave()
    }
  }

  /** @param {Thread} thread @param {Errand[]} tasks @param {Map<number, Uint8Array>} failures @param {number} micros */
  #finish(thread, tasks, failures, micros) {
    let [failed, cancelled] = [0, 0]
    for (const [place, errand] of tasks.entries()) {
      if (errand.isSettled) cancelled++
      else if (failures.has(place)) failed++
    }
    const completed = tasks.length - failed - cancelled
    native.finishErrands(/** @type {number} */ (thread.permit), completed, failed, cancelled, micros)
  }

  /** There is nothing to do for a thread. @param {Thread} thread */
  #rest(thread) {
    this.#release(thread)
    if (thread.isEnding) return
    this.#idle.push(thread)
    const { idleTimeout } = this.#options
    if (idleTimeout < 2 ** 31) {
      thread.timer = setTimeout(() => this.#retire(thread), idleTimeout)
      thread.timer.unref()
    }
    if (this.#isWatching) this.#spread()
  }

  /** @param {Thread} thread */
  #release(thread) {
    if (thread.permit !== undefined) native.dropPermit(thread.permit)
    thread.permit = undefined
  }

  /** @param {Thread} thread */
  #isWorn({ done, heap }) {
    return done >= this.#options.maxTasks || heap > this.#options.maxHeap
  }

  /** Ends a thread that has no tasks; another one takes over what it has not been sent. @param {Thread} thread */
  #retire(thread) {
    this.#idle = this.#idle.filter(it => it !== thread)
    thread.end(this.#options.gracePeriod)
    const { permit, backlog } = thread
    thread.permit = undefined
    thread.backlog = []
    if (permit === undefined) return
    const next = this.#idle.pop() ?? this.#spawn(permit, ...backlog)
    if (next === undefined) return
    next.permit = permit
    next.backlog = backlog
    this.#work(next)
  }

  /** A task that runs is not wanted any more: its function hears of it, and has a moment to end. @param {Thread} thread @param {Errand} errand @param {unknown} reason */
  #tell(thread, errand, reason) {
    clearTimeout(thread.timer)
    thread.timer = setTimeout(() => {
      if (thread.runs(errand)) thread.terminate()
    }, this.#options.gracePeriod)
    thread.abort(errand, reason)
  }

  /** Looks after a moment whether tasks are stuck behind others of their batch. */
  #watch() {
    if (this.#isWatching) return
    this.#isWatching = true
    setTimeout(() => {
      this.#isWatching = false
      this.#spread()
      if ([...this.#threads].some(thread => thread.tasks.length + thread.backlog.length > 1)) this.#watch()
    }, STUCK).unref()
  }

  /** Gives tasks that are stuck to threads that are idle, as far as there are permits for them. */
  #spread() {
    const late = now() - STUCK
    for (const thread of this.#threads) {
      if (thread.permit === undefined || thread.tasks.length === 0 || thread.since > late) continue
      if (thread.tasks[0].transfer.length === 0) thread.backlog.unshift(...thread.takeBack(0))
      this.#leaveOutSettled(thread)
      while (thread.backlog.length > 0) {
        const half = Math.ceil(thread.backlog.length / 2)
        const permit = native.splitPermit(thread.permit, thread.tasks.length + thread.backlog.length - half)
        if (permit < 0) return
        const moved = thread.backlog.splice(thread.backlog.length - half)
        const next = this.#idle.pop() ?? this.#spawn(permit, ...moved)
        if (next === undefined) return
        clearTimeout(next.timer)
        next.permit = permit
        next.backlog = moved
        this.#work(next)
      }
    }
  }

  /**
   * A new thread. Where there is none the tasks that it was for fail, and the permit goes back.
   * @param {number} permit
   * @param {Errand[]} tasks
   */
  #spawn(permit, ...tasks) {
    try {
      const thread = new Thread(this.#options, this.#pool.info.name, this)
      this.#threads.add(thread)
      return thread
    } catch (error) {
      for (const errand of tasks) {
        errand.fail(error)
        errand.leave()
      }
      native.finishErrands(permit, 0, tasks.length, 0, 0)
      native.dropPermit(permit)
      return undefined
    }
  }

  /** @param {number} transform */
  #pace(transform) {
    let pace = this.#paces.get(transform)
    if (pace === undefined) {
      pace = new Pace()
      this.#paces.set(transform, pace)
    }
    return pace
  }

  /** @param {number} id @returns {Errand} */
  #errand(id) {
    return /** @type {Errand} */ (/** @type {unknown} */ (port.listener(id)))
  }

  #checkEnded() {
    if (this.#threads.size === 0) this.#ended?.()
  }
}

/** What threads call a task's transform. @param {Errand} errand */
function numberOf(errand) {
  return ModuleTransform.number(errand.transform)
}

/** @param {Exit} exit @param {string} when */
function exitError({ code, error, isMissed }, when) {
  let why = error === undefined ? `exit code ${code}` : `uncaught: ${error}`
  if (isMissed) why = `its results cannot be read: ${error}`
  else if (/** @type {any} */ (error)?.code === 'ERR_WORKER_OUT_OF_MEMORY') why = 'it ran out of memory'
  const exit = new OffloopError('ERR_OFFLOOP_WORKER_EXIT', `The worker thread ended ${when}: ${why}`, {
    transform: 'module'
  })
  if (error !== undefined) exit.cause = error
  return exit
}

module.exports = { Lane }

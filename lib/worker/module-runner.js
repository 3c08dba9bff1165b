'use strict'

const { withCaller } = require('../internal/errors')
const { BackOff } = require('./back-off')
const { exitError } = require('./exit-error')
const { IdleThreads } = require('./idle-threads')
const { clearTimeout, now, queueMicrotask, setImmediate, setTimeout } = require('../internal/clock')
const { listenForPermits } = require('./permit-listener')
const { Pace } = require('./batch-sizer')
const { MAX_BATCH } = require('./worker-main')
const { completionPort } = require('../native/completion-port')
const { Thread, unreadableError } = require('./worker-thread')
const native = require('../native')
const { ModuleTransform } = require('./transform')
const { refusal } = require('./clone-error')

/**
 * @typedef {import('./worker-task').Errand} Errand
 * @typedef {import('./worker-thread').Exit} Exit
 * @typedef {import('./worker-thread').Answers} Answers
 */

/** Milliseconds after which the tasks behind a slow one go back to the queue, where any thread may take them. */
const STUCK = 2
/** The event loop polls instead of sleeping for tasks shorter than SOON (µs) that are sent within RECENT (ms) of an answer. */
const SOON = 50
const RECENT = 0.5
/** Milliseconds of an event-loop iteration that may go to tasks that fail while they are sent. */
const TURN_BUDGET = 2

/** Runs the tasks of user modules in worker threads, one thread for each permit of the pool. */
class Lane {
  #pool
  #options
  /** @type {Set<Thread>} */
  #threads = new Set()
  #idle
  /** @type {Map<number, Pace>} by transform */
  #paces = new Map()
  #backOff = new BackOff()
  #taken = new Uint32Array(MAX_BATCH)
  #list = new Uint32Array(MAX_BATCH)
  #isWatching = false
  #lastAnswer = -Infinity
  /** @type {(() => void) | undefined} */
  #ended

  subscriptionId
  kind = 0

  /**
   * @param {import('../task/contract').TaskPool} pool
   * @param {import('./options').WorkerOptions} options
   */
  constructor(pool, options) {
    this.#pool = pool
    this.#options = options
    this.#idle = new IdleThreads(options.idleTimeout, thread => this.#retire(thread))
    this.subscriptionId = listenForPermits(this)
  }

  /** Receives a permit, which comes with the first waiting task. @param {number} permit */
  onPermit(permit) {
    const first = this.#errand(native.firstErrand(permit))
    const thread = this.#idle.take() ?? this.#unused() ?? this.#spawn(permit, first)
    if (thread === undefined) return
    thread.permit = permit
    thread.backlog.push(first)
    // Tasks that are submitted in the same event-loop iteration are sent together.
    queueMicrotask(() => this.#work(thread))
  }

  /** Sends a moved input at once: it is sent alone, so waiting for others would gain nothing. @param {Errand} errand */
  moved(errand) {
    for (const thread of this.#threads) if (thread.backlog[0] === errand) this.#work(thread)
  }

  /** A starting thread whose tasks another thread has taken over. */
  #unused() {
    return [...this.#threads].find(it => !it.isUp && !it.isEnding && it.permit === undefined)
  }

  /**
   * @param {Errand} errand that has begun
   * @param {unknown} reason
   */
  interrupt(errand, reason) {
    for (const thread of this.#threads) {
      if (thread.tasks.includes(errand)) thread.collectAnswers()
      const place = thread.tasks.indexOf(errand)
      const next = thread.answered + place + (thread.runs(errand) ? 1 : 0)
      if (place >= 0) this.#giveBack(thread, thread.takeBack(next))
      if (thread.runs(errand)) return this.#tell(thread, errand, reason)
      // A running thread skips settled tasks when it is sent the next batch; this one may never start.
      if (!thread.isUp && thread.backlog.includes(errand)) this.#leaveOutOfStart(thread)
    }
  }

  /** @param {Thread} thread that is not up */
  #leaveOutOfStart(thread) {
    this.#leaveOutSettled(thread)
    if (thread.backlog.length === 0) this.#release(thread)
  }

  /**
   * Ends the threads.
   * @param {boolean} force whether they may clean up
   * @returns {Promise<void>}
   */
  end(force) {
    completionPort.unsubscribe(this.subscriptionId)
    return new Promise(resolve => {
      this.#ended = resolve
      for (const thread of this.#threads) {
        if (force) thread.terminate()
        else thread.end(this.#options.gracePeriod)
      }
      this.#checkEnded()
    })
  }

  /** @param {Thread} thread @param {Answers} answers of the first of its tasks */
  answered(thread, { values, errors, micros, longest }) {
    const tasks = thread.tasks.splice(0, values.length)
    thread.answered += tasks.length
    thread.done += tasks.length
    const pace = this.#pace(numberOf(tasks[0]))
    pace.measure(tasks.length, micros, longest)
    this.#backOff.forget(numberOf(tasks[0]))
    this.#lastAnswer = now()
    this.#count(thread, tasks, errors, micros)
    for (let place = 0; place < tasks.length; place++) {
      const errand = tasks[place]
      if (errors?.has(place)) errand.fail(withCaller(errors.get(place), errand.caller))
      else errand.succeed(values[place], pace.micros)
      errand.leave()
    }
  }

  /** @param {Thread} thread that is up, or done with its batch */
  rests(thread) {
    if (this.#idle.has(thread)) return
    clearTimeout(thread.timer)
    if (thread.permit === undefined) this.#rest(thread)
    else this.#work(thread)
  }

  /** @param {Thread} thread @param {Exit} exit */
  exited(thread, exit) {
    this.#threads.delete(thread)
    this.#idle.remove(thread)
    const lost = thread.permit === undefined ? [] : this.#takeLost(thread, exit)
    const when = exit.wasImporting ? 'while it imported the module' : 'before the task did'
    if (lost.length > 0) this.#drop(thread, lost, () => exitError(exit, when))
    // No task rejects, so nothing else would report the exception.
    else if (exit.error !== undefined) process.emitWarning(exitError(exit, 'between two tasks'))
    this.#giveBack(thread, [...thread.tasks, ...thread.backlog])
    this.#release(thread)
    this.#checkEnded()
  }

  /**
   * Removes and returns the tasks that are lost with a thread that has exited: the one that had begun, moved inputs, and, if importing
   * the module ended the thread, all that waited for the import. If the thread ran other tasks before, one of those may be the
   * cause, so the tasks get a second try.
   * @param {Thread} thread @param {Exit} exit
   */
  #takeLost(thread, exit) {
    if (!thread.isUp) thread.tasks = thread.backlog.splice(0)
    const isFault = exit.wasImporting && !exit.wasTerminated
    const isBlamed = isFault && (thread.done === 0 || thread.tasks.some(errand => errand.wasRetried))
    if (isBlamed && thread.tasks.length > 0) this.#backOff.note(numberOf(thread.tasks[0]), exit)
    const begun = isBlamed ? thread.tasks.length : thread.begun - thread.answered
    const isLost = (/** @type {Errand} */ errand, /** @type {number} */ place) =>
      place < begun || errand.transfer.length > 0
    const lost = thread.tasks.filter(isLost)
    thread.tasks = thread.tasks.filter((errand, place) => !isLost(errand, place))
    if (isFault) for (const errand of thread.tasks) errand.wasRetried = true
    return lost
  }

  /** Sends a thread its next batch, or makes it idle. @param {Thread} thread */
  #work(thread) {
    if (thread.permit === undefined || thread.isBusy || !thread.isUp) return
    if (this.#isWorn(thread)) return this.#retire(thread)
    const start = now()
    for (;;) {
      this.#fill(thread, thread.permit)
      const batch = this.#nextBatch(thread)
      if (batch.length === 0) break
      if (this.#send(thread, batch)) return
      // The caller may submit more inputs that cannot be sent, without end.
      if (now() - start > TURN_BUDGET) return setImmediate(() => this.#work(thread))
    }
    this.#rest(thread)
  }

  /** Takes tasks from the queue under a thread's permit until they make a batch. @param {Thread} thread @param {number} permit */
  #fill(thread, permit) {
    this.#leaveOutSettled(thread)
    const { backlog } = thread
    if (backlog.length === 0) this.#take(permit, backlog, 1)
    if (backlog.length === 0) return
    const missing = this.#batchSize(thread, numberOf(backlog[0])) - backlog.length
    if (missing > 0) this.#take(permit, backlog, missing)
  }

  /** @param {number} permit @param {Errand[]} backlog @param {number} most */
  #take(permit, backlog, most) {
    const count = native.takeErrands(permit, this.#taken, most)
    for (let i = 0; i < count; i++) backlog.push(this.#errand(this.#taken[i]))
  }

  /** @param {Thread} thread */
  #leaveOutSettled(thread) {
    if (!thread.backlog.some(errand => errand.isSettled)) return
    const settled = thread.backlog.filter(errand => errand.isSettled)
    thread.backlog = thread.backlog.filter(errand => !errand.isSettled)
    this.#drop(thread, settled)
  }

  /**
   * Removes and returns the first tasks of the backlog that share a transform. A moved input is sent alone: it would be lost if
   * another task of the batch ended the thread.
   * @param {Thread} thread
   */
  #nextBatch(thread) {
    const { backlog } = thread
    if (backlog.length === 0) return []
    if (backlog.length === 1 || backlog[0].isAlone) return backlog.splice(0, 1)
    const number = numberOf(backlog[0])
    const end = backlog.findIndex(errand => errand.isAlone || numberOf(errand) !== number)
    return backlog.splice(0, Math.min(end < 0 ? backlog.length : end, this.#batchSize(thread, number)))
  }

  /** Returns how many tasks of a transform a thread is sent together. @param {Thread} thread @param {number} transform */
  #batchSize(thread, transform) {
    return Math.min(this.#pace(transform).size, this.#options.maxTasks - thread.done)
  }

  /** Returns whether the thread has something to do now. @param {Thread} thread @param {Errand[]} batch */
  #send(thread, batch) {
    const transform = numberOf(batch[0])
    const exit = this.#backOff.exitOf(transform)
    if (exit !== undefined) {
      this.#drop(thread, batch, () => exitError(exit, 'while it imported the module'))
      return false
    }
    try {
      thread.send(batch)
    } catch (error) {
      this.#refuse(thread, batch, error)
      return false
    }
    // Serializing the inputs runs their getters, which may have aborted tasks.
    for (const errand of batch) if (errand.isSettled) this.interrupt(errand, errand.reason)
    if (thread.tasks.length + thread.backlog.length > 1) this.#watch()
    if (this.#pace(transform).micros < SOON && thread.since - this.#lastAnswer < RECENT) completionPort.keepPolling()
    return true
  }

  /** Handles a batch that cannot be sent: each input is tried alone, so that only the culprit fails. @param {Thread} thread @param {Errand[]} batch @param {unknown} error */
  #refuse(thread, batch, error) {
    if (batch.length > 1) {
      for (const errand of batch) errand.travelsAlone = true
      thread.backlog.unshift(...batch)
      return
    }
    const [{ input, transfer }] = batch
    const refused = transfer.length > 0 ? error : new DOMException(refusal('input', input, error), 'DataCloneError')
    this.#drop(thread, batch, () => refused)
  }

  /** Handles a batch that its thread cannot deserialize. Moved inputs in it are lost. @param {Thread} thread @param {unknown} error */
  unreadable(thread, error) {
    const batch = thread.tasks.splice(0)
    const lost = batch.length === 1 ? batch : batch.filter(errand => errand.transfer.length > 0)
    this.#drop(thread, lost, () => unreadableError('input', error))
    const rest = batch.filter(errand => !lost.includes(errand))
    for (const errand of rest) errand.travelsAlone = true
    thread.backlog.unshift(...rest)
    if (!thread.isBusy) this.rests(thread)
  }

  /**
   * Ends tasks under a thread's permit without a result. Pending ones reject, each with a separate error object.
   * @param {Thread} thread @param {Errand[]} tasks @param {() => unknown} [errorOf]
   */
  #drop(thread, tasks, errorOf) {
    if (tasks.length === 0) return
    const failed = tasks.filter(errand => !errand.isSettled).length
    this.#finish(thread, tasks, 0, failed, tasks.length - failed, 0)
    for (const errand of tasks) {
      if (!errand.isSettled) errand.fail(withCaller(errorOf?.(), errand.caller))
      errand.leave()
    }
  }

  /** @param {Thread} thread @param {Errand[]} tasks @param {Map<number, unknown> | undefined} errors @param {number} micros */
  #count(thread, tasks, errors, micros) {
    let failed = 0
    let cancelled = 0
    for (let place = 0; place < tasks.length; place++) {
      if (tasks[place].isSettled) cancelled++
      else if (errors?.has(place)) failed++
    }
    this.#finish(thread, tasks, tasks.length - failed - cancelled, failed, cancelled, micros)
  }

  /** @param {Thread} thread @param {Errand[]} tasks @param {number} completed @param {number} failed @param {number} cancelled @param {number} micros */
  #finish(thread, tasks, completed, failed, cancelled, micros) {
    const permit = /** @type {number} */ (thread.permit)
    native.finishErrands(permit, this.#listed(tasks), completed, failed, cancelled, micros)
  }

  /** Writes the ids of tasks into an array for native code. @param {Errand[]} tasks */
  #listed(tasks) {
    const list = tasks.length > this.#list.length ? new Uint32Array(tasks.length) : this.#list
    for (let i = 0; i < tasks.length; i++) list[i] = tasks[i].id
    return list
  }

  /**
   * Puts tasks that a thread has not begun back into the queue, at their old places. Any thread may run them.
   * @param {Thread} thread @param {Errand[]} tasks
   */
  #giveBack(thread, tasks) {
    const settled = tasks.filter(errand => errand.isSettled)
    const rest = tasks.filter(errand => !errand.isSettled)
    this.#drop(thread, settled)
    if (rest.length > 0) native.giveErrandsBack(/** @type {number} */ (thread.permit), this.#listed(rest), rest.length)
  }

  /** Makes a thread idle, or lets it take over the backlog of a thread that is still starting. @param {Thread} thread */
  #rest(thread) {
    this.#release(thread)
    if (thread.isEnding) return
    const starting = this.#starting()
    if (starting !== undefined) {
      thread.permit = starting.permit
      thread.backlog = starting.backlog.splice(0)
      starting.permit = undefined
      return this.#work(thread)
    }
    this.#idle.add(thread)
  }

  /** A starting thread that has tasks. */
  #starting() {
    for (const it of this.#threads) if (!it.isUp && it.backlog.length > 0) return it
    return undefined
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

  /** Ends an idle thread. @param {Thread} thread */
  #retire(thread) {
    this.#idle.remove(thread)
    thread.end(this.#options.gracePeriod)
    this.#giveBack(thread, thread.backlog.splice(0))
    this.#release(thread)
  }

  /** Aborts a running task: its function gets the signal, and `gracePeriod` to end. @param {Thread} thread @param {Errand} errand @param {unknown} reason */
  #tell(thread, errand, reason) {
    clearTimeout(thread.timer)
    thread.timer = setTimeout(() => {
      thread.collect()
      if (thread.runs(errand)) thread.terminate()
    }, this.#options.gracePeriod)
    thread.abort(errand, reason)
  }

  /** Checks later whether tasks are stuck behind a slow one. */
  #watch() {
    if (this.#isWatching) return
    this.#isWatching = true
    setTimeout(() => {
      this.#isWatching = false
      for (const thread of this.#threads) this.#unstick(thread)
      if ([...this.#threads].some(isAhead)) this.#watch()
    }, STUCK).unref()
  }

  /** @param {Thread} thread */
  #unstick(thread) {
    if (!isAhead(thread) || now() - thread.since < STUCK) return
    // The first task is running, or its module is being imported.
    this.#giveBack(thread, [...thread.takeBack(1), ...thread.backlog.splice(0)])
  }

  /**
   * Starts a thread. If that fails, the task rejects and the permit is returned.
   * @param {number} permit
   * @param {Errand} errand
   */
  #spawn(permit, errand) {
    try {
      const thread = new Thread(this.#options, this.#pool.info.name, this)
      this.#threads.add(thread)
      return thread
    } catch (error) {
      native.finishErrands(permit, this.#listed([errand]), 0, 1, 0, 0)
      native.dropPermit(permit)
      errand.fail(error)
      errand.leave()
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
    return /** @type {Errand} */ (/** @type {unknown} */ (completionPort.listener(id)))
  }

  #checkEnded() {
    if (this.#threads.size === 0) this.#ended?.()
  }
}

/** Returns the number by which threads know the transform of a task. @param {Errand} errand */
function numberOf(errand) {
  return ModuleTransform.number(errand.transform)
}

/** True if a thread has more tasks than the one that it runs. @param {Thread} thread */
function isAhead(thread) {
  return thread.permit !== undefined && thread.isBusy && thread.tasks.length + thread.backlog.length > 1
}

module.exports = { Lane }

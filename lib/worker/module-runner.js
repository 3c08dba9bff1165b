'use strict'

const { appendCallerStack } = require('../internal/errors')
const { BackOff } = require('./back-off')
const { exitError, idleExitError } = require('./exit-error')
const { IdleThreads } = require('./idle-threads')
const { clearTimeout, now, queueMicrotask, setTimeout } = require('../internal/clock')
const { Priority, Step } = require('../internal/loop-scheduler')
const { listenForPermits } = require('./permit-listener')
const { BatchSizers } = require('./batch-sizer')
const { completionPort } = require('../native/completion-port')
const { WorkerThread, unreadableError } = require('./worker-thread')
const native = require('../native')
const { finishTasks, firstTask, requeueTasks, takeTasks } = require('./task-queue')
const { loopScheduler } = require('../native/shared')
const { explainCloneError } = require('../internal/clone-error')

/**
 * @typedef {import('./worker-task').WorkerTask} WorkerTask
 * @typedef {import('./worker-thread').Exit} Exit
 * @typedef {import('./worker-thread').Answers} Answers
 */

/** Milliseconds after which the tasks behind a slow one go back to the queue, where any thread may take them. */
const STEAL_AFTER_MS = 2
/** The event loop polls instead of sleeping for tasks shorter than SPIN_BELOW_US that are sent within RECENT_MS of an answer. */
const SPIN_BELOW_US = 50
const RECENT_MS = 0.5

/** Runs the tasks of user modules in worker threads, one thread for each permit of the pool. */
class ModuleRunner {
  #pool
  #options
  /** @type {Set<WorkerThread>} */
  #threads = new Set()
  #idle
  #batchSizers = new BatchSizers()
  #backOff = new BackOff()
  #isStealingScheduled = false
  #lastAnswer = -Infinity
  /** @type {(() => void) | undefined} */
  #resolveEnd

  subscriptionId
  kind = native.ExternalKind.Worker

  /**
   * @param {import('../task/contract').TaskPool} pool
   * @param {import('./options').WorkerOptions} options
   */
  constructor(pool, options) {
    this.#pool = pool
    this.#options = options
    this.#idle = new IdleThreads(options.idleTimeout, thread => this.#recycle(thread))
    this.subscriptionId = listenForPermits(this)
  }

  /** Receives a permit, which comes with the first waiting task. @param {number} permit */
  onPermit(permit) {
    const first = firstTask(permit)
    const thread = this.#idle.take() ?? this.#findUnused() ?? this.#spawn(permit, first)
    if (thread === undefined) return
    thread.permit = permit
    thread.backlog.push(first)
    // Tasks that are submitted in the same event-loop iteration are sent together.
    queueMicrotask(() => this.#runNext(thread))
  }

  /** Sends an input immediately if it is moved, since moved inputs are sent alone, or if it follows a pause. @param {WorkerTask} task */
  onSubmitted(task) {
    if (task.transfer.length === 0 && now() - this.#lastAnswer < RECENT_MS) return
    for (const thread of this.#threads) if (thread.backlog[0] === task) this.#runNext(thread)
  }

  /** A starting thread whose tasks another thread has taken over. */
  #findUnused() {
    return [...this.#threads].find(it => !it.isUp && !it.isEnding && it.permit === undefined)
  }

  /**
   * @param {WorkerTask} task that has begun
   * @param {unknown} reason
   */
  interrupt(task, reason) {
    for (const thread of this.#threads) {
      if (thread.tasks.includes(task)) thread.collectAnswers()
      const index = thread.tasks.indexOf(task)
      const next = thread.answered + index + (thread.isRunning(task) ? 1 : 0)
      if (index >= 0) this.#returnToQueue(thread, thread.reclaim(next))
      if (thread.isRunning(task)) return this.#abortRunning(thread, task, reason)
      // A running thread skips settled tasks when it is sent the next batch; this one may never start.
      if (!thread.isUp && thread.backlog.includes(task)) this.#dropFromStart(thread)
    }
  }

  /** @param {WorkerThread} thread that is not up */
  #dropFromStart(thread) {
    this.#dropSettled(thread)
    if (thread.backlog.length === 0) this.#releasePermit(thread)
  }

  /**
   * Ends the threads.
   * @param {boolean} force whether to terminate them without cleanup
   * @returns {Promise<void>}
   */
  end(force) {
    completionPort.unsubscribe(this.subscriptionId)
    return new Promise(resolve => {
      this.#resolveEnd = resolve
      for (const thread of this.#threads) {
        if (force) thread.terminate()
        else thread.end(this.#options.gracePeriod)
      }
      this.#checkEnded()
    })
  }

  /**
   * @param {WorkerThread} thread
   * @param {Answers} answers of the first of its tasks
   */
  onAnswers(thread, { values, errors, micros, longest }) {
    const tasks = thread.tasks.splice(0, values.length)
    thread.answered += tasks.length
    thread.tasksDone += tasks.length
    const sizer = this.#batchSizers.of(transformIdOf(tasks[0]))
    sizer.measure(tasks.length, micros, longest)
    this.#backOff.reset(transformIdOf(tasks[0]))
    this.#lastAnswer = now()
    const cancelled = tasks.filter(task => task.isSettled).length
    const failed = tasks.filter((task, index) => !task.isSettled && errors?.has(index)).length
    const completed = tasks.length - failed - cancelled
    finishTasks(permitOf(thread), tasks, { completed, failed, cancelled, micros })
    for (let index = 0; index < tasks.length; index++) {
      const task = tasks[index]
      if (errors?.has(index)) task.fail(appendCallerStack(errors.get(index), task.caller))
      else task.succeed(values[index], sizer.micros)
      task.release()
    }
  }

  /** @param {WorkerThread} thread that is up, or done with its batch */
  onIdle(thread) {
    if (this.#idle.has(thread)) return
    clearTimeout(thread.abortTimer)
    if (thread.permit === undefined) this.#makeIdle(thread)
    else this.#runNext(thread)
  }

  /**
   * @param {WorkerThread} thread
   * @param {Exit} exit
   */
  onExit(thread, exit) {
    this.#threads.delete(thread)
    this.#idle.remove(thread)
    native.removeFunctionThread(thread.threadId)
    const lost = thread.permit === undefined ? [] : this.#takeLost(thread, exit)
    const when = exit.wasImporting ? 'while it imported the module' : 'before the task did'
    if (lost.length > 0) this.#drop(thread, lost, () => exitError(exit, when))
    // No task rejects, so nothing else would report the exception.
    else if (exit.error !== undefined) process.emitWarning(idleExitError(exit))
    this.#returnToQueue(thread, [...thread.tasks, ...thread.backlog])
    this.#releasePermit(thread)
    this.#checkEnded()
  }

  /**
   * Removes and returns the tasks that are lost with a thread that has exited: the one that had begun, moved inputs, and, if importing
   * the module ended the thread, all that waited for the import. If the thread ran other tasks before, one of those may be the
   * cause, so the tasks get a second try.
   * @param {WorkerThread} thread @param {Exit} exit
   */
  #takeLost(thread, exit) {
    if (!thread.isUp) thread.tasks = thread.backlog.splice(0)
    const isFault = exit.wasImporting && !exit.wasTerminated
    const isBlamed = isFault && (thread.tasksDone === 0 || thread.tasks.some(task => task.wasRetried))
    if (isBlamed && thread.tasks.length > 0) this.#backOff.recordCrash(transformIdOf(thread.tasks[0]), exit)
    const begun = isBlamed ? thread.tasks.length : thread.begun - thread.answered
    const isLost = (/** @type {WorkerTask} */ task, /** @type {number} */ index) =>
      index < begun || task.transfer.length > 0
    const lost = thread.tasks.filter(isLost)
    thread.tasks = thread.tasks.filter((task, index) => !isLost(task, index))
    if (isFault) for (const task of thread.tasks) task.wasRetried = true
    return lost
  }

  /** Sends a thread its next batch, or makes it idle. @param {WorkerThread} thread */
  #runNext(thread) {
    if (this.#sendNext(thread)) return
    // A rejected caller may submit more inputs that cannot be sent, without end.
    const job = { step: () => (this.#sendNext(thread) ? Step.Done : Step.More) }
    loopScheduler.schedule(job, Priority.Copy)
  }

  /** Returns `false` if the tasks of the next batch were rejected, or returned to the backlog. @param {WorkerThread} thread */
  #sendNext(thread) {
    if (thread.permit === undefined || thread.isBusy || !thread.isUp) return true
    if (this.#shouldRecycle(thread)) this.#recycle(thread)
    else {
      this.#fill(thread, thread.permit)
      const batch = this.#nextBatch(thread)
      if (batch.length > 0) return this.#send(thread, batch)
      this.#makeIdle(thread)
    }
    return true
  }

  /**
   * Takes tasks from the queue under a thread's permit until they make a batch.
   * @param {WorkerThread} thread
   * @param {number} permit
   */
  #fill(thread, permit) {
    this.#dropSettled(thread)
    const { backlog } = thread
    if (backlog.length === 0) backlog.push(...takeTasks(permit, 1))
    if (backlog.length === 0) return
    const missing = this.#batchSize(thread, transformIdOf(backlog[0])) - backlog.length
    if (missing > 0) backlog.push(...takeTasks(permit, missing))
  }

  /** @param {WorkerThread} thread */
  #dropSettled(thread) {
    if (!thread.backlog.some(task => task.isSettled)) return
    const settled = thread.backlog.filter(task => task.isSettled)
    thread.backlog = thread.backlog.filter(task => !task.isSettled)
    this.#drop(thread, settled)
  }

  /**
   * Removes and returns the first tasks of the backlog that share a transform. A moved input is sent alone: it would be lost if
   * another task of the batch ended the thread.
   * @param {WorkerThread} thread
   */
  #nextBatch(thread) {
    const { backlog } = thread
    if (backlog.length === 0) return []
    if (backlog.length === 1 || backlog[0].isAlone) return backlog.splice(0, 1)
    const transformId = transformIdOf(backlog[0])
    const end = backlog.findIndex(task => task.isAlone || transformIdOf(task) !== transformId)
    return backlog.splice(0, Math.min(end < 0 ? backlog.length : end, this.#batchSize(thread, transformId)))
  }

  /**
   * Returns how many tasks of a transform a thread is sent together.
   * @param {WorkerThread} thread
   * @param {number} transform
   */
  #batchSize(thread, transform) {
    return Math.min(this.#batchSizers.of(transform).size, this.#options.maxTasks - thread.tasksDone)
  }

  /**
   * Sends a batch. Returns `false` if its tasks were rejected, or returned to the backlog, instead.
   * @param {WorkerThread} thread
   * @param {WorkerTask[]} batch
   */
  #send(thread, batch) {
    const transform = transformIdOf(batch[0])
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
    for (const task of batch) if (task.isSettled) this.interrupt(task, task.reason)
    if (thread.tasks.length + thread.backlog.length > 1) this.#scheduleStealing()
    const isSoon =
      this.#batchSizers.of(transform).micros < SPIN_BELOW_US && thread.sentAt - this.#lastAnswer < RECENT_MS
    if (isSoon) completionPort.keepPolling()
    return true
  }

  /**
   * Handles a batch that cannot be sent: each input is tried alone, so that only the culprit fails.
   * @param {WorkerThread} thread
   * @param {WorkerTask[]} batch
   * @param {unknown} error
   */
  #refuse(thread, batch, error) {
    if (batch.length > 1) {
      for (const task of batch) task.mustBeAlone = true
      thread.backlog.unshift(...batch)
      return
    }
    const [{ input, transfer }] = batch
    const message = transfer.length > 0 ? undefined : explainCloneError('input', input, error)
    this.#drop(thread, batch, () => (message === undefined ? error : new DOMException(message, 'DataCloneError')))
  }

  /**
   * Handles a batch that its thread cannot deserialize. Moved inputs in it are lost.
   * @param {WorkerThread} thread
   * @param {unknown} error
   */
  onUnreadable(thread, error) {
    const batch = thread.tasks.splice(0)
    const lost = batch.length === 1 ? batch : batch.filter(task => task.transfer.length > 0)
    this.#drop(thread, lost, () => unreadableError('input', error))
    const rest = batch.filter(task => !lost.includes(task))
    for (const task of rest) task.mustBeAlone = true
    thread.backlog.unshift(...rest)
    if (!thread.isBusy) this.onIdle(thread)
  }

  /**
   * Ends tasks under a thread's permit without a result. Pending ones reject, each with a separate error object.
   * @param {WorkerThread} thread @param {WorkerTask[]} tasks @param {() => unknown} [errorOf]
   */
  #drop(thread, tasks, errorOf) {
    if (tasks.length === 0) return
    const failed = tasks.filter(task => !task.isSettled).length
    finishTasks(permitOf(thread), tasks, { failed, cancelled: tasks.length - failed })
    for (const task of tasks) {
      if (!task.isSettled) task.fail(appendCallerStack(errorOf?.(), task.caller))
      task.release()
    }
  }

  /**
   * Puts tasks that a thread has not begun back into the queue, where any thread may take them.
   * @param {WorkerThread} thread @param {WorkerTask[]} tasks
   */
  #returnToQueue(thread, tasks) {
    const settled = tasks.filter(task => task.isSettled)
    const rest = tasks.filter(task => !task.isSettled)
    this.#drop(thread, settled)
    if (rest.length > 0) requeueTasks(permitOf(thread), rest)
  }

  /** Makes a thread idle, or lets it take over the backlog of a thread that is still starting. @param {WorkerThread} thread */
  #makeIdle(thread) {
    this.#releasePermit(thread)
    if (thread.isEnding) return
    const starting = this.#findStarting()
    if (starting !== undefined) {
      thread.permit = starting.permit
      thread.backlog = starting.backlog.splice(0)
      starting.permit = undefined
      return this.#runNext(thread)
    }
    this.#idle.add(thread)
  }

  /** A starting thread that has tasks. */
  #findStarting() {
    for (const it of this.#threads) if (!it.isUp && it.backlog.length > 0) return it
    return undefined
  }

  /** @param {WorkerThread} thread */
  #releasePermit(thread) {
    if (thread.permit !== undefined) native.dropPermit(thread.permit)
    thread.permit = undefined
  }

  /** @param {WorkerThread} thread */
  #shouldRecycle({ tasksDone, heap }) {
    return tasksDone >= this.#options.maxTasks || heap > this.#options.maxHeap
  }

  /** Ends a thread that runs no task. @param {WorkerThread} thread */
  #recycle(thread) {
    this.#idle.remove(thread)
    thread.end(this.#options.gracePeriod)
    this.#returnToQueue(thread, thread.backlog.splice(0))
    this.#releasePermit(thread)
  }

  /**
   * Aborts a running task: its function gets the signal, and `gracePeriod` to end.
   * @param {WorkerThread} thread
   * @param {WorkerTask} task
   * @param {unknown} reason
   */
  #abortRunning(thread, task, reason) {
    clearTimeout(thread.abortTimer)
    thread.abortTimer = setTimeout(() => {
      thread.collect()
      if (thread.isRunning(task)) thread.terminate()
    }, this.#options.gracePeriod)
    thread.abort(task, reason)
  }

  /** Checks later whether tasks are stuck behind a slow one. */
  #scheduleStealing() {
    if (this.#isStealingScheduled) return
    this.#isStealingScheduled = true
    setTimeout(() => {
      this.#isStealingScheduled = false
      for (const thread of this.#threads) this.#stealWork(thread)
      if ([...this.#threads].some(hasBacklog)) this.#scheduleStealing()
    }, STEAL_AFTER_MS).unref()
  }

  /** @param {WorkerThread} thread */
  #stealWork(thread) {
    if (!hasBacklog(thread) || now() - thread.sentAt < STEAL_AFTER_MS) return
    // The first task is running, or its module is being imported.
    this.#returnToQueue(thread, [...thread.reclaim(1), ...thread.backlog.splice(0)])
  }

  /**
   * Starts a thread. If that fails, the task rejects and the permit is returned.
   * @param {number} permit @param {WorkerTask} task
   */
  #spawn(permit, task) {
    try {
      const thread = new WorkerThread(this.#options, this.#pool.info.name, this)
      this.#threads.add(thread)
      native.addFunctionThread(permit, thread.threadId)
      return thread
    } catch (error) {
      finishTasks(permit, [task], { failed: 1 })
      native.dropPermit(permit)
      task.fail(error)
      task.release()
      return undefined
    }
  }

  #checkEnded() {
    if (this.#threads.size === 0) this.#resolveEnd?.()
  }
}

/** Returns the id by which threads know the transform of a task. @param {WorkerTask} task */
function transformIdOf(task) {
  return task.definition.id
}

/** @param {WorkerThread} thread that has one */
function permitOf(thread) {
  return /** @type {number} */ (thread.permit)
}

/** True if a thread has more tasks than the one that it runs. @param {WorkerThread} thread */
function hasBacklog(thread) {
  return thread.permit !== undefined && thread.isBusy && thread.tasks.length + thread.backlog.length > 1
}

module.exports = { ModuleRunner }

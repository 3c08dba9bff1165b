'use strict'

// Finds deadlocks of user functions: in a thread that runs one, reports to native code whether only tasks of pools can wake it.

const { threadId } = require('node:worker_threads')
const { setImmediate, setTimeout } = require('../internal/clock')
const { taskError } = require('../internal/errors')
const native = require('.')

/**
 * The function that this thread runs, as `lib/worker/worker-main.js` or `script-preload.js` describes it.
 * @typedef {object} UserFunction
 * @property {() => number} progress a number that changes with each function; 0 while no function runs, or an aborted one
 * @property {{ ref: () => void, unref: () => void }} [port] port to the parent, which keeps this thread alive
 *
 * @typedef {object} WaitingTask
 * @property {{ info: { name?: string | undefined, threads: number } }} [pool]
 * @property {{ stack?: string } | undefined} [caller]
 * @property {(reason: unknown, taskId: number) => void} [abort]
 *
 * The completion port.
 * @typedef {object} WatchedPort
 * @property {number} pending
 * @property {(port: UserFunction['port']) => boolean} awaitsOnlyTasks
 * @property {(taskId: number) => WaitingTask | undefined} listener
 */

/** Milliseconds between two reports. A deadlock is detected by two reports of each function. */
const REPORT_MS = 50

/** Watches the function of this thread while it has tasks in flight. */
class FunctionWatch {
  #port
  #running
  #isWatching = false

  /**
   * @param {WatchedPort} port
   * @param {UserFunction} running
   */
  constructor(port, running) {
    this.#port = port
    this.#running = running
  }

  /** Watches until no task is in flight. */
  start() {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#schedule()
  }

  #schedule() {
    const begin = () => {
      const begun = native.reportTime()
      // The poll phase before the immediate delivers the messages that were sent before `begun`. While an immediate runs, the event
      // loop counts as alive: the report follows in a timer.
      setImmediate(() => void setTimeout(() => this.#report(begun), 0).unref())
    }
    setTimeout(begin, REPORT_MS).unref()
  }

  /** @param {number} begun */
  #report(begun) {
    this.#isWatching = this.#port.pending > 0
    if (this.#isWatching) this.#schedule()
    const progress = this.#running.progress()
    if (!this.#isWatching || progress === 0 || !this.#port.awaitsOnlyTasks(this.#running.port)) {
      native.reportAwake(threadId)
      return
    }
    for (const taskId of native.reportBlocked(threadId, begun, progress)) {
      const task = this.#port.listener(taskId)
      if (task?.pool !== undefined) task.abort?.(deadlockError(task.pool.info, task.caller), taskId)
    }
  }
}

/**
 * @param {{ name?: string | undefined, threads: number }} pool
 * @param {{ stack?: string } | undefined} caller
 */
function deadlockError({ name, threads }, caller) {
  const pool = name === undefined ? 'the pool' : `the pool '${name}'`
  const one = threads === 1
  const message =
    `The task would wait forever: ${one ? 'the only thread' : `all ${threads} threads`} of ${pool} ` +
    `${one ? 'runs a function that waits' : 'run functions that wait'} for a free thread. ` +
    'Run the tasks of functions in another pool, or raise threads'
  return taskError({ code: 'ERR_OFFLOOP_DEADLOCK', message }, caller)
}

module.exports = { FunctionWatch }

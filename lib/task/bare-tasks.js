'use strict'

const { taskError } = require('../internal/errors')
const native = require('../native')
const { completionPort } = require('../native/completion-port')

/**
 * Settles the bare tasks of a pool. The completion port keeps only the function that resolves the promise of such a task: the garbage
 * collector copies every object of a queued task, most of them twice. To reject, that function receives a rejected promise.
 */
class BareTasks {
  /** @param {import('./contract').TaskPool} pool */
  constructor(pool) {
    this.pool = pool
  }

  /**
   * Receives an outcome from the completion port.
   * @param {unknown} value
   * @param {import('../internal/errors').SerializedFailure | undefined} failure
   * @param {number} taskId
   */
  settle(value, failure, taskId) {
    this.pool.taskEnded()
    const resolve = completionPort.takeResolver(taskId)
    if (failure === undefined) resolve?.(value)
    else resolve?.(Promise.reject(taskError(failure, undefined)))
  }

  /**
   * Rejects the promise of a task; its work stops as soon as possible.
   * @param {unknown} reason
   * @param {number} taskId
   */
  abort(reason, taskId) {
    const resolve = completionPort.takeResolver(taskId)
    if (resolve === undefined) return
    if (native.cancel(taskId)) {
      completionPort.release(taskId)
      this.pool.taskEnded()
    }
    resolve(Promise.reject(reason))
  }
}

module.exports = { BareTasks }

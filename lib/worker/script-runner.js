'use strict'

const { fileURLToPath } = require('node:url')
const { Worker } = require('node:worker_threads')
const { OffloopError, appendCallerStack, appendHint } = require('../internal/errors')
const { clearTimeout, now, queueMicrotask, setTimeout } = require('../internal/clock')
const { SCRIPT_PRELOAD } = require('../internal/pool-thread')
const { cloneError } = require('./worker-task')
const native = require('../native')
const { listenForPermits } = require('./permit-listener')
const { finishTasks, firstTask } = require('./task-queue')
const { unreadableError } = require('./worker-thread')
const { completionPort } = require('../native/completion-port')

/** @typedef {import('./worker-task').WorkerTask} WorkerTask */

/** Runs scripts that were written for `new Worker()`: one thread for each input, at most one for each permit of the pool. */
class ScriptRunner {
  #options
  /** @type {Map<WorkerTask, Worker>} */
  #workers = new Map()
  /** @type {(() => void) | undefined} */
  #resolveEnd

  subscriptionId
  kind = native.ExternalKind.WorkerScript

  /**
   * @param {import('../task/contract').TaskPool} _pool
   * @param {import('./options').WorkerOptions} options
   */
  constructor(_pool, options) {
    this.#options = options
    this.subscriptionId = listenForPermits(this)
  }

  /** Receives a permit, which comes with the first waiting task. @param {number} permit */
  onPermit(permit) {
    const first = firstTask(permit)
    // Its input is complete when the current callback ends.
    queueMicrotask(() => this.#run(permit, first))
  }

  /** Does nothing: the worker starts when the current callback ends. @param {WorkerTask} _task */
  onSubmitted(_task) {}

  /** @param {WorkerTask} task */
  interrupt(task) {
    this.#workers.get(task)?.terminate()
  }

  /**
   * @param {boolean} _force has no effect: scripts cannot be asked to end, so the pool waits for them
   * @returns {Promise<void>}
   */
  end(_force) {
    completionPort.unsubscribe(this.subscriptionId)
    return new Promise(resolve => {
      this.#resolveEnd = resolve
      this.#checkEnded()
    })
  }

  /**
   * @param {number} permit
   * @param {WorkerTask} task
   */
  #run(permit, task) {
    const start = now()
    let isCounted = false
    const count = (/** @type {'completed' | 'failed' | 'cancelled'} */ outcome) => {
      if (isCounted) return
      isCounted = true
      finishTasks(permit, [task], { [outcome]: 1, micros: (now() - start) * 1000 })
    }
    const ended = (/** @type {'failed' | 'cancelled'} */ outcome) => {
      count(outcome)
      native.dropPermit(permit)
      task.release()
    }
    if (task.isSettled) return ended('cancelled')
    let worker
    try {
      worker = this.#open(task)
    } catch (error) {
      task.fail(cloneError(task.input, task.transfer, error))
      return ended('failed')
    }
    this.#workers.set(task, worker)
    // The task keeps the process alive.
    worker.unref()
    const { threadId } = worker
    native.addFunctionThread(permit, threadId)
    // A getter of the input may have aborted the task.
    if (task.isSettled) worker.terminate()
    /** @type {{ error: unknown } | undefined} */
    let failure
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    worker.once('message', value => {
      count(task.isSettled ? 'cancelled' : 'completed')
      task.succeed(value, (now() - start) * 1000)
      // The script may need time to clean up, but then ends in any case.
      native.removeFunctionThread(threadId)
      timer = setTimeout(() => worker.terminate(), this.#options.gracePeriod)
    })
    worker.once('messageerror', error => {
      failure = { error: unreadableError('result', error) }
      worker.terminate()
    })
    worker.on('error', error => {
      failure = { error: withHint(restoreThrown(error), task.definition) }
    })
    worker.once('exit', code => {
      clearTimeout(timer)
      native.removeFunctionThread(threadId)
      this.#workers.delete(task)
      const silent = () => silentError(task.definition.url, code)
      const error = failure === undefined ? silent() : appendCallerStack(failure.error, task.caller)
      const outcome = task.isSettled ? 'cancelled' : 'failed'
      task.fail(error)
      ended(outcome)
      this.#checkEnded()
    })
  }

  /** @param {WorkerTask} task */
  #open(task) {
    const { env, execArgv, argv, resourceLimits } = this.#options
    const options = {
      workerData: task.input,
      transferList: [...task.transfer],
      env,
      execArgv,
      argv,
      resourceLimits
    }
    const { url } = task.definition
    const open = (/** @type {readonly string[]} */ flags) => {
      return new Worker(url, { ...options, execArgv: [...flags, '--require', SCRIPT_PRELOAD] })
    }
    if (execArgv !== undefined) return open(execArgv)
    for (;;) {
      try {
        return open(process.execArgv.filter(flag => !refusedFlags.has(flag)))
      } catch (error) {
        if (!isInvalidFlags(error)) throw error
        const refused = process.execArgv.filter(flag => !refusedFlags.has(flag) && error.message.includes(flag))
        if (refused.length === 0) return new Worker(url, options)
        for (const flag of refused) refusedFlags.add(flag)
      }
    }
  }

  #checkEnded() {
    if (this.#workers.size === 0) this.#resolveEnd?.()
  }
}

/** Flags of this process that Node.js refuses in the `execArgv` of a thread; they apply to all threads anyway. @type {Set<string>} */
const refusedFlags = new Set()

/**
 * @param {any} error
 * @returns {error is Error}
 */
function isInvalidFlags(error) {
  return error?.code === 'ERR_WORKER_INVALID_EXEC_ARGV'
}

/** Restores a DOMException that the preload script has converted. @param {any} error as it arrived */
function restoreThrown(error) {
  if (error?.isDOMException !== true) return error
  const { name, message, stack } = error
  return Object.defineProperty(new DOMException(message, name), 'stack', {
    value: stack,
    configurable: true,
    writable: true
  })
}

/**
 * Appends a hint to the error if the script itself is not found, not a module that it requires.
 * @param {any} error
 * @param {{ url: URL, hint: string }} script
 */
function withHint(error, { url, hint }) {
  const isMissing = error?.code === 'MODULE_NOT_FOUND' && hint !== ''
  return isMissing && error.message === `Cannot find module '${fileURLToPath(url)}'` ? appendHint(error, hint) : error
}

/** Exit code of Node.js if a top-level await never settles. */
const UNSETTLED = 13

/** @type {(script: URL, code: number) => OffloopError} */
function silentError(script, code) {
  const why = code === UNSETTLED ? '. Node.js exits with code 13 if a top-level await never settles' : ''
  const message = `The script ${script} ended with exit code ${code} and posted no message${why}`
  return new OffloopError('ERR_OFFLOOP_WORKER_EXIT', message, { transform: 'workerScript' })
}

module.exports = { ScriptRunner }

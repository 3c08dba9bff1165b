'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')
const { OffloopError, withCaller } = require('../internal/errors')
const { clearTimeout, now, queueMicrotask, setTimeout } = require('../internal/clock')
const { cloneError } = require('./worker-task')
const native = require('../native')
const { listenForPermits } = require('./permit-listener')
const { unreadableError } = require('./worker-thread')
const { completionPort } = require('../native/completion-port')
const { ScriptTransform } = require('./transform')

/** @typedef {import('./worker-task').Errand} Errand */

/** `__dirname` is missing in an ESM bundle. */
const PRELOAD = typeof __dirname === 'string' ? join(__dirname, 'script-preload.js') : ''
/** False in a bundle, and if the permission model denies access. */
const HAS_PRELOAD = existsSync(PRELOAD)

/** Runs scripts that were written for `new Worker()`: a thread for each input, as many at a time as the pool gives permits. */
class ScriptLane {
  #options
  /** @type {Map<Errand, Worker>} */
  #workers = new Map()
  /** @type {(() => void) | undefined} */
  #ended

  subscriptionId
  kind = 1

  /**
   * @param {import('../task/contract').TaskPool} _pool
   * @param {import('./options').WorkerOptions} options
   */
  constructor(_pool, options) {
    this.#options = options
    this.subscriptionId = listenForPermits(this)
  }

  /** There is a permit for the first task that waits. @param {number} permit */
  onPermit(permit) {
    const first = /** @type {Errand} */ (/** @type {unknown} */ (completionPort.listener(native.firstErrand(permit))))
    // Its input is complete when this turn is over.
    queueMicrotask(() => this.#run(permit, first))
  }

  /** Does nothing: a worker for the input starts when this turn is over. @param {Errand} _errand */
  moved(_errand) {}

  /** @param {Errand} errand */
  interrupt(errand) {
    this.#workers.get(errand)?.terminate()
  }

  /**
   * @param {boolean} _force scripts know of no end: their pool waits for them
   * @returns {Promise<void>}
   */
  end(_force) {
    completionPort.unsubscribe(this.subscriptionId)
    return new Promise(resolve => {
      this.#ended = resolve
      this.#checkEnded()
    })
  }

  /** @param {number} permit @param {Errand} errand */
  #run(permit, errand) {
    const start = now()
    let isCounted = false
    const list = Uint32Array.of(errand.id)
    const count = (/** @type {'completed' | 'failed' | 'cancelled'} */ how) => {
      if (isCounted) return
      isCounted = true
      const one = (/** @type {string} */ it) => (it === how ? 1 : 0)
      const micros = (now() - start) * 1000
      native.finishErrands(permit, list, one('completed'), one('failed'), one('cancelled'), micros)
    }
    const ended = (/** @type {'failed' | 'cancelled'} */ how) => {
      count(how)
      native.dropPermit(permit)
      errand.leave()
    }
    if (errand.isSettled) return ended('cancelled')
    let worker
    try {
      worker = this.#open(errand)
    } catch (error) {
      errand.fail(cloneError(errand.input, errand.transfer, error))
      return ended('failed')
    }
    this.#workers.set(errand, worker)
    // A getter of the input may have aborted the task.
    if (errand.isSettled) worker.terminate()
    /** @type {{ error: unknown } | undefined} */
    let failure
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    worker.once('message', value => {
      count(errand.isSettled ? 'cancelled' : 'completed')
      errand.succeed(value, (now() - start) * 1000)
      // It may have something to put in order.
      timer = setTimeout(() => worker.terminate(), this.#options.gracePeriod)
    })
    worker.once('messageerror', error => {
      failure = { error: unreadableError('result', error) }
      worker.terminate()
    })
    worker.on('error', error => {
      failure = { error: asThrown(error) }
    })
    worker.once('exit', code => {
      clearTimeout(timer)
      this.#workers.delete(errand)
      const error = failure === undefined ? silentError(code) : withCaller(failure.error, errand.caller)
      const how = errand.isSettled ? 'cancelled' : 'failed'
      errand.fail(error)
      ended(how)
      this.#checkEnded()
    })
  }

  /** @param {Errand} errand */
  #open(errand) {
    const { env, execArgv, argv, resourceLimits } = this.#options
    const options = {
      workerData: errand.input,
      transferList: [...errand.transfer],
      env,
      execArgv,
      argv,
      resourceLimits
    }
    const url = ScriptTransform.url(errand.transform)
    if (!HAS_PRELOAD) return new Worker(url, options)
    const open = (/** @type {readonly string[]} */ flags) => {
      return new Worker(url, { ...options, execArgv: [...flags, '--require', PRELOAD] })
    }
    if (execArgv !== undefined) return open(execArgv)
    try {
      return open(process.execArgv.filter(isForThreads))
    } catch (error) {
      if (!isRefusal(error)) throw error
      for (const flag of process.execArgv) if (error.message.includes(flag)) refused.add(flag)
    }
    try {
      return open(process.execArgv.filter(isForThreads))
    } catch (error) {
      if (!isRefusal(error)) throw error
      return new Worker(url, options)
    }
  }

  #checkEnded() {
    if (this.#workers.size === 0) this.#ended?.()
  }
}

/** Flags of this process that Node.js refuses in the `execArgv` of a thread; they hold for all threads anyway. @type {Set<string>} */
const refused = new Set()

/** @param {string} flag */
function isForThreads(flag) {
  return !refused.has(flag)
}

/** @param {any} error @returns {error is Error} */
function isRefusal(error) {
  return error?.code === 'ERR_WORKER_INVALID_EXEC_ARGV'
}

/** Restores a DOMException that the preload script has converted. @param {any} error as it arrived */
function asThrown(error) {
  if (error?.isDOMException !== true) return error
  const { name, message, stack } = error
  return Object.defineProperty(new DOMException(message, name), 'stack', {
    value: stack,
    configurable: true,
    writable: true
  })
}

/** @param {number} code */
function silentError(code) {
  const message = `The script ended with exit code ${code} and posted no message`
  return new OffloopError('ERR_OFFLOOP_WORKER_EXIT', message, { transform: 'workerScript' })
}

module.exports = { ScriptLane }

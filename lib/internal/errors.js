'use strict'

/**
 * @typedef {import('../..').OffloopError['code']} Code
 * @typedef {{ code: string, message: string, offset?: number | null, transform?: string | null }} SerializedFailure as native code makes it
 */

class OffloopError extends Error {
  /**
   * @param {Code} code
   * @param {string} message
   * @param {{ transform?: string | null, offset?: number | null }} [details]
   */
  constructor(code, message, details) {
    super(message)
    this.code = code
    if (details?.transform != null) this.transform = details.transform
    if (details?.offset != null) this.offset = details.offset
  }
}

// On the prototype, as in built-in classes, not on every instance.
Object.defineProperty(OffloopError.prototype, 'name', { value: 'OffloopError', writable: true, configurable: true })

/**
 * @template {TypeError | RangeError} E
 * @param {E} error
 * @param {string} code
 */
function withCode(error, code) {
  return Object.assign(error, { code })
}

/**
 * Returns the error of a task that failed in native code, with the stack of its caller.
 * @param {SerializedFailure} record
 * @param {{ stack?: string } | undefined} caller
 */
function taskError(record, caller) {
  const { code, message } = record
  const error =
    code === 'ERR_INVALID_ARG_TYPE'
      ? withCode(new TypeError(message), code)
      : new OffloopError(/** @type {Code} */ (code), message, record)
  const stack = stackOf(caller)
  const frames = stack.indexOf('\n    at ')
  if (frames >= 0) error.stack = `${error.name}: ${message}${stack.slice(frames)}`
  return error
}

/**
 * Returns the text of a stack, or '' if `Error.prepareStackTrace` returns another value or throws.
 * @param {{ stack?: unknown } | undefined} caller
 */
function stackOf(caller) {
  try {
    const stack = caller?.stack
    return typeof stack === 'string' ? stack : ''
  } catch {
    return ''
  }
}

/**
 * Captures where a public function was called, for the error of the task it starts. Cheap until the stack is read.
 * @param {Function} boundary the public function
 * @returns {{ stack?: string }}
 */
function captureCaller(boundary) {
  const caller = {}
  Error.captureStackTrace(caller, boundary)
  return caller
}

/**
 * Appends the stack of the caller to the error of a user's function in another thread.
 * @param {unknown} error
 * @param {{ stack?: string } | undefined} caller
 */
function appendCallerStack(error, caller) {
  const stack = stackOf(caller)
  const frames = stack.indexOf('\n    at ')
  if (!(error instanceof Error) || frames < 0) return error
  const value = `${error.stack}\n    --- called from ---${stack.slice(frames)}`
  return Object.defineProperty(error, 'stack', { value, configurable: true, writable: true })
}

/**
 * Sets the index of the input on an error, unless it has one or is not extensible.
 * @param {unknown} error
 * @param {number} index
 */
function setIndex(error, index) {
  try {
    if (error instanceof Error && !('index' in error) && Object.isExtensible(error)) Object.assign(error, { index })
  } catch {
    // The error may be a Proxy that throws.
  }
}

/** @param {string} pool */
function closedError(pool) {
  return new OffloopError('ERR_OFFLOOP_CLOSED', `The pool '${pool}' is closed and accepts no more tasks`)
}

/** @param {string} pool */
function forcedError(pool) {
  return new OffloopError('ERR_OFFLOOP_CLOSED', `The pool '${pool}' was closed by force before the task finished`)
}

/**
 * @param {{ name: string, threads: number, maxQueue: number, maxQueueBytes: number }} pool
 * @param {string} bound that is reached: `tasks` or `bytes`
 */
function queueFullError(pool, bound) {
  if (bound === 'threads') {
    return new OffloopError(
      'ERR_OFFLOOP_UNSUPPORTED',
      `The operating system provides no threads for the pool '${pool.name}' at the moment (it needs ${pool.threads})`
    )
  }
  const limit = pool.threads + pool.maxQueue
  const reached =
    bound === 'tasks'
      ? `${limit} ${limit === 1 ? 'task is' : 'tasks are'} admitted (threads ${pool.threads} + maxQueue ${pool.maxQueue})`
      : `the input does not fit beside admitted tasks and waiting callers (maxQueueBytes ${pool.maxQueueBytes})`
  return new OffloopError(
    'ERR_OFFLOOP_QUEUE_FULL',
    `The pool '${pool.name}' is full: ${reached}. Shed the load, or await pool.ready() and try again`
  )
}

module.exports = {
  OffloopError,
  withCode,
  taskError,
  captureCaller,
  appendCallerStack,
  closedError,
  forcedError,
  queueFullError,
  setIndex
}

'use strict'

/**
 * @typedef {import('../..').OffloopError['code']} Code
 * @typedef {{ code: string, message: string, offset?: number | null, transform?: string | null }} SerializedFailure as native code makes it
 */

class OffloopError extends Error {
  /**
   * @param {Code} code
   * @param {string} message
   * @param {{ transform?: string | null, offset?: number | null, statusCode?: number | undefined }} [details]
   */
  constructor(code, message, details) {
    super(message)
    this.code = code
    if (details?.transform != null) this.transform = details.transform
    if (details?.offset != null) this.offset = details.offset
    if (details?.statusCode !== undefined) this.statusCode = details.statusCode
  }
}

class OverloadError extends OffloopError {
  /** @param {ConstructorParameters<typeof OffloopError>} args */
  constructor(...args) {
    super(args[0], args[1], { statusCode: 503, ...args[2] })
  }
}

// On the prototypes, as in built-in classes, not on every instance.
for (const Class of [OffloopError, OverloadError]) {
  Object.defineProperty(Class.prototype, 'name', { value: Class.name, writable: true, configurable: true })
}

/**
 * Statuses of failures that the input of a native task causes. An error thrown in JavaScript has none: `json.stringify` writes a
 * value of the server, not of its client.
 * @type {Record<string, number | undefined>}
 */
const INPUT_STATUS = {
  ERR_OFFLOOP_INVALID_DATA: 400,
  ERR_OFFLOOP_AUTHENTICATION: 400,
  ERR_OFFLOOP_OUTPUT_LIMIT: 413
}

/**
 * @template {TypeError | RangeError} E
 * @param {E} error
 * @param {string} code
 */
function withCode(error, code) {
  return Object.assign(error, { code })
}

/** Classes of errors about an argument, by code. @type {Record<string, TypeErrorConstructor | RangeErrorConstructor | undefined>} */
const BUILT_IN = {
  ERR_INVALID_ARG_TYPE: TypeError,
  ERR_INVALID_ARG_VALUE: TypeError,
  ERR_OUT_OF_RANGE: RangeError
}

/**
 * Returns the error of a task that failed in native code, with the stack of its caller.
 * @param {SerializedFailure} record
 * @param {{ stack?: string } | undefined} caller
 */
function taskError(record, caller) {
  const error = createError(record)
  const stack = stackOf(caller)
  const frames = stack.indexOf('\n    at ')
  if (frames >= 0) error.stack = `${error.name}: ${error.message}${stack.slice(frames)}`
  return error
}

/** @param {SerializedFailure} record */
function createError(record) {
  const { message } = record
  const BuiltIn = BUILT_IN[record.code]
  if (BuiltIn !== undefined) return withCode(new BuiltIn(message), record.code)
  const code = /** @type {Code} */ (record.code)
  if (code === 'ERR_OFFLOOP_QUEUE_TIMEOUT') return new OverloadError(code, message, record)
  return new OffloopError(code, message, { ...record, statusCode: INPUT_STATUS[code] })
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
 * Appends a remedy to the message of an error, and to its stack.
 * @param {Error} error
 * @param {string} hint
 */
function appendHint(error, hint) {
  const message = `${error.message}${hint}`
  const stack = `${error.stack}`.replace(error.message, () => message)
  // An error that another thread threw has a read-only message and stack.
  for (const [name, value] of Object.entries({ message, stack })) {
    Object.defineProperty(error, name, { value, configurable: true, writable: true })
  }
  return error
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

/** Names a pool at the start of a sentence. @param {string | undefined} name */
function poolLabel(name) {
  return name === undefined ? 'The pool' : `The pool '${name}'`
}

/**
 * @param {string | undefined} pool
 * @param {string} [consequence] for the call
 */
function closedError(pool, consequence = ' and accepts no more tasks') {
  return new OffloopError('ERR_OFFLOOP_CLOSED', `${poolLabel(pool)} is closed${consequence}`)
}

/** @param {string} transform */
function disposedError(transform) {
  const message = `The transform '${transform}' has been disposed of and accepts no more inputs`
  return new OffloopError('ERR_OFFLOOP_CLOSED', message, { transform })
}

/** @param {string | undefined} pool */
function forcedError(pool) {
  return new OffloopError('ERR_OFFLOOP_CLOSED', `${poolLabel(pool)} was closed by force before the task finished`)
}

/** @param {string} message */
function resourcesError(message) {
  return new OffloopError('ERR_OFFLOOP_RESOURCES', message)
}

/**
 * @param {{ name?: string | undefined, threads: number, maxQueue: number, maxQueueBytes: number }} pool
 * @param {string} bound that is reached: `tasks` or `bytes`
 * @param {string} transform
 * @param {number} bytes of the input, at most; 0 if unknown
 */
function queueFullError(pool, bound, transform, bytes) {
  if (bound === 'threads') {
    const name = pool.name === undefined ? '' : ` '${pool.name}'`
    return resourcesError(
      `The operating system provides no threads for the pool${name} at the moment (it needs ${pool.threads})`
    )
  }
  const limit = pool.threads + pool.maxQueue
  const reached =
    bound === 'tasks'
      ? `${limit} ${limit === 1 ? 'task is' : 'tasks are'} admitted (threads ${pool.threads} + maxQueue ${pool.maxQueue})`
      : `the input${bytes === 0 ? '' : ` of ${bytes} bytes`} does not fit beside admitted tasks and waiting callers (maxQueueBytes ${pool.maxQueueBytes})`
  const message = `${poolLabel(pool.name)} is full: ${reached}. Shed load, or wait for room with { wait: true }`
  return new OverloadError('ERR_OFFLOOP_QUEUE_FULL', message, { transform })
}

module.exports = {
  OffloopError,
  OverloadError,
  withCode,
  taskError,
  captureCaller,
  appendCallerStack,
  appendHint,
  closedError,
  disposedError,
  forcedError,
  queueFullError,
  resourcesError,
  setIndex
}

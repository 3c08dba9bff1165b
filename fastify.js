'use strict'

const { Cache, Pool, pool: sharedPool } = require('./index.js')
const { stateOf } = require('./lib/pool')
const { withCode } = require('./lib/internal/errors')
const { watch } = require('./lib/watch')
const { abandon, signalOf } = require('./lib/internal/response-signal')
const { checkInteger, checkObject, checkOptions, invalidType } = require('./lib/internal/validate')

/**
 * @typedef {import('fastify').FastifyInstance} FastifyInstance
 * @typedef {import('./fastify').Options} Options
 */

/** Fastify passes the last three to every plugin. */
const OPTIONS = ['pool', 'caches', 'retryAfter', 'watch', 'prefix', 'logLevel', 'logSerializers']
/** Codes of failures that a later retry may avoid. */
const OVERLOAD = ['ERR_OFFLOOP_QUEUE_FULL', 'ERR_OFFLOOP_QUEUE_TIMEOUT']
/** Causes may be circular. */
const MAX_CAUSES = 8
const DAY = 86_400

/**
 * @param {FastifyInstance} instance
 * @param {Options} options
 */
async function offloop(instance, options) {
  checkOptions(options, OPTIONS)
  const { retryAfter = 1 } = options
  checkInteger('options.retryAfter', retryAfter, 0, DAY)

  /** Pools and caches created here, closed in this order. @type {{ close(): unknown }[]} */
  const created = []
  // Runs once the last response has been sent.
  instance.addHook('onClose', async () => {
    for (const resource of created) await resource.close()
  })
  startWatch(options.watch, created)
  const caches = openCaches(options.caches, created)
  const pool = openPool(options.pool, created)
  const decoration = Object.freeze({ pool, caches, refuseWhenFull })

  instance.decorate('offloop', decoration)
  instance.decorateReply('signal', {
    getter() {
      return signalOf(this.raw)
    }
  })
  instance.addHook('onError', (request, reply, error, done) => {
    if (error.code === 'FST_ERR_HANDLER_TIMEOUT') abandon(reply.raw, 'The handler has timed out')
    // An inner context with a separate pool handles its own routes.
    if (request.server.offloop === decoration) markOverload(error, retryAfter)
    done()
  })

  /**
   * @param {unknown} _request
   * @param {unknown} _reply
   * @param {(error?: Error) => void} done
   */
  function refuseWhenFull(_request, _reply, done) {
    const bound = boundOf(pool)
    // `rejectFull` counts the request as a rejected task.
    done(bound === undefined ? undefined : stateOf(pool).rejectFull(bound))
  }
}

/**
 * @param {Options['watch']} given
 * @param {{ close(): unknown }[]} created
 */
function startWatch(given, created) {
  if (given === undefined || given === false) return
  if (given !== true) checkObject(given, 'The "options.watch" property')
  const stop = within('options.watch', () => watch(given === true ? {} : given))
  created.push({ close: stop })
}

/**
 * @param {Options['pool']} given
 * @param {{ close(): unknown }[]} created
 */
function openPool(given, created) {
  if (given === undefined) return sharedPool
  if (given instanceof Pool) return given
  checkPlain('The "options.pool" property', 'Pool', given)
  const pool = within('options.pool', () => new Pool(given))
  created.push(pool)
  return pool
}

/**
 * @param {Options['caches']} given
 * @param {{ close(): unknown }[]} created
 */
function openCaches(given, created) {
  /** @type {Record<string, Cache>} */
  const caches = {}
  if (given === undefined) return Object.freeze(caches)
  checkObject(given, 'The "options.caches" property')
  for (const [name, cache] of Object.entries(given)) {
    if (cache instanceof Cache) caches[name] = cache
    else {
      const path = `options.caches.${name}`
      checkPlain(`The "${path}" property`, 'Cache', cache)
      caches[name] = within(path, () => new Cache(cache))
      created.push(caches[name])
    }
  }
  return Object.freeze(caches)
}

/**
 * Throws unless the value is a plain object: an instance of another class, such as another package's pool, is not options.
 * @param {string} name
 * @param {string} wanted
 * @param {unknown} value
 */
function checkPlain(name, wanted, value) {
  const isPlain =
    typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))
  if (!isPlain) throw invalidType(name, `an instance of ${wanted} or an object with its options`, value)
}

/**
 * Prefixes the message of a TypeError or RangeError with the option it is about.
 * @template T
 * @param {string} path
 * @param {() => T} make
 */
function within(path, make) {
  try {
    return make()
  } catch (/** @type {any} */ error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    const Class = error instanceof TypeError ? TypeError : RangeError
    throw withCode(new Class(`In ${path}: ${error.message}`, { cause: error }), /** @type {any} */ (error).code)
  }
}

/**
 * Returns the bound that the pool has reached.
 * @param {Pool} pool
 * @returns {'tasks' | 'bytes' | undefined}
 */
function boundOf(pool) {
  const { running, queued, queuedBytes } = pool.stats()
  if (running + queued >= pool.threads + pool.maxQueue) return 'tasks'
  return queuedBytes >= pool.maxQueueBytes ? 'bytes' : undefined
}

/**
 * Sets the headers of an overload error, and the status of an error that it caused, for Fastify or for the application's error
 * handler, which may override them.
 * @param {Error & { statusCode?: number, status?: number, headers?: Record<string, string> }} error
 * @param {number} retryAfter
 */
function markOverload(error, retryAfter) {
  if ((error.statusCode ?? error.status ?? 503) !== 503 || !isOverload(error)) return
  error.statusCode = 503
  error.headers = { ...error.headers, 'retry-after': `${retryAfter}` }
}

/** @param {any} error */
function isOverload(error) {
  for (let cause = error, depth = 0; cause instanceof Error && depth < MAX_CAUSES; cause = cause.cause, depth++) {
    if (OVERLOAD.includes(/** @type {{ code?: any }} */ (cause).code)) return true
  }
  return false
}

module.exports = Object.assign(offloop, {
  // Decorates the context that registers the plugin, not a new inner one.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'offloop',
  [Symbol.for('plugin-meta')]: { name: 'offloop', fastify: '5.x' }
})

'use strict'

const { LoopScheduler } = require('../internal/loop-scheduler')
const native = require('.')

/**
 * Returns the one instance of an environment. Copies of this package (test runners reset module registries) share it, because they
 * share the addon and its data.
 * @template T
 * @param {string} name
 * @param {new () => T} Class
 * @returns {T}
 */
function share(name, Class) {
  const instances = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (native))
  const key = Symbol.for(`offloop.${name}`)
  instances[key] ??= new Class()
  return instances[key]
}

module.exports = { loopScheduler: share('loop', LoopScheduler), share }

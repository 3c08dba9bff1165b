'use strict'

// Lines that give jobs to libuv's pool. Node.js calls async hooks when a job is created, while that line is on the stack. Async hooks make
// promises slower, so the hook is enabled only while the kinds of the jobs are recorded.

const { AsyncResource, createHook } = require('node:async_hooks')
const { Sites } = require('./sites')

/**
 * @typedef {import('../facts').PoolCallFact} PoolCallFact
 */

/** Maximum number of captured stacks. */
const MAX_STACKS = 1000
/** Types of Node.js's asynchronous resources that are jobs of the pool, with their kinds. @type {[RegExp, PoolCallFact['kind']][]} */
const KINDS = [
  [/^ZLIB$/, 'zlib'],
  [/^FSREQ/, 'fs'],
  [/^GET(ADDR|NAME)INFO/, 'dns'],
  [/^(?!HTTP)[A-Z\d]+REQUEST$/, 'crypto']
]
/** Types with lowercase letters that belong to Node.js, not to a native addon. */
const OTHERS = /^(Immediate|Microtask|QueueMicrotask|TickObject|Timeout)$/

class PoolCallers {
  /** @type {Sites<PoolCallFact>} */
  #sites = new Sites()
  #stacks = 0
  #hook

  constructor() {
    const init = (
      /** @type {number} */ _id,
      /** @type {string} */ type,
      /** @type {number} */ _trigger,
      /** @type {object} */ resource
    ) => {
      const kind = kindOf(type, resource)
      if (kind === undefined || this.#stacks >= MAX_STACKS) return
      this.#stacks++
      const line = this.#sites.find(init, kind, ({ frames }) => ({ kind, jobs: 0, frames }))
      if (line !== undefined) line.jobs++
    }
    this.#hook = createHook({ init })
  }

  enable() {
    this.#hook.enable()
  }

  disable() {
    this.#hook.disable()
  }

  /** @returns {PoolCallFact[]} */
  get facts() {
    return this.#sites.all.filter(({ frames }) => frames.some(({ isUser }) => isUser))
  }
}

/**
 * Returns the kind of the job that an asynchronous resource stands for, or `undefined` for other resources.
 * @param {string} type
 * @param {object} resource
 * @returns {PoolCallFact['kind'] | undefined}
 */
function kindOf(type, resource) {
  if (type === 'PROMISE') return undefined
  const known = KINDS.find(([pattern]) => pattern.test(type))
  if (known !== undefined) return known[1]
  // Native addons name their resources freely, as JavaScript does with `AsyncResource`.
  const isNative = /[a-z]/.test(type) && !OTHERS.test(type) && !(resource instanceof AsyncResource)
  return isNative ? 'node_api' : undefined
}

module.exports = { PoolCallers }

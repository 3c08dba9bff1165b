'use strict'

const { date } = require('../../internal/clock')

const MAX_VALUES = 400
/** Types of resources that are sockets. Those of servers are left out. */
const SOCKETS = new Set(['TCPSocketWrap', 'PipeWrap', 'TLSWrap'])

/** A number over time: at most 400 values at even intervals, and the last value. */
class Counts {
  /** @type {{ at: number, count: number }[]} */
  #values = []
  #last = { at: 0, count: 0 }
  #stride = 1
  #added = 0

  /** @param {number} count current value */
  add(count) {
    this.#last = { at: date(), count }
    if (this.#added++ % this.#stride !== 0) return
    this.#values.push(this.#last)
    if (this.#values.length < MAX_VALUES) return
    this.#values = this.#values.filter((_, index) => index % 2 === 0)
    this.#stride *= 2
  }

  get last() {
    return this.#last.count
  }

  values() {
    const values = this.#values.slice()
    if (this.#added > 0 && values.at(-1) !== this.#last) values.push(this.#last)
    return values
  }
}

/** Returns the number of open sockets of this thread. */
function openSockets() {
  return process.getActiveResourcesInfo().filter(resource => SOCKETS.has(resource)).length
}

module.exports = { Counts, openSockets }

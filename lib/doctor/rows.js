'use strict'

// Bounds the rows of a process in a long run: their number, not the time that they cover.

/**
 * @typedef {import('./facts').Row} Row
 * @typedef {{ type: 'row', row: Row }} Message
 */

/** Maximum number of rows of a process. */
const MOST = 20_000

/** The rows of a process. When they reach the maximum, pairs are merged: each row then covers two recorded rows, later four, and so on. */
class Rows {
  #most
  /** @type {Message[]} */
  #messages = []
  /** Number of recorded rows that a complete row covers, and that the last row covers. */
  #stride = 1
  #covered = 0

  /** @param {number} [most] an even number */
  constructor(most = MOST) {
    this.#most = most
  }

  /** Adds a row, or adds its figures to the last row. Returns whether there is a further row. @param {Message} message */
  add(message) {
    const last = this.#messages.at(-1)
    if (last !== undefined && this.#covered < this.#stride) {
      last.row = merged(last.row, message.row, this.#covered)
      this.#covered++
      return false
    }
    this.#messages.push(message)
    this.#covered = 1
    return true
  }

  /** Merges pairs of rows if there are too many. Returns the messages that are superfluous then. @returns {ReadonlySet<Message>} */
  thin() {
    if (this.#messages.length < this.#most || this.#covered < this.#stride) return new Set()
    for (let index = 1; index < this.#messages.length; index += 2) {
      const [first, second] = this.#messages.slice(index - 1, index + 1)
      first.row = merged(first.row, second.row, 1)
    }
    const superfluous = new Set(this.#messages.filter((_, index) => index % 2 === 1))
    this.#messages = this.#messages.filter(message => !superfluous.has(message))
    this.#stride *= 2
    this.#covered = this.#stride
    return superfluous
  }
}

/**
 * Returns a row for the time of two rows.
 * @param {Row} first
 * @param {Row} second
 * @param {number} weight of the first row, compared with the second one
 * @returns {Row}
 */
function merged(first, second, weight) {
  return {
    ...second,
    heapUsed: Math.min(first.heapUsed, second.heapUsed),
    external: Math.min(first.external, second.external),
    rss: Math.max(first.rss, second.rss),
    requests: first.requests + second.requests,
    gc: first.gc + second.gc,
    longestGc: Math.max(first.longestGc, second.longestGc),
    utilization: (first.utilization * weight + second.utilization) / (weight + 1)
  }
}

module.exports = { Rows }

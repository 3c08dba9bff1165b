'use strict'

const { readdirSync } = require('node:fs')
const { join } = require('node:path')

/**
 * @typedef {Pick<import('offloop/doctor').Finding, 'title' | 'function' | 'file' | 'line'>} Finding
 *
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(request: Request, response: Response) => Promise<void>} Handler answers everything but /ping
 *
 * A row of the table that is specific to a trap.
 * @typedef {object} Row
 * @property {string} name
 * @property {number} value
 * @property {'more' | 'less'} [better] a row without it has no ratio
 *
 * Measurements of the server after the load and a garbage collection.
 * @typedef {object} Aftermath
 * @property {number} seconds under load
 * @property {number} heapGrown bytes
 * @property {Record<string, number>} warnings of the process, by name
 * @property {number} delay of the event loop, the 99th percentile, in milliseconds
 * @property {number} peak resident memory in bytes, above that before the load
 * @property {{ total: number, longest: number }} collections pauses for the garbage collector, in milliseconds
 *
 * Export of each file in this folder whose name begins with a number.
 * @typedef {object} Trap
 * @property {number} number
 * @property {string} name for `npm start -- <name>`
 * @property {string} title in the table
 * @property {string[]} paths that the load requests in turn
 * @property {number} [connections] concurrent clients, default 4
 * @property {number} [requests] after which the load ends, instead of after some seconds
 * @property {(directory: string) => void} [prepare] called before the first request; the directory is removed at the end
 * @property {Buffer} [upload] a body that the load sends with each request: every other client is slow
 * @property {number} [rate] maximum requests per second, default unlimited
 * @property {Handler} naive
 * @property {Handler} offloop
 * @property {(body: Buffer, headers: import('node:http').IncomingHttpHeaders) => unknown} open decodes a response
 *   to a value that is equal for both handlers, even if their bytes differ
 * @property {(aftermath: Aftermath) => Row[]} [rows]
 */

/**
 * All traps, by number.
 * @returns {{ trap: Trap, file: string }[]}
 */
function traps() {
  return readdirSync(__dirname)
    .filter(name => /^\d+-.*\.js$/.test(name))
    .map(name => ({ trap: require(join(__dirname, name)), file: join(__dirname, name) }))
    .sort((one, other) => one.trap.number - other.trap.number)
}

/**
 * The traps with the given numbers or names, or all.
 * @param {string[]} wanted
 */
function select(wanted) {
  const all = traps()
  const isNamed = (/** @type {Trap} */ trap, /** @type {string} */ word) =>
    word === String(trap.number) || word === trap.name
  const unknown = wanted.find(word => !all.some(({ trap }) => isNamed(trap, word)))
  if (unknown !== undefined) {
    const known = all.map(({ trap }) => `  ${trap.number}  ${trap.name}\n`).join('')
    throw new Error(`Unknown trap "${unknown}". The traps are:\n${known.trimEnd()}`)
  }
  return wanted.length === 0 ? all : all.filter(({ trap }) => wanted.some(word => isNamed(trap, word)))
}

module.exports = { select }

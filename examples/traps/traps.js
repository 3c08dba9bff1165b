'use strict'

const { readdirSync } = require('node:fs')
const { join } = require('node:path')

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(request: Request, response: Response) => Promise<void>} Handler answers everything but /ping
 *
 * A row of the table that only this trap has.
 * @typedef {object} Row
 * @property {string} name
 * @property {number} value
 * @property {'more' | 'less'} [better] a row without it has no ratio
 *
 * What the server knows when the load is over and garbage is collected.
 * @typedef {object} Aftermath
 * @property {number} seconds under load
 * @property {number} heapGrown bytes
 * @property {Record<string, number>} warnings of the process, by name
 * @property {number} delay of the event loop, the 99th percentile, in milliseconds
 * @property {number} peak bytes of memory, resident, more than before the load
 * @property {{ total: number, longest: number }} collections pauses for the garbage collector, in milliseconds
 *
 * What a file of this folder that begins with a number exports.
 * @typedef {object} Trap
 * @property {number} number
 * @property {string} name to ask for it: `npm start -- <name>`
 * @property {string} what its title in the table
 * @property {string[]} paths that the load asks for in turn
 * @property {number} [connections] that ask for them at a time, 4 unless it says otherwise
 * @property {number} [requests] ends the load after so many instead of after some seconds
 * @property {(directory: string) => void} [prepare] before the first request; the directory is removed in the end
 * @property {Buffer} [upload] a body that the load sends with each request: every other client is slow
 * @property {number} [rate] requests per second at most, as many as are answered unless it says otherwise
 * @property {Handler} naive
 * @property {Handler} offloop
 * @property {(body: Buffer, headers: import('node:http').IncomingHttpHeaders) => unknown} open what an answer says,
 *   equal for both handlers where their bytes may differ
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
 * Those that were asked for by number or name, or all.
 * @param {string[]} wanted
 */
function select(wanted) {
  const all = traps()
  const called = (/** @type {Trap} */ trap, /** @type {string} */ word) =>
    word === String(trap.number) || word === trap.name
  const unknown = wanted.find(word => !all.some(({ trap }) => called(trap, word)))
  if (unknown !== undefined) {
    const known = all.map(({ trap }) => `  ${trap.number}  ${trap.name}\n`).join('')
    throw new Error(`There is no trap "${unknown}". These are there:\n${known.trimEnd()}`)
  }
  return wanted.length === 0 ? all : all.filter(({ trap }) => wanted.some(word => called(trap, word)))
}

module.exports = { select }

'use strict'

// Addresses of servers, as probes report them.

/**
 * How a program chose a port: by the text of the variable `PORT`, by its number, itself, or not.
 * @typedef {'text' | 'number' | 'own' | 'none'} Choice
 *
 * A server that listens: on a port, or on the path of a socket.
 * @typedef {object} Listening
 * @property {number} at
 * @property {number} [port]
 * @property {string} [host]
 * @property {string} [path]
 * @property {Choice} [choice]
 * @property {boolean} [isSecure] TLS
 * @property {boolean} [isV6Only] all interfaces, of IPv6 alone
 *
 * `url` is for requests: of a socket, it names no machine.
 * @typedef {{ url: string, socketPath?: string }} Address
 */

const CHOICES = /** @type {const} */ (['none', 'own', 'number', 'text'])
/** Hosts that stand for all interfaces. */
const ALL = ['', '0.0.0.0', '::']

/**
 * @param {Listening} server
 * @returns {Address}
 */
function addressOf({ port, host = '', path, isSecure = false, isV6Only = false }) {
  const scheme = isSecure ? 'https' : 'http'
  if (path !== undefined) return { url: `${scheme}://localhost`, socketPath: path }
  const name = ALL.includes(host) ? (isV6Only ? '::1' : '127.0.0.1') : host
  return { url: `${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}` }
}

/**
 * Returns the server for whose address users have a name. Others, such as an upstream of a test, are there for the program itself, which
 * starts them first if it needs their ports.
 * @template {{ choice?: Choice }} Server
 * @param {readonly Server[]} servers in the order in which they began to listen
 * @returns {Server | undefined}
 */
function mainOf(servers) {
  const best = CHOICES.findLast(choice => servers.some(server => server.choice === choice))
  const chosen = servers.filter(server => server.choice === best)
  return best === 'text' || best === 'number' ? chosen.at(-1) : chosen[0]
}

/** Returns an address for people and for the commands of loads. @param {Address} address */
function textOf({ url, socketPath }) {
  return socketPath === undefined ? url : `unix:${socketPath}`
}

module.exports = { addressOf, mainOf, textOf }

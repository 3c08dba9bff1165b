'use strict'

// Chooses the server that gets the load, and formats its address.

/**
 * How a program chose a port. `text`, `number`: it passed the value of the variable `PORT`, as text or as a number. `own`: a fixed port,
 * without that variable. `none`: any free port, or another port than that of the variable.
 * @typedef {'text' | 'number' | 'own' | 'none'} Choice
 *
 * A server that listens: on a port, or on the path of a socket.
 * @typedef {object} Listening
 * @property {number} [port]
 * @property {string} [host]
 * @property {string} [path]
 * @property {Choice} [choice]
 * @property {number} at when it began to listen, as `Date.now()`
 * @property {boolean} [isSecure] whether it uses TLS
 * @property {boolean} [isV6Only] whether it listens on IPv6 only
 *
 * An address for requests. With a `socketPath`, the host of `url` has no meaning.
 * @typedef {{ url: string, socketPath?: string }} Address
 */

const CHOICES = /** @type {const} */ (['none', 'own', 'number', 'text'])
/** Hosts that mean all interfaces. */
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
 * Returns the main server: the one whose port the user can set or knows. Others, such as an upstream in a test, serve the program itself,
 * which starts them first if it needs their ports.
 * @template {{ choice?: Choice }} Server
 * @param {readonly Server[]} servers in the order in which they began to listen
 * @returns {Server | undefined}
 */
function mainOf(servers) {
  const best = CHOICES.findLast(choice => servers.some(server => server.choice === choice))
  const chosen = servers.filter(server => server.choice === best)
  return best === 'text' || best === 'number' ? chosen.at(-1) : chosen[0]
}

/** Returns an address as text, for the log and for `OFFLOOP_URL`. @param {Address} address */
function textOf({ url, socketPath }) {
  return socketPath === undefined ? url : `unix:${socketPath}`
}

module.exports = { addressOf, mainOf, textOf }

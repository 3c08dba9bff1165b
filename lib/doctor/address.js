'use strict'

// Addresses of servers, as probes report them.

/**
 * A server that listens: on a port, or on the path of a socket.
 * @typedef {object} Listening
 * @property {number} at
 * @property {number} [port]
 * @property {string} [host]
 * @property {string} [path]
 * @property {boolean} [isSecure] TLS
 * @property {boolean} [isV6Only] all interfaces, of IPv6 alone
 *
 * `url` is for requests: of a socket, it names no machine.
 * @typedef {{ url: string, socketPath?: string }} Address
 */

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

/** Returns an address for people and for the commands of loads. @param {Address} address */
function textOf({ url, socketPath }) {
  return socketPath === undefined ? url : `unix:${socketPath}`
}

module.exports = { addressOf, textOf }

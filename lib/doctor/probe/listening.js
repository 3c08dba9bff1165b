'use strict'

// Finds the servers of this process that listen. Methods of their classes are not called: the program may have replaced them.

const { EventEmitter } = require('node:events')
const { Server } = require('node:net')
const { attachment } = require('../../internal/attachment')

/**
 * @typedef {import('../address').Choice} Choice
 *
 * A server that listens.
 * @typedef {{ port?: number, host?: string, path?: string, isHttp: boolean, isSecure?: boolean, isV6Only?: boolean, choice?: Choice }} Listening
 */

const { listenerCount, prependListener, removeListener } = EventEmitter.prototype
const { address: addressOf } = Server.prototype
const { apply } = Reflect

/** First arguments of `listen` of servers that may begin to listen. @type {ReturnType<typeof attachment<{ options: unknown }>>} */
const expected = attachment()

/**
 * Calls back when a server of this process listens.
 * @param {(server: Listening) => void} callback
 */
function onListen(callback) {
  const { listen } = Server.prototype
  const wrapper = /** @type {any} */ (
    /**
     * @this {Server}
     * @param {unknown[]} args
     */
    function (...args) {
      const undo = expect(this, args[0], callback)
      try {
        return apply(listen, this, args)
      } catch (error) {
        undo()
        throw error
      }
    }
  )
  Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(listen))
  Server.prototype.listen = wrapper
}

/**
 * Calls back once a server listens. A server that tries again, for example because its port was in use, keeps its listener. Returns a
 * function that undoes this call.
 * @param {Server} server
 * @param {unknown} options of `listen`
 * @param {(server: Listening) => void} callback
 */
function expect(server, options, callback) {
  const known = expected.get(server)
  if (known !== undefined) {
    const before = known.options
    known.options = options
    return () => {
      known.options = before
    }
  }
  const entry = { options }
  const listener = () => {
    undo()
    try {
      callback(listeningOf(server, entry.options))
    } catch {
      // A getter of the program has thrown.
    }
  }
  const undo = () => {
    apply(removeListener, server, ['listening', listener])
    expected.set(server, undefined)
  }
  if (expected.set(server, entry)) apply(prependListener, server, ['listening', listener])
  return undo
}

/**
 * @param {Server} server
 * @param {any} options of `listen`
 * @returns {Listening}
 */
function listeningOf(server, options) {
  const address = apply(addressOf, server, [])
  // Only servers of TLS have certificates.
  const isSecure = 'setSecureContext' in server
  const isHttp = ['request', 'stream'].some(type => apply(listenerCount, server, [type]) > 0)
  const choice = choiceOf(typeof options === 'object' && options !== null ? options.port : options)
  if (typeof address === 'string') return { path: address, isHttp, isSecure }
  return {
    ...(address && { port: address.port, host: address.address }),
    choice,
    isHttp,
    isSecure,
    isV6Only: options?.ipv6Only === true
  }
}

/**
 * Returns the origin of a port: the variable `PORT`, as text or as a number, the program itself, or neither.
 * @param {unknown} port argument of `listen`
 * @returns {Choice}
 */
function choiceOf(port) {
  const { PORT } = process.env
  if (PORT === undefined || PORT === '') return Number(port) > 0 ? 'own' : 'none'
  if (port === PORT) return 'text'
  return Number(port) === Number(PORT) ? 'number' : 'none'
}

module.exports = { onListen }

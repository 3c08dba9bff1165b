'use strict'

// Observes calls of clients without diagnostics channels: a call lasts from a write to a socket until the next bytes arrive on that
// socket. Only text protocols are understood, and only calls that are answered count.

const { Socket } = require('node:net')
const { Duplex } = require('node:stream')
const { attachment } = require('../../internal/attachment')
const { describeBytes, hashOf } = require('./call-text')
const { splitAtNumber } = require('./text-protocol')

/**
 * @typedef {import('./calls').Call} Call
 * @typedef {import('./call-text').Description} Description
 * @typedef {{ kind: string, target: string, hash: number, description: Description }} What
 *
 * @typedef {object} Observer
 * @property {() => boolean} isActive
 * @property {(target: unknown) => boolean} isCovered returns whether the client of a port or path has diagnostics channels
 * @property {(what: What, below: Function) => Call | undefined} begin
 * @property {(call: Call) => void} end
 * @property {(call: Call, bytes: number) => void} received counts the bytes of an answer to a call
 * @property {(call: Call) => void} drop
 *
 * @typedef {{ path: string | undefined, isWatched: boolean, calls: Call[], last: Call | undefined, number: number }} State
 */

/** Maximum number of characters read from a write. */
const MOST = 1024
/** Maximum number of calls in flight on one socket. */
const MAX_CALLS = 256
/** Beginnings of HTTP requests, whose clients have diagnostics channels. */
const HTTP = /^(?:[A-Z]+ \S+ HTTP\/1|PRI \* HTTP\/2)/

/** States of the sockets of clients. @type {ReturnType<typeof attachment<State>>} */
const states = attachment()

/** @param {Observer} observer */
function observeSockets(observer) {
  const prototype = /** @type {any} */ (Socket.prototype)
  replace(prototype, 'connect', original => {
    return /** @this {Socket} */ function connect(/** @type {unknown[]} */ ...args) {
      attempt(() => connects(this, args[0]))
      return Reflect.apply(original, this, args)
    }
  })
  replace(prototype, '_writeGeneric', original => {
    return /** @this {any} */ function _writeGeneric(/** @type {unknown[]} */ ...args) {
      attempt(() => writes(observer, this, args[1], _writeGeneric))
      return Reflect.apply(original, this, args)
    }
  })
  replace(prototype, '_destroy', original => {
    return /** @this {Socket} */ function _destroy(/** @type {unknown[]} */ ...args) {
      const state = states.get(this)
      if (state !== undefined) attempt(() => answered(observer, state, null))
      return Reflect.apply(original, this, args)
    }
  })
  // `Socket.prototype` inherits `push` from `Duplex.prototype`, so the wrapper calls the inherited method.
  replace(prototype, 'push', () => {
    return /** @this {Socket} */ function push(/** @type {unknown[]} */ ...args) {
      const state = states.get(this)
      if (state?.last !== undefined) attempt(() => answered(observer, state, args[0]))
      return Reflect.apply(Duplex.prototype.push, this, args)
    }
  })
}

/** Calls a function whose errors must not reach the program: a property of a socket may be an accessor. @param {() => void} call */
function attempt(call) {
  try {
    call()
  } catch {
    // This call is not counted.
  }
}

/**
 * Replaces a method with a wrapper that has the same properties.
 * @param {any} prototype
 * @param {string} name
 * @param {(original: Function) => Function} make
 */
function replace(prototype, name, make) {
  const original = prototype[name]
  if (typeof original !== 'function') return
  const method = make(original)
  Object.defineProperties(method, Object.getOwnPropertyDescriptors(original))
  prototype[name] = method
}

/**
 * Returns the state of a socket. A TLS socket has the state of the socket that it encrypts.
 * @param {any} socket
 */
function stateOf(socket) {
  const state = states.get(socket)
  if (state !== undefined || socket.encrypted !== true) return state
  const { _parent } = socket
  const parent = typeof _parent === 'object' && _parent !== null ? states.get(_parent) : undefined
  if (parent !== undefined) states.set(socket, parent)
  return parent
}

/** Returns the path of a socket from the first argument of `connect`. @param {any} first */
function pathOf(first) {
  const options = Array.isArray(first) ? first[0] : first
  if (typeof options === 'string' && !/^\d+$/.test(options)) return options
  return typeof options?.path === 'string' ? options.path : undefined
}

/**
 * Prepares the state of a socket.
 * @param {Socket} socket
 * @param {unknown} first argument of `connect`
 */
function connects(socket, first) {
  states.set(socket, { path: pathOf(first), isWatched: true, calls: [], last: undefined, number: -1 })
}

/**
 * Looks at a write, if the socket is that of a client.
 * @param {Observer} observer
 * @param {any} socket
 * @param {unknown} data
 * @param {Function} below
 */
function writes(observer, socket, data, below) {
  const state = observer.isActive() ? stateOf(socket) : undefined
  if (state?.isWatched && !socket.connecting) written(observer, socket, state, data, below)
}

/**
 * Begins a call, if the written bytes are a call.
 * @param {Observer} observer
 * @param {any} socket
 * @param {State} state
 * @param {unknown} data
 * @param {Function} below
 */
function written(observer, socket, state, data, below) {
  const text = textOf(data)
  if (HTTP.test(text) || observer.isCovered(state.path ?? socket.remotePort)) {
    state.isWatched = false
    return
  }
  if (state.calls.length === MAX_CALLS) return
  const description = describeBytes(text)
  if (description === undefined) return
  const target = state.path ?? `${socket._host ?? socket.remoteAddress}:${socket.remotePort}`
  const hash = hashOf(`${target} ${withoutNumber(state, text)}`)
  const { kind } = description
  const call = observer.begin({ kind, target, hash, description }, below)
  if (call === undefined) return
  state.calls.push(call)
  state.last = call
}

/**
 * Removes the number that matches a call to its answer, if the client counts its calls: otherwise no two calls would be identical.
 * @param {State} state
 * @param {string} text
 */
function withoutNumber(state, text) {
  const parts = splitAtNumber(text)
  if (parts === undefined) return text
  const isCounted = parts.number === state.number + 1
  state.number = parts.number
  return isCounted ? parts.rest : text
}

/**
 * Ends all calls of a socket when bytes arrive: the answers to several calls in one chunk cannot be separated.
 * @param {Observer} observer
 * @param {State} state
 * @param {unknown} chunk
 */
function answered(observer, state, chunk) {
  const { calls, last } = state
  state.calls = []
  if (!observer.isActive()) state.last = undefined
  const size = /** @type {{ length?: number } | null} */ (chunk)?.length ?? 0
  if (last !== undefined) observer.received(last, size)
  for (const call of calls) {
    if (chunk === null) observer.drop(call)
    else observer.end(call)
  }
}

/**
 * Returns the beginning of written data as text.
 * @param {any} data a string, bytes, or a list of chunks of them
 * @returns {string}
 */
function textOf(data) {
  if (typeof data === 'string') return data.slice(0, MOST)
  if (Buffer.isBuffer(data)) return data.toString('latin1', 0, MOST)
  if (!Array.isArray(data)) return ''
  let text = ''
  for (const item of data) {
    if (text.length >= MOST) break
    text += textOf(item?.chunk ?? item)
  }
  return text
}

module.exports = { observeSockets }

'use strict'

const { invalidType } = require('./validate')

/**
 * @typedef {import('node:http').ServerResponse} Http1Response
 * @typedef {import('node:http2').Http2ServerResponse} Http2Response
 * @typedef {Http1Response | Http2Response} Response
 * @typedef {import('node:net').Socket} Socket
 */

/** @type {WeakMap<Response, AbortController>} */
const controllers = new WeakMap()

/**
 * Callbacks of responses that are pipelined behind another one: they have no socket yet, so they emit no 'close' when it closes.
 * @type {WeakMap<Socket, Set<() => void>>}
 */
const waiting = new WeakMap()

/**
 * Returns the signal that aborts if the client disconnects before the response is sent.
 * @param {Response} response
 * @returns {AbortSignal}
 */
function signalOf(response) {
  checkResponse(response)
  let controller = controllers.get(response)
  if (controller === undefined) {
    controller = new AbortController()
    controllers.set(response, controller)
    if (isHttp2(response)) watchHttp2(response, controller)
    else watchHttp1(response, controller)
  }
  return controller.signal
}

/**
 * Aborts the signal of a response, if it has one: the handler's result is no longer needed.
 * @param {Response} response
 * @param {string} why
 */
function abandon(response, why) {
  const controller = controllers.get(response)
  if (controller !== undefined) abort(controller, why)
}

/** @param {any} response */
function checkResponse(response) {
  if (typeof response?.writeHead === 'function' && typeof response.once === 'function') return
  const hint = typeof response?.raw?.writeHead === 'function' ? '. Pass its property raw' : ''
  const error = invalidType('The "response" argument', 'an instance of ServerResponse or Http2ServerResponse', response)
  error.message += hint
  throw error
}

/**
 * @param {Response} response
 * @returns {response is Http2Response}
 */
function isHttp2(response) {
  return 'stream' in response
}

/**
 * @param {Http2Response} response
 * @param {AbortController} controller
 */
function watchHttp2(response, controller) {
  const { stream } = response
  // The stream knows whether the response had ended; the response itself emits 'finish' either way.
  const settle = () => {
    if (stream.aborted) abort(controller)
  }
  if (stream.destroyed) settle()
  else stream.once('close', settle)
}

/**
 * @param {Http1Response} response
 * @param {AbortController} controller
 */
function watchHttp1(response, controller) {
  const socket = response.req?.socket
  if (response.writableFinished) return
  if (response.destroyed || socket?.destroyed) return abort(controller)
  const isPipelined = response.socket === null && socket !== undefined
  const stop = () => {
    response.off('finish', stop).off('close', gone)
    if (isPipelined) unwatchSocket(socket, gone)
  }
  const gone = () => {
    stop()
    abort(controller)
  }
  response.once('finish', stop).once('close', gone)
  if (isPipelined) watchSocket(socket, gone)
}

/**
 * @param {Socket} socket
 * @param {() => void} gone
 */
function watchSocket(socket, gone) {
  const callbacks = waiting.get(socket)
  if (callbacks !== undefined) return callbacks.add(gone)
  waiting.set(socket, new Set([gone]))
  return socket.once('close', socketClosed)
}

/**
 * @param {Socket} socket
 * @param {() => void} gone
 */
function unwatchSocket(socket, gone) {
  const callbacks = waiting.get(socket)
  if (!callbacks?.delete(gone) || callbacks.size > 0) return
  waiting.delete(socket)
  socket.off('close', socketClosed)
}

/** @this {Socket} */
function socketClosed() {
  for (const gone of waiting.get(this) ?? []) gone()
}

/** The status keeps abandoned requests from being logged as server errors. @param {AbortController} controller */
function abort(controller, why = 'The client disconnected before the response was sent') {
  controller.abort(Object.assign(new DOMException(why, 'AbortError'), { statusCode: 499 }))
}

module.exports = { signalOf, abandon }

'use strict'

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { sharedOptions, unboundedError } = require('./options')

/** @typedef {import('../native/binding').CacheOptions} NativeOptions */

/**
 * Opens a cache in native code, or joins the one of its name.
 * @param {ReturnType<typeof import('./options').readOptions>} options
 * @param {(...message: [any, any, any]) => void} onMessage receives messages of other threads
 */
function openCache(options, onMessage) {
  if (options.name === undefined) {
    const { handle } = open(options, undefined)
    return { ...options, resources: { handle, subscriptionId: undefined } }
  }
  const subscriptionId = completionPort.subscribe({ onMessage })
  let handle
  try {
    const opened = open(options, subscriptionId)
    handle = opened.handle
    return { ...sharedOptions(options, opened.settings), resources: { handle, subscriptionId } }
  } catch (error) {
    if (handle !== undefined) native.closeCache(handle)
    completionPort.unsubscribe(subscriptionId)
    throw error
  }
}

/**
 * @param {ReturnType<typeof import('./options').readOptions>} options
 * @param {number | undefined} mailbox
 */
function open({ native: options, name }, mailbox) {
  const opened = native.openCache(/** @type {NativeOptions} */ ({ ...options, mailbox }))
  if (opened === null) throw unboundedError(name)
  return opened
}

/** @param {{ handle: number, subscriptionId: number | undefined }} resources */
function release({ handle, subscriptionId }) {
  native.closeCache(handle)
  if (subscriptionId !== undefined) completionPort.unsubscribe(subscriptionId)
}

module.exports = { openCache, release }

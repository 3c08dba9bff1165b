'use strict'

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { sharedOptions, unboundedError } = require('./options')

/**
 * @typedef {import('../native/binding').CacheOptions} NativeOptions
 * @typedef {{ handle: number, subscriptionId: number | undefined }} Resources
 * @typedef {{ onMessage(...message: [any, any, any]): void }} Receiver of messages of other threads
 */

/** Closes a cache that was garbage-collected without being closed. */
const registry = new FinalizationRegistry(release)

/**
 * Opens a cache in native code, or joins the one of its name.
 * @param {ReturnType<typeof import('./options').readOptions>} options
 * @param {Receiver} store held weakly
 */
function openCache(options, store) {
  const self = new WeakRef(store)
  const opened = acquire(options, (...message) => self.deref()?.onMessage(...message))
  registry.register(store, opened.resources, store)
  return opened
}

/**
 * @param {ReturnType<typeof import('./options').readOptions>} options
 * @param {Receiver['onMessage']} onMessage
 */
function acquire(options, onMessage) {
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

/** @type {(resources: Resources, store: Receiver) => void} */
function closeCache(resources, store) {
  registry.unregister(store)
  release(resources)
}

/** @param {Resources} resources */
function release({ handle, subscriptionId }) {
  native.closeCache(handle)
  if (subscriptionId !== undefined) completionPort.unsubscribe(subscriptionId)
}

module.exports = { closeCache, openCache }

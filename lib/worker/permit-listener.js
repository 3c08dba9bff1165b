'use strict'

const native = require('../native')
const { completionPort } = require('../native/completion-port')

/** @typedef {{ onPermit: (permit: number) => void }} PermitListener */

/** Unsubscribes runners that were garbage-collected with their pools. */
const registry = new FinalizationRegistry((/** @type {number} */ subscriptionId) =>
  completionPort.unsubscribe(subscriptionId)
)

/**
 * Subscribes a runner to its permits. The subscription does not keep the runner in memory: its tasks and threads do.
 * @param {PermitListener} listener
 * @returns {number}
 */
function listenForPermits(listener) {
  const weak = new WeakRef(listener)
  const subscriptionId = completionPort.subscribe({
    onPermit(permit) {
      const alive = weak.deref()
      if (alive === undefined) native.dropPermit(permit)
      else alive.onPermit(permit)
    }
  })
  registry.register(listener, subscriptionId)
  return subscriptionId
}

module.exports = { listenForPermits }

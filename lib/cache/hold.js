'use strict'

const native = require('../native')
const { completionPort } = require('../native/completion-port')

/** @param {{ handle: number, subscriptionId: number | undefined }} hold */
function releaseCache({ handle, subscriptionId }) {
  native.closeCache(handle)
  if (subscriptionId !== undefined) completionPort.unsubscribe(subscriptionId)
}

/** Closes a cache that was garbage-collected without being closed. */
const registry = new FinalizationRegistry(releaseCache)

module.exports = { releaseCache, registry }

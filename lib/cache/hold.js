'use strict'

const native = require('../native')
const { port } = require('../native/completion-port')

/** @param {{ handle: number, mailbox: number | undefined }} hold */
function letGo({ handle, mailbox }) {
  native.closeCache(handle)
  if (mailbox !== undefined) port.unsubscribe(mailbox)
}

/** Closes a cache that was garbage-collected without being closed. */
const registry = new FinalizationRegistry(letGo)

module.exports = { letGo, registry }

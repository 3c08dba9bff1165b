'use strict'

const native = require('../native')
const { port } = require('../port')

/** @param {{ handle: number, mailbox: number | undefined }} hold */
function letGo({ handle, mailbox }) {
  native.closeCache(handle)
  if (mailbox !== undefined) port.unsubscribe(mailbox)
}

/** A cache that was dropped without being closed is let go of when JavaScript has forgotten it. */
const registry = new FinalizationRegistry(letGo)

module.exports = { letGo, registry }

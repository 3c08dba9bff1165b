'use strict'

const native = require('../native')
const { port } = require('../native/completion-port')

/** @typedef {{ begun: (permit: number) => void }} Lane */

/** Numbers of lanes that were forgotten with their pools. */
const registry = new FinalizationRegistry((/** @type {number} */ mailbox) => port.unsubscribe(mailbox))

/**
 * Where a lane hears of permits. That alone does not keep it in memory: its tasks and threads do, as long as there are any.
 * @param {Lane} lane
 * @returns {number}
 */
function openMailbox(lane) {
  const weak = new WeakRef(lane)
  const mailbox = port.subscribe({
    begun(permit) {
      const lane = weak.deref()
      if (lane === undefined) native.dropPermit(permit)
      else lane.begun(permit)
    }
  })
  registry.register(lane, mailbox)
  return mailbox
}

module.exports = { openMailbox }

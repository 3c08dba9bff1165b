'use strict'

const { channel } = require('node:diagnostics_channel')

/** Publishes changes of a tier's state, stores that the tier denied, and deletes that it did not acknowledge. */
const changes = channel('offloop:tier')

module.exports = { changes }

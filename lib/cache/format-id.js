'use strict'

const { inspect } = require('node:util')

/** Maximum length of a string id in a message. */
const MAX_LENGTH = 100

/** Formats an id for a message. @param {import('../../index').CacheId} id */
function formatId(id) {
  return inspect(id, { maxStringLength: MAX_LENGTH })
}

module.exports = { formatId }

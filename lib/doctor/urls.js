'use strict'

const { fileURLToPath } = require('node:url')

/** Returns the path of a file by its URL, and other URLs unchanged. @param {string} url */
function pathOf(url) {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url
  } catch {
    return url
  }
}

module.exports = { pathOf }

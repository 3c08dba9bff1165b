'use strict'

const { fileURLToPath } = require('node:url')

/** Converts a file URL to a path, and returns other URLs unchanged. @param {string} url */
function pathOf(url) {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url
  } catch {
    return url
  }
}

module.exports = { pathOf }

'use strict'

/** An escape as a whole, whatever it escapes, or half of a surrogate pair without the other half. */
const ESCAPE_OR_LONE = /\\[\s\S]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/**
 * JSON text whose lone surrogates are escaped: UTF-8 has no other way to say them.
 * @param {string} text
 */
function escapeLoneSurrogates(text) {
  if (/** @type {any} */ (text).isWellFormed()) return text
  return text.replace(ESCAPE_OR_LONE, found => (found.length === 1 ? `\\u${found.charCodeAt(0).toString(16)}` : found))
}

module.exports = { escapeLoneSurrogates }

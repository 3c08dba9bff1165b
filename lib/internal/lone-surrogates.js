'use strict'

/** A complete escape, or half of a surrogate pair without the other half. */
const ESCAPE_OR_LONE = /\\[\s\S]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/**
 * Escapes the lone surrogates of JSON text, which UTF-8 cannot represent.
 * @param {string} text
 */
function escapeLoneSurrogates(text) {
  if (/** @type {any} */ (text).isWellFormed()) return text
  return text.replace(ESCAPE_OR_LONE, found => (found.length === 1 ? `\\u${found.charCodeAt(0).toString(16)}` : found))
}

module.exports = { escapeLoneSurrogates }

'use strict'

// HTML whose texts are escaped by default.

const { printable } = require('../text')

/** @type {Record<string, string>} */
const ENTITIES = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&#39;' }

/** HTML that is not escaped again. */
class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text
  }
}

/**
 * Tag of templates: values are escaped, lists joined, and `undefined` and `false` left out.
 * @param {TemplateStringsArray} parts
 * @param {unknown[]} values
 */
function html(parts, ...values) {
  return new Markup(parts.reduce((text, part, index) => text + textOf(values[index - 1]) + part))
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function textOf(value) {
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(textOf).join('')
  return value === undefined || value === false ? '' : escapeHtml(value)
}

/** @param {unknown} value */
function escapeHtml(value) {
  return printable(value).replace(/[<>&"']/g, character => ENTITIES[character])
}

/** Returns text that is HTML already, such as a style sheet. @param {string} text */
function raw(text) {
  return new Markup(text)
}

/** Returns JSON for a `script` element. @param {unknown} value */
function embeddedJson(value) {
  const text = JSON.stringify(value).replace(/[<>&]/g, it => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return new Markup(text)
}

module.exports = { Markup, embeddedJson, html, raw }

'use strict'

// HTML templates that escape text by default.

const { printable } = require('../text')

/** @type {Record<string, string>} */
const ENTITIES = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&#39;' }

/** HTML that templates do not escape again. */
class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text
  }
}

/**
 * Tag for templates: escapes values, joins lists, and leaves out `undefined` and `false`.
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

/** Marks a text as HTML, such as a style sheet. @param {string} text */
function raw(text) {
  return new Markup(text)
}

/** Returns JSON for a `script` element. @param {unknown} value */
function embeddedJson(value) {
  const text = JSON.stringify(value).replace(/[<>&]/g, it => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return new Markup(text)
}

module.exports = { Markup, embeddedJson, html, raw }

'use strict'

const { html } = require('./markup')

/**
 * A column. `figures` are right-aligned.
 * @typedef {readonly [head: string, align?: 'figures']} Column
 */

/**
 * Returns a table that scrolls sideways on narrow screens.
 * @param {string} caption
 * @param {readonly Column[]} columns
 * @param {readonly (readonly unknown[])[]} rows
 * @param {number} [limit] of rows
 */
function table(caption, columns, rows, limit = Number.POSITIVE_INFINITY) {
  const left = rows.length - limit
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}${left > 0 && ` (${rows.length - left} of ${rows.length})`}</caption>
<thead><tr>${columns.map(([head, align]) => html`<th scope="col" class="${align ?? ''}">${head}</th>`)}</tr></thead>
<tbody>${rows.slice(0, limit).map(row => html`<tr>${row.map((cell, index) => html`<td class="${columns[index][1] ?? ''}">${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>`
}

module.exports = { table }

'use strict'

// The report for a terminal, on one screen.

const { plural } = require('../judge/sites')
const summary = require('./summary')
const { printable, printableName, wrap } = require('./text')

/**
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {'red' | 'yellow' | 'green' | 'cyan' | 'bold' | 'dim'} Style
 *
 * @typedef {object} Segment text that is wrapped only if it exceeds a line
 * @property {string} text
 * @property {Style} [style]
 */

/** Control sequences that begin and end a style. @type {Record<Style, readonly [number, number]>} */
const STYLES = { red: [31, 39], yellow: [33, 39], green: [32, 39], cyan: [36, 39], bold: [1, 22], dim: [2, 22] }
/** @type {Record<Finding['confidence'], { symbol: string, style: Style }>} */
const MARKS = {
  certain: { symbol: '✖', style: 'red' },
  likely: { symbol: '✖', style: 'yellow' },
  possible: { symbol: '?', style: 'cyan' }
}
const MIN_COLUMNS = 40
const MAX_COLUMNS = 120
/** Width of lines if the output is not a terminal. */
const LOG_COLUMNS = 100
const MAX_FINDINGS = 10
const INDENT = '     '

/**
 * @param {Report} report
 * @param {{
 *   color?: boolean,
 *   columns?: number | undefined,
 *   root?: string,
 *   page?: string | undefined,
 *   env?: NodeJS.ProcessEnv
 * }} [options] `color`: whether the output is a terminal; `NO_COLOR` and `TERM=dumb` disable colors anyway. `root`: folder of the program.
 *   `page`: URL of the complete report
 * @returns {string} ends with a line feed
 */
function terminal(
  report,
  { color = false, columns = LOG_COLUMNS, root = process.cwd(), page, env = process.env } = {}
) {
  const width = Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, columns))
  const screen = new Screen(width, color && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb')
  writeHead(screen, report)
  for (const finding of report.findings.slice(0, MAX_FINDINGS)) writeFinding(screen, finding, root)
  writeOthers(screen, report.findings.length - MAX_FINDINGS)
  writeConditions(screen, report)
  writeNotes(screen, report)
  if (page !== undefined) screen.line([{ text: `report  ${printable(page)}` }])
  return screen.text
}

/** Lines of a limited width. */
class Screen {
  text = ''
  #color

  /**
   * @param {number} width
   * @param {boolean} color
   */
  constructor(width, color) {
    this.width = width
    this.#color = color
  }

  /** @param {readonly Segment[]} segments */
  line(segments) {
    this.text += `${segments.map(segment => this.#styled(segment)).join('')}\n`
  }

  /**
   * Writes an indented text.
   * @param {string} text
   * @param {Style} [style]
   */
  paragraph(text, style) {
    for (const line of wrap(text, this.width - INDENT.length)) {
      this.line([{ text: INDENT }, { text: line, ...(style && { style }) }])
    }
  }

  /**
   * Writes a text after a symbol.
   * @param {string} symbol
   * @param {Style} style
   * @param {string} text
   */
  note(symbol, style, text) {
    for (const [index, line] of wrap(text, this.width - 2).entries()) {
      this.line([index === 0 ? { text: `${symbol} `, style } : { text: '  ' }, { text: line }])
    }
  }

  /**
   * Writes segments, and wraps lines between segments.
   * @param {readonly Segment[]} segments
   * @param {string} indent indentation of all lines except the first
   * @param {string} [separator]
   * @returns {number} width of the last line
   */
  flow(segments, indent, separator = '  ') {
    let used = 0
    for (const segment of segments.flatMap(segment => this.#fitting(segment, indent.length))) {
      const isFirst = used === 0
      const fits = used + separator.length + segment.text.length <= this.width
      const before = isFirst ? '' : fits ? separator : `\n${indent}`
      this.text += before + this.#styled(segment)
      used = (isFirst || fits ? used + before.length : indent.length) + segment.text.length
    }
    this.text += '\n'
    return used
  }

  /**
   * Writes a text at the right end of the last line, if it fits there.
   * @param {Segment} segment
   * @param {number} used width of that line
   */
  right(segment, used) {
    const space = this.width - used - segment.text.length
    if (space < 2) return this.line([{ text: INDENT }, segment])
    this.text = this.text.slice(0, -1)
    this.line([{ text: ' '.repeat(space) }, segment])
  }

  /**
   * @param {Segment} segment
   * @param {number} indent
   */
  #fitting(segment, indent) {
    return wrap(segment.text, this.width - indent).map(text => ({ ...segment, text }))
  }

  /** @param {Segment} segment */
  #styled({ text, style }) {
    if (!this.#color || style === undefined) return text
    const [begin, end] = STYLES[style]
    return `\x1b[${begin}m${text}\x1b[${end}m`
  }
}

/**
 * @param {Screen} screen
 * @param {Report} report
 */
function writeHead(screen, report) {
  const setup = summary.setupOf(report).map(text => ({ text }))
  screen.flow([{ text: 'offloop doctor', style: 'bold' }, ...setup], '  ', ' · ')
  if (report.verdict === 'inconclusive') screen.note('?', 'yellow', summary.verdictOf(report))
  const caveat = summary.caveatOf(report)
  if (caveat !== undefined) screen.note('!', 'yellow', caveat)
}

/**
 * @param {Screen} screen
 * @param {Finding} finding
 * @param {string} root
 */
function writeFinding(screen, finding, root) {
  const { symbol, style } = MARKS[finding.confidence]
  const used = screen.flow(headOf(finding, root, `${symbol} ${printable(finding.rule)}`, style), INDENT)
  screen.right({ text: finding.confidence, style }, used)
  screen.paragraph(printable(finding.evidence.text))
  const { declared } = finding.evidence
  if (declared !== undefined) screen.paragraph(`declared in ${summary.positionOf(declared, root)}`)
  const also = summary.alsoOf(finding, root)
  if (also.length > 0) screen.paragraph(`also causes: ${also.join('; ')}`)
  screen.paragraph(`fix: ${printable(finding.fix)}  (${summary.docsOf(finding)})`, 'dim')
}

/**
 * @param {Finding} finding
 * @param {string} root
 * @param {string} mark
 * @param {Style} style
 * @returns {Segment[]}
 */
function headOf(finding, root, mark, style) {
  const caller = summary.callerOf(finding)
  const position = summary.positionOf(finding, root)
  const from =
    caller && `← ${caller.isAsync ? 'async ' : ''}${printableName(caller.name)} ${summary.positionOf(caller, root)}`
  /** @type {(Segment | undefined)[]} */
  const segments = [
    { text: mark, style },
    { text: printable(finding.title), style: 'bold' },
    present(printableName(finding.name ?? '')),
    present(printableName(finding.function)),
    present(position, 'cyan'),
    present(from ?? '', 'dim')
  ]
  return segments.filter(it => it !== undefined)
}

/**
 * @param {string} text
 * @param {Style} [style]
 * @returns {Segment | undefined}
 */
function present(text, style) {
  return text === '' ? undefined : { text, ...(style && { style }) }
}

/**
 * @param {Screen} screen
 * @param {number} count of findings that are not shown
 */
function writeOthers(screen, count) {
  if (count > 0) screen.note(' ', 'dim', `and ${plural(count, 'finding')} more in the report`)
}

/**
 * @param {Screen} screen
 * @param {Report} report
 */
function writeConditions(screen, { conditions }) {
  for (const it of conditions) {
    const text = `${summary.conditionOf(it.condition)}: ${summary.measuredOf(it)}`
    screen.note(it.failed ? '✖' : '✔', it.failed ? 'red' : 'green', text)
  }
}

/**
 * @param {Screen} screen
 * @param {Report} report
 */
function writeNotes(screen, report) {
  const starvation = summary.starvationOf(report)
  if (starvation !== undefined) screen.note('!', 'yellow', starvation)
  screen.note(' ', 'dim', summary.figuresOf(report).join(' · '))
  for (const { names, reason } of summary.reasonsOf(report, 'limited')) {
    screen.note(' ', 'dim', `${names.join(', ')}: ${reason}`)
  }
  for (const { names, reason } of summary.reasonsOf(report, 'blind')) {
    screen.note('–', 'yellow', `${names.join(', ')}: not checked, ${reason}`)
  }
  const clean = summary.cleanRulesOf(report)
  if (clean.length > 0) screen.note('✔', 'green', `${clean.join(', ')}: checked, no findings`)
}

module.exports = { terminal }

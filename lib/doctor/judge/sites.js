'use strict'

// Selects guilty lines, builds findings, and formats figures, for all judges.

/**
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').FindingFrame} FindingFrame
 * @typedef {import('../../../doctor').RuleNumber} RuleNumber
 * @typedef {import('../../../doctor').Confidence} Confidence
 */

const MAX_FRAMES = 16

/**
 * Returns the innermost frame of the program, or the innermost frame of all if none belongs to the program.
 * @param {readonly FactFrame[]} frames
 * @returns {FactFrame | undefined}
 */
function guiltyFrame(frames) {
  return frames.find(frame => frame.isUser) ?? frames[0]
}

/**
 * Returns the name of the package in `node_modules` that a frame, or another position, belongs to.
 * @param {{ file: string } | undefined} frame
 */
function packageOf(frame) {
  return frame && /.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(frame.file)?.[1].replace('\\', '/')
}

/**
 * Builds a finding.
 * @param {{
 *   rule: RuleNumber,
 *   id: string,
 *   title: string,
 *   confidence: Confidence,
 *   frame?: FactFrame | undefined,
 *   frames?: readonly FactFrame[] | undefined,
 *   name?: string | undefined,
 *   evidence: Finding['evidence'],
 *   fix: string,
 *   time?: number | undefined
 * }} parts `frame` has the guilty line, and is by default that of `guiltyFrame`; `time` is in milliseconds
 * @returns {Finding}
 */
function finding({
  rule,
  id,
  title,
  confidence,
  frames = [],
  frame = guiltyFrame(frames),
  name,
  evidence,
  fix,
  time = 0
}) {
  return {
    rule,
    id,
    title,
    confidence,
    file: frame?.file ?? '',
    line: frame?.line ?? 0,
    column: frame?.column ?? 0,
    function: frame === undefined ? '' : nameOf(frame, frames),
    ...(name === undefined ? {} : { name }),
    evidence,
    fix,
    frames: frames.slice(0, MAX_FRAMES).map(findingFrame),
    time
  }
}

/**
 * Returns the name of a function. The executor of a promise is named after the function around it.
 * @param {FactFrame} frame
 * @param {readonly FactFrame[]} frames
 */
function nameOf(frame, frames) {
  const at = frames.indexOf(frame)
  const isExecutor = frame.name === '<anonymous>' && frames[at + 1]?.name === 'new Promise'
  return (isExecutor ? frames[at + 2]?.name : undefined) ?? frame.name
}

/**
 * @param {FactFrame} frame
 * @returns {FindingFrame}
 */
function findingFrame({ name, file, line, column, isAsync, isUser }) {
  return { name, file, line, column, isAsync, isUser }
}

/** Formats a frame for a sentence: `load (cache.js:12)`. @param {FactFrame} frame */
function describe({ name, file, line }) {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
  return base === '' ? name : `${name} (${base}:${line})`
}

/**
 * Returns a count with its noun: `1 call`, `1,204 calls`, `2 processes`.
 * @param {number} count
 * @param {string} word singular
 */
function plural(count, word) {
  return `${number(count)} ${count === 1 ? word : pluralOf(word)}`
}

/** @param {string} word */
function pluralOf(word) {
  if (/(s|x|ch|sh)$/.test(word)) return `${word}es`
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`
}

/** Formats a number with two or three significant digits: `0.12`, `3.1`, `41.5`, `1,204`. @param {number} value */
function number(value) {
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 100) return grouped(Math.round(value))
  return size >= 10 ? String(Math.round(value * 10) / 10) : String(Number(value.toPrecision(2)))
}

/** @param {number} integer */
function grouped(integer) {
  return String(integer).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Formats a share from 0 to 1 as `58 %`. @param {number} share */
function percent(share) {
  const value = share * 100
  return `${value >= 10 || value === 0 ? Math.round(value) : Number(value.toPrecision(1))} %`
}

/** Formats a duration: `0.3 ms`, `41 ms`, `1.2 s`. @param {number} milliseconds */
function duration(milliseconds) {
  if (milliseconds >= 1000) return `${number(Math.round(milliseconds / 100) / 10)} s`
  return `${number(milliseconds >= 10 ? Math.round(milliseconds) : milliseconds)} ms`
}

/** Formats a size: `12 KB`, `1.5 MB`. @param {number} count of bytes */
function bytes(count) {
  if (Math.abs(count) < 1e6) return `${number(Math.round(count / 1e3))} KB`
  return `${number(Math.round(count / 1e5) / 10)} MB`
}

module.exports = { bytes, describe, duration, finding, guiltyFrame, number, packageOf, percent, plural }

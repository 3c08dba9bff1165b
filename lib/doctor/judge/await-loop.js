'use strict'

// Computations awaited in a loop: `await` of a settled promise does not let the event loop continue.

const { LOOPS, partsOf } = require('./blocks')
const { isCrowd } = require('./crowd')
const { figuresOf, groupsOf } = require('./groups')
const { describe, duration, finding, percent, plural } = require('./sites')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('./parts').Part} Part
 * @typedef {import('./groups').Group} Group
 * @typedef {import('../../../doctor').Confidence} Confidence
 * @typedef {import('../../../doctor').Finding} Finding
 */

const rules = [{ rule: /** @type {const} */ (4), id: 'await-loop', title: 'computation awaited in a loop' }]

/** Minimum number of blocks, and duration from which a single block suffices, in milliseconds. */
const LEAST_BLOCKS = 3
const LONG = 500

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge(facts, setup) {
  const parts = partsOf(facts, setup)
  const loops = parts.filter(({ kind }) => kind === 'loop')
  // `forEach` and `reduce` with asynchronous functions are hints only: `handler` judges the function that computes.
  const chains = parts.flatMap(part => {
    const frame = part.kind === 'call' ? part.frames.find(isChain) : undefined
    return frame === undefined ? [] : [{ ...part, frame }]
  })
  return [...findingsOf(loops, 'certain', setup), ...findingsOf(chains, 'possible', setup)]
}

/** @param {import('../facts').FactFrame} frame */
function isChain({ isUser, loop }) {
  return isUser && loop !== undefined && !LOOPS.has(loop.kind)
}

/**
 * @param {Part[]} parts
 * @param {Confidence} confidence
 * @param {Setup} setup
 */
function findingsOf(parts, confidence, setup) {
  const groups = groupsOf(parts, ({ frame }) => frame && `${frame.file}:${frame.line}`)
  return groups.flatMap(group => judgeGroup(group, confidence, setup))
}

/**
 * @param {Group} group
 * @param {Confidence} confidence
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judgeGroup(group, confidence, setup) {
  const { parts, frame, frames, time } = group
  const figures = figuresOf(group, setup)
  if (frame === undefined || (figures.count < LEAST_BLOCKS && figures.max < LONG) || isCrowd(parts, setup)) return []
  const callee = frames.find(({ isUser }) => isUser)
  const kind = frame.loop?.kind ?? 'for'
  return [
    finding({
      ...rules[0],
      title: 'computation awaited in a loop',
      confidence,
      frame,
      frames,
      evidence: {
        text: textOf(figures, kind, callee === frame ? undefined : callee),
        ...figures,
        loop: kind,
        ...(callee === undefined ? {} : { callee: callee.name })
      },
      fix:
        'pool.map(transforms.worker(file), inputs) computes on other threads; ' +
        'without offloop, await scheduler.yield() (node:timers/promises) after every few milliseconds of work',
      time
    })
  ]
}

/**
 * @param {import('./groups').Figures} figures
 * @param {string} kind
 * @param {import('../facts').FactFrame | undefined} callee
 */
function textOf({ count, p50, max, share, waited }, kind, callee) {
  const name = callee === undefined ? 'The awaited call' : describe(callee)
  const delayed = waited === 0 ? '' : `; requests waited ${plural(waited, 'time')}`
  return (
    `${name} computes, so awaiting it in a loop (${kind}) does not let the event loop continue. ` +
    `Held the loop ${plural(count, 'time')}, ${duration(p50)} each, the longest ${duration(max)}: ${percent(share)} of the time${delayed}.`
  )
}

module.exports = { judge, rules }

'use strict'

// Finds listeners and intervals that accumulate.

const { callerOf, lineOf } = require('./callers')
const { growthOf } = require('./growth')
const { groupBy } = require('./groups')
const { duration, finding, number } = require('./sites')
const { sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').Site} Site
 * @typedef {import('../facts').ListenerFact} ListenerFact
 * @typedef {import('../facts').IntervalFact} IntervalFact
 * @typedef {import('./growth').Growth} Growth
 * @typedef {import('../../../doctor').Finding} Finding
 *
 * @typedef {{ fact: ListenerFact, growth: Growth }} Grown
 */

const RULE = /** @type {const} */ (2)
const rules = [
  { rule: RULE, id: 'listeners', title: 'listeners that accumulate' },
  { rule: RULE, id: 'abort-signals', title: 'listeners of an AbortSignal that accumulate' },
  { rule: RULE, id: 'intervals', title: 'intervals that accumulate' }
]

const FIXES = {
  EventEmitter:
    'remove the listener when its request ends (emitter.off), or add it once, outside of the requests; ' +
    'for tasks, await pool.run(transform, input), which adds none',
  EventTarget:
    'remove the listener when its request ends: addEventListener(type, listener, { signal }) or removeEventListener; ' +
    'for tasks, await pool.run(transform, input)',
  AbortSignal:
    'pass the signal to pool.run, whose tasks share one listener per signal; ' +
    'without offloop, call removeEventListener when the work ends, or use a signal per request'
}

/**
 * @param {Facts} facts
 * @returns {Finding[]}
 */
function judge(facts) {
  return [...judgeListeners(facts), ...judgeIntervals(facts)]
}

/** @param {Facts} facts */
function judgeListeners({ processes }) {
  const grown = processes.flatMap(process =>
    process.listeners.flatMap((/** @type {ListenerFact} */ fact) => {
      const growth = growthOf(fact.counts, process)
      return growth === undefined || areConnections(growth.to * fact.emitters, fact.sockets) ? [] : [{ fact, growth }]
    })
  )
  const isSignal = (/** @type {Grown} */ { fact }) => fact.kind === 'AbortSignal'
  return groupBy(grown, it => `${isSignal(it)} ${lineOf(it.fact)}`).map(group => listenerFinding(group, isSignal))
}

/**
 * Returns whether each open connection may have a listener or interval, such as a subscription that ends with the connection.
 * @param {number} count
 * @param {number | undefined} sockets
 */
function areConnections(count, sockets = 0) {
  return count <= sockets
}

/**
 * @param {Grown[]} group of one line
 * @param {(it: Grown) => boolean} isSignal
 */
function listenerFinding(group, isSignal) {
  const most = group.reduce((best, it) => (it.growth.grown > best.growth.grown ? it : best))
  const { fact, growth } = most
  const emitters = sum(group.map(it => it.fact.emitters))
  const others = emitters > 1 ? ` ${number(emitters)} emitters of this class have more than ten.` : ''
  const text =
    `The "${fact.type}" listeners of one ${fact.emitter} grew from ${number(growth.from)} to ${number(growth.to)} ` +
    `in ${duration(growth.seconds * 1000)}, ${rate(growth)}, and never decreased.${others}`
  const frame = callerOf(fact.frames)
  return finding({
    ...rules[isSignal(most) ? 1 : 0],
    title: isSignal(most) ? 'growing listeners of an AbortSignal' : 'growing listeners',
    // A package or Node.js may add listeners on purpose.
    confidence: frame?.isUser === true ? 'certain' : 'likely',
    frame,
    frames: fact.frames,
    evidence: { text, type: fact.type, emitter: fact.emitter, kind: fact.kind, emitters, ...growth },
    fix: FIXES[fact.kind]
  })
}

/** @param {Growth} growth */
function rate({ perSecond, perRequest }) {
  const each = perRequest === undefined ? '' : ` and ${number(perRequest)} for each request`
  return `${number(perSecond)} a second${each}`
}

/** @param {Facts} facts */
function judgeIntervals({ processes }) {
  const grown = processes.flatMap(process =>
    process.intervals.flatMap((/** @type {IntervalFact} */ fact) => {
      const growth = growthOf(fact.counts, process)
      return growth === undefined || areConnections(growth.to, fact.sockets) ? [] : [{ fact, growth }]
    })
  )
  return groupBy(grown, ({ fact }) => lineOf(fact)).map(group => {
    const { fact, growth } = group.reduce((best, it) => (it.growth.grown > best.growth.grown ? it : best))
    const text =
      `The number of active intervals set on this line grew by ${number(growth.grown)} ` +
      `in ${duration(growth.seconds * 1000)}, ${rate(growth)}, and never decreased.`
    return finding({
      ...rules[2],
      title: 'growing intervals',
      confidence: callerOf(fact.frames)?.isUser === true ? 'likely' : 'possible',
      frame: callerOf(fact.frames),
      frames: fact.frames,
      evidence: { text, processes: group.length, ...growth },
      fix: 'clear the interval when its request or connection ends, or share one interval'
    })
  })
}

module.exports = { judge, rules }

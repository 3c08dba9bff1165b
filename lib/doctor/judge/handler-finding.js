'use strict'

// Builds the findings on functions that hold the event loop.

const { isSystemCall } = require('./blocks')
const { routeKey } = require('./crowd')
const { figuresOf, groupBy, heaviest, timeOf } = require('./groups')
const { nativeCaller } = require('./profile')
const { remedyOf } = require('./remedies')
const { describe, duration, finding, packageOf, percent, plural } = require('./sites')
const { sum } = require('./statistics')

/**
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./parts').Part} Part
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('./groups').Group} Group
 * @typedef {import('./groups').Figures} Figures
 * @typedef {import('../../../doctor').Confidence} Confidence
 */

const TIMERS = 'node:internal/timers'

/**
 * @param {Group} group
 * @param {Confidence} confidence
 * @param {Setup} setup
 */
function findingOf(group, confidence, setup) {
  const { parts, time } = group
  const found = group.frame === undefined ? nativeCaller(parts) : undefined
  const frame = found ?? group.frame
  const frames = found === undefined ? group.frames : [found]
  const figures = figuresOf(group, setup)
  const isCall = isSystemCall(parts[0])
  const callees = frame === undefined ? [] : frames.slice(0, Math.max(0, frames.indexOf(frame)))
  const native = nativeName(callees, frame)
  const systemCall = isCall ? mostFrequent(parts, ({ block }) => block.systemCall) : undefined
  const request = mostFrequent(parts, ({ block }) => routeKey(block.request))
  const handler = handlerOf(frames, frame)
  const evidence = {
    text: textOf({ figures, native, systemCall, request, handler, lateness: group.isLocated ? 0 : latenessOf(parts) }),
    ...figures,
    ...(native === undefined ? {} : { native }),
    ...(systemCall === undefined ? {} : { systemCall }),
    ...(request === undefined ? {} : { request, requests: requestsOf(parts) }),
    ...(handler === undefined ? {} : { handler: describe(handler) }),
    causes: causesOf(parts)
  }
  return finding({
    rule: 6,
    id: isCall ? 'system-call' : 'handler',
    title: isCall ? 'synchronous system call' : titleOf(frames, request),
    confidence,
    frame,
    frames,
    evidence,
    fix: remedyOf(callees) ?? fixOf(frame, isCall),
    time
  })
}

/**
 * @param {FactFrame[]} frames
 * @param {string | undefined} request
 */
function titleOf(frames, request) {
  if (request !== undefined) return 'CPU in a handler'
  const isTimer = frames.some(({ file, isAsync }) => !isAsync && file === TIMERS)
  return isTimer ? 'CPU in a timer' : 'CPU on the event loop'
}

/**
 * Returns the name of the native function, or of the function of a package, in which the guilty line spends its time.
 * @param {FactFrame[]} callees innermost first
 * @param {FactFrame | undefined} frame
 */
function nativeName(callees, frame) {
  const callee = callees.at(-1)
  if (callee === undefined) {
    const name = frame?.isUser === false ? packageOf(frame) : undefined
    return name && `${frame?.name} of ${name}`
  }
  const name = packageOf(callee)
  return name === undefined ? callee.name : `${callee.name} of ${name}`
}

/**
 * Returns the outermost function of the program, which handles the request, unless that function is the guilty one.
 * @param {FactFrame[]} frames
 * @param {FactFrame | undefined} frame guilty frame
 */
function handlerOf(frames, frame) {
  const handler = frames.findLast(({ isUser }) => isUser)
  return handler === frame ? undefined : handler
}

/**
 * @param {{
 *   figures: Figures,
 *   native: string | undefined,
 *   systemCall: string | undefined,
 *   request: string | undefined,
 *   handler: FactFrame | undefined,
 *   lateness: number
 * }} it
 */
function textOf({ figures, native, systemCall, request, handler, lateness }) {
  const { count, p50, p99, max, share, wall, waited } = figures
  const length = count === 1 ? duration(max) : `${duration(p50)} each (p99 ${duration(p99)})`
  const inside = native === undefined ? '' : ` in ${native}`
  const call = systemCall === undefined ? '' : ` (${systemCall})`
  const delayed = waited === 0 ? '' : `; requests waited ${plural(waited, 'time')}`
  const sentences = [
    `Held the loop${inside}${call} ${plural(count, 'time')}, ${length}, ${percent(share)} of the time${delayed}.`
  ]
  if (request !== undefined || handler !== undefined) {
    const by = handler === undefined ? '' : ` by ${describe(handler)}`
    sentences.push(`Called${request === undefined ? '' : ` for ${request}`}${by}.`)
  }
  if (wall > p50 * 1.2) sentences.push(`Including starved time: ${duration(wall)} each.`)
  if (lateness > 0)
    sentences.push(`Stacks were captured ${duration(lateness)} late: the guilty line may be an earlier one.`)
  return sentences.join(' ')
}

/** Returns the median lateness of the stacks if most of them are late. @param {readonly Part[]} parts */
function latenessOf(parts) {
  const late = parts.filter(({ isLate, frames }) => isLate && frames.length > 0)
  if (late.length <= parts.length / 2) return 0
  const values = late.flatMap(({ block }) =>
    block.samples.filter(({ capture }) => capture === 'late').map(({ lateness }) => lateness)
  )
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0
}

/**
 * @param {readonly Part[]} parts
 * @param {(part: Part) => string | undefined} of
 */
function mostFrequent(parts, of) {
  const [part] = heaviest(parts, of, timeOf)
  return part && of(part)
}

/** Returns the own time by route, in milliseconds. @param {readonly Part[]} parts */
function requestsOf(parts) {
  return Object.fromEntries(
    groupBy(parts, ({ block }) => routeKey(block.request)).map(group => [
      routeKey(group[0].block.request),
      sum(group.map(timeOf))
    ])
  )
}

/** Returns the number of blocks by cause. @param {readonly Part[]} parts */
function causesOf(parts) {
  const blocks = groupBy(parts, ({ block }) => block).map(([{ block }]) => block)
  return Object.fromEntries(groupBy(blocks, ({ cause }) => cause).map(group => [group[0].cause, group.length]))
}

/**
 * @param {FactFrame | undefined} frame
 * @param {boolean} isCall
 */
function fixOf(frame, isCall) {
  if (isCall) return 'use the asynchronous function, or pool.run(transforms.worker(file), input)'
  const name = frame === undefined || frame.name === '<anonymous>' ? 'the function' : frame.name
  return (
    `pool.run(transforms.worker(file), input) runs ${name} of that file on another thread; ` +
    'without offloop, use a pool of worker threads, or await scheduler.yield() (node:timers/promises) after every few milliseconds of work'
  )
}

module.exports = { findingOf, latenessOf }

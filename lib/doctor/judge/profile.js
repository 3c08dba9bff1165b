'use strict'

// Searches the CPU profile for the callers of native code, and for functions that stacks accuse.

const { isUserFile } = require('../../watch/frames')
const { groupBy } = require('./groups')
const { sum } = require('./statistics')

/**
 * @typedef {import('../facts').ProfileNode} ProfileNode
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./parts').Part} Part
 */

/** Minimum number of samples to contradict stacks, and minimum time in the profile that confirms stacks, as a share of their time. */
const LEAST_SAMPLES = 100
const CONFIRMED = 0.25
/** Minimum time of a function in the profile, as a share of the time of the blocks. */
const LEAST_SHARE = 0.5

/**
 * Returns the function of the program that most likely called the native code of blocks without a stack: the one whose native callees
 * have the most time in the profile. Returns `undefined` if that time is too short.
 * @param {readonly Part[]} parts
 * @returns {FactFrame | undefined}
 */
function nativeCaller(parts) {
  const times = groupBy(parts, ({ process }) => process).flatMap(([{ process }]) =>
    nativeTimes(process.profile?.nodes ?? [])
  )
  const best = times.reduce((most, it) => (it.time > most.time ? it : most), { node: undefined, time: 0 })
  if (best.node === undefined || best.time < sum(parts.map(({ time }) => time)) * LEAST_SHARE) return undefined
  const { name, file, line, column } = best.node
  return { name, file, line, column, isAsync: false, isUser: true }
}

/**
 * Returns the time of native functions by the function of the program that called them.
 * @param {ProfileNode[]} nodes
 * @returns {{ node: ProfileNode | undefined, time: number }[]}
 */
function nativeTimes(nodes) {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const calls = nodes.flatMap(leaf => {
    if (leaf.self === 0 || isUser(leaf)) return []
    let node = byId.get(leaf.parent)
    while (node !== undefined && !isUser(node)) node = byId.get(node.parent)
    return node === undefined ? [] : [{ node, time: leaf.self }]
  })
  return groupBy(calls, ({ node }) => `${node.file}:${node.line}:${node.column}`).map(group => ({
    node: group[0].node,
    time: sum(group.map(({ time }) => time))
  }))
}

/** @param {ProfileNode} node */
function isUser({ file }) {
  return isUserFile(file)
}

/**
 * Returns whether the CPU profiles contradict that a function held the loop for the given time: by chance, a stack may show a short call
 * between long ones.
 * @param {readonly import('../facts').ProcessFacts[]} processes
 * @param {{ file: string, function: string }} finding
 * @param {number} time in milliseconds
 */
function contradicts(processes, { file, function: name }, time) {
  const profiles = processes.flatMap(({ profile }) => profile ?? [])
  const nodes = profiles.flatMap(profile => profile.nodes)
  if (sum(profiles.map(({ samples }) => samples)) < LEAST_SAMPLES || !nodes.some(node => node.file === file))
    return false
  const isNamed = (/** @type {ProfileNode} */ node) => node.file === file && plainName(node.name) === plainName(name)
  // A stack names an anonymous function after the property that holds the function; a profile does not.
  const isAnonymous = (/** @type {ProfileNode} */ node) => node.file === file && node.name === '<anonymous>'
  const isIt = nodes.some(isNamed) ? isNamed : isAnonymous
  return sum(profiles.map(profile => inclusiveTime(profile.nodes, isIt))) < time * CONFIRMED
}

/**
 * Returns the time of the selected functions and their callees.
 * @param {readonly ProfileNode[]} nodes
 * @param {(node: ProfileNode) => boolean} isIt
 */
function inclusiveTime(nodes, isIt) {
  const byId = new Map(nodes.map(node => [node.id, node]))
  /** @param {ProfileNode | undefined} node */
  const isWithin = node => {
    for (let it = node; it !== undefined; it = byId.get(it.parent)) if (isIt(it)) return true
    return false
  }
  return sum(nodes.filter(node => node.self > 0 && isWithin(node)).map(({ self }) => self))
}

/** Returns the name of a function without the name of its class. @param {string} name */
function plainName(name) {
  return name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf(' ')) + 1)
}

module.exports = { contradicts, nativeCaller }

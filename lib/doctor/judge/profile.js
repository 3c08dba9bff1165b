'use strict'

// Searches the CPU profile for the callers of native code, for the functions before late stacks, and for functions that stacks accuse.

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
  const best = heaviestCaller(parts, (leaf, caller) => (leaf === caller ? undefined : caller))
  return best && frameOf(best.node)
}

/**
 * Returns the stack of the function that most likely held the loop before a stack was captured late: the one with the most time in the
 * profile among the functions of that stack and those that they call. Returns `undefined` if that time is too short.
 * @param {readonly Part[]} parts
 * @param {readonly FactFrame[]} frames the late stack
 * @returns {FactFrame[] | undefined}
 */
function stackBefore(parts, frames) {
  const functions = frames.filter(frame => frame.isUser && !frame.isAsync).map(functionOf)
  const best = heaviestCaller(parts, (_leaf, caller, path) =>
    path.some(node => functions.includes(functionOf(node))) ? caller : undefined
  )
  if (best === undefined) return undefined
  const names = best.path.map(functionOf)
  const known = frames.findIndex(frame => frame.isUser && names.includes(functionOf(frame)))
  const isSame = functionOf(frames[known]) === functionOf(best.node)
  const frame = { ...(isSame ? frames[known] : frameOf(best.node)), ...best.node.work }
  return isSame ? frames.toSpliced(known, 1, frame) : [frame, ...frames.slice(known)]
}

/**
 * Returns whether the profile shows that the native function at the top of the stacks did not take the time. V8 may be unable to interrupt
 * an inlined call, so that the stack shows the call after it.
 * @param {readonly Part[]} parts
 * @param {readonly FactFrame[]} frames
 */
function isAfterCall(parts, frames) {
  const [inner] = frames
  if (inner === undefined || inner.isUser) return false
  const caller = frames.find(frame => frame.isUser && !frame.isAsync)
  if (caller === undefined) return false
  const processes = groupBy(parts, ({ process }) => process).map(([{ process }]) => process)
  const profiles = processes.flatMap(({ profile }) => profile ?? [])
  if (sum(profiles.map(({ samples }) => samples)) < LEAST_SAMPLES) return false
  const name = plainName(inner.name)
  const time = sum(
    profiles.map(({ nodes }) => inclusiveTime(nodes, node => !isUser(node) && plainName(node.name) === name))
  )
  return time < sum(parts.map(part => part.time)) * CONFIRMED
}

/**
 * Returns the function with the most time in the profiles of the processes of the parts, if its time is long enough to explain them.
 * @param {readonly Part[]} parts
 * @param {(leaf: ProfileNode, caller: ProfileNode, path: ProfileNode[]) => ProfileNode | undefined} select returns the function to which
 *   the own time of a leaf counts. `caller` is the innermost function of the program on the path of the leaf, `path` has all of them
 */
function heaviestCaller(parts, select) {
  const times = groupBy(parts, ({ process }) => process).flatMap(([{ process }]) => {
    const nodes = process.profile?.nodes ?? []
    const byId = new Map(nodes.map(node => [node.id, node]))
    return nodes.flatMap(leaf => {
      if (leaf.self === 0) return []
      const path = pathTo(leaf, byId)
      const node = path.length === 0 ? undefined : select(leaf, path[0], path)
      return node === undefined ? [] : [{ node, path, time: leaf.self }]
    })
  })
  const groups = groupBy(times, ({ node }) => `${node.file}:${node.line}:${node.column}`)
  const best = groups
    .map(group => ({ ...group[0], time: sum(group.map(({ time }) => time)) }))
    .reduce(
      (/** @type {typeof times[0] | undefined} */ most, it) => (it.time > (most?.time ?? 0) ? it : most),
      undefined
    )
  return best !== undefined && best.time >= sum(parts.map(({ time }) => time)) * LEAST_SHARE ? best : undefined
}

/**
 * Returns the functions of the program on the path to a node, innermost first.
 * @param {ProfileNode} leaf
 * @param {ReadonlyMap<number, ProfileNode>} byId
 */
function pathTo(leaf, byId) {
  const path = []
  for (let node = /** @type {ProfileNode | undefined} */ (leaf); node !== undefined; node = byId.get(node.parent)) {
    if (isUser(node)) path.push(node)
  }
  return path
}

/**
 * @param {ProfileNode} node
 * @returns {FactFrame}
 */
function frameOf({ name, file, line, column }) {
  return { name, file, line, column, isAsync: false, isUser: true }
}

/** @param {{ file: string, name: string }} it */
function functionOf({ file, name }) {
  return `${file} ${plainName(name)}`
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

module.exports = { contradicts, isAfterCall, nativeCaller, stackBefore }

'use strict'

// Live allocations by stack, from a profile of V8's sampling heap profiler. A position is that of a function: the profiler knows no
// lines.

const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { isUserFile } = require('../../watch/frames')
const { pathOf } = require('../urls')

/**
 * @typedef {import('../facts').AllocationFact} AllocationFact
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('node:inspector').HeapProfiler.SamplingHeapProfile} Profile
 * @typedef {import('node:inspector').HeapProfiler.SamplingHeapProfileNode} Node
 */

/** Folder of the doctor, whose allocations are not the program's. */
const OWN = join(__dirname, '..')
const OWN_URL = pathToFileURL(OWN).href
const MAX_SITES = 64
const MAX_FRAMES = 16

/**
 * Returns the stacks with the most live bytes.
 * @param {Profile} profile of allocations since the measurement began
 * @returns {AllocationFact[]}
 */
function allocationsOf(profile) {
  return stacks(profile)
    .sort((one, other) => other.size - one.size)
    .slice(0, MAX_SITES)
    .map(({ size, nodes }) => ({ before: 0, after: size, frames: nodes.slice(0, MAX_FRAMES).map(frameOf) }))
}

/**
 * Returns the stacks that allocated, innermost call first.
 * @param {Profile} profile
 */
function stacks({ head }) {
  const found = []
  /** @type {{ node: Node, nodes: Node[] }[]} */
  const open = [{ node: head, nodes: [] }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, nodes } = next
    if (isOwn(node)) continue
    if (node.selfSize > 0 && nodes.length > 0) found.push({ size: node.selfSize, nodes })
    open.push(...node.children.map(child => ({ node: child, nodes: [child, ...nodes] })))
  }
  return found
}

/** Returns whether a function is one of the doctor. @param {Node} node */
function isOwn({ callFrame: { url } }) {
  return url.startsWith(OWN_URL) || url.startsWith(OWN)
}

/**
 * @param {Node} node
 * @returns {FactFrame}
 */
function frameOf({ callFrame: { functionName, url, lineNumber, columnNumber } }) {
  const file = pathOf(url)
  return {
    name: functionName === '' ? '<anonymous>' : functionName,
    file,
    line: lineNumber + 1,
    column: columnNumber + 1,
    isAsync: false,
    isUser: isUserFile(file)
  }
}

module.exports = { allocationsOf }

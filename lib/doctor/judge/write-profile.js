'use strict'

// Finds the time in write functions of streams in the CPU profile.

const { isWriteCall } = require('./write-calls')

/**
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').ProfileNode} ProfileNode
 * @typedef {import('../facts').FactFrame} FactFrame
 *
 * @typedef {object} Work
 * @property {FactFrame} frame innermost function of the program, with the line of the function
 * @property {FactFrame} write function that the stream calls
 * @property {FactFrame[]} frames innermost first
 * @property {number} time in milliseconds
 * @property {number} share of the time in which the loop was busy
 */

const MAX_FRAMES = 16
/** Files that do not belong to the program: those of Node.js, WebAssembly, packages and the doctor's wrappers. */
const FOREIGN = /^$|^(node|wasm):|[\\/](node_modules|lib[\\/]doctor[\\/]probe)[\\/]/

/**
 * Returns the time in write functions of streams, by the innermost function of the program.
 * @param {ProcessFacts} process
 * @returns {Work[]}
 */
function profiledWrites({ profile }) {
  const nodes = profile?.nodes ?? []
  const byId = new Map(nodes.map(node => [node.id, node]))
  let busy = 0
  /** @type {Map<string, Work>} */
  const works = new Map()
  for (const node of nodes) {
    if (node.self === 0 || node.name === '(idle)') continue
    busy += node.self
    const frames = framesOf(node, byId)
    const index = frames.findIndex((frame, at) => isWriteCall(frame, frames[at + 1]))
    if (index === -1) continue
    const frame = /** @type {FactFrame} */ (frames.find(({ isUser }) => isUser))
    const key = `${frame.file}:${frame.line}:${frame.column}`
    const work = works.get(key) ?? {
      frame,
      write: frames[index],
      frames: frames.slice(0, MAX_FRAMES),
      time: 0,
      share: 0
    }
    work.time += node.self
    works.set(key, work)
  }
  return [...works.values()].map(work => ({ ...work, share: work.time / busy }))
}

/**
 * Returns a node and its callers.
 * @param {ProfileNode} leaf
 * @param {Map<number, ProfileNode>} byId
 * @returns {FactFrame[]}
 */
function framesOf(leaf, byId) {
  /** @type {FactFrame[]} */
  const frames = []
  for (let node = /** @type {ProfileNode | undefined} */ (leaf); node !== undefined; node = byId.get(node.parent)) {
    const { name, file, line, column } = node
    frames.push({ name, file, line, column, isAsync: false, isUser: isUser(file) })
  }
  return frames
}

/** @param {string} file */
function isUser(file) {
  return !FOREIGN.test(file)
}

module.exports = { profiledWrites }

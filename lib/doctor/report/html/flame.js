'use strict'

/** @typedef {import('../../../../doctor').FlameNode} FlameNode */

/**
 * Keeps the calls with the most time, callees included, and adds the time of all other calls to their callers.
 * @param {readonly FlameNode[]} nodes
 * @param {number} limit
 */
function smallestDropped(nodes, limit) {
  const order = parentsFirst(nodes)
  if (nodes.length <= limit) return { nodes: reindexed(nodes, order), dropped: 0 }
  const totals = totalsOf(nodes, order)
  // The sort is stable, and a caller has at least the time of its callees, so it stays before them.
  const kept = [...order].sort((one, other) => totals[other] - totals[one]).slice(0, limit)
  const isKept = new Set(kept)
  const selves = nodes.map(({ self }) => self)
  for (const node of [...order].reverse()) {
    const { parent } = nodes[node]
    if (!isKept.has(node) && parent >= 0) selves[parent] += selves[node]
  }
  const changed = nodes.map((node, index) => ({ ...node, self: selves[index] }))
  return {
    nodes: reindexed(
      changed,
      order.filter(node => isKept.has(node))
    ),
    dropped: nodes.length - kept.length
  }
}

/**
 * Returns the indexes of the nodes that are reachable from a root, parents first.
 * @param {readonly FlameNode[]} nodes
 */
function parentsFirst(nodes) {
  /** @type {Map<number, number[]>} */
  const children = new Map()
  nodes.forEach(({ parent }, index) => {
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [index])
    else siblings.push(index)
  })
  const order = [...(children.get(-1) ?? [])]
  // The loop also visits the indexes that it appends.
  for (const node of order) for (const child of children.get(node) ?? []) order.push(child)
  return order
}

/**
 * @param {readonly FlameNode[]} nodes
 * @param {readonly number[]} order parents first
 */
function totalsOf(nodes, order) {
  const totals = nodes.map(({ self }) => self)
  for (let index = order.length - 1; index >= 0; index--) {
    const { parent } = nodes[order[index]]
    if (parent >= 0) totals[parent] += totals[order[index]]
  }
  return totals
}

/**
 * @param {readonly FlameNode[]} nodes
 * @param {readonly number[]} chosen indexes, parents first
 */
function reindexed(nodes, chosen) {
  const indexes = new Map(chosen.map((node, index) => [node, index]))
  return chosen.map(node => ({ ...nodes[node], parent: indexes.get(nodes[node].parent) ?? -1 }))
}

module.exports = { smallestDropped }

'use strict'

// Models of the eviction policies, made of Maps, which keep the order of insertion.

/** @typedef {{ weight: number, uses: number, isMain: boolean }} Item */
/** @typedef {Map<any, Item>} Queue */

/** @param {Queue} queue */
function weightOf(queue) {
  let sum = 0
  for (const { weight } of queue.values()) sum += weight
  return sum
}

/** Items from the least to the most recently used. */
class LruModel {
  /** @type {Queue} */
  #items = new Map()

  get size() {
    return this.#items.size
  }

  get bytes() {
    return weightOf(this.#items)
  }

  /** Returns whether the id is held, and counts a use. @param {any} id */
  use(id) {
    const item = this.#items.get(id)
    if (item === undefined) return false
    this.#items.delete(id)
    this.#items.set(id, item)
    return true
  }

  /** @type {(id: any, weight: number, replaced?: Item) => void} */
  insert(id, weight) {
    this.#items.set(id, { weight, uses: 0, isMain: false })
  }

  /** @type {(id: any, isRemembered: boolean) => Item | undefined} */
  remove(id, _isRemembered) {
    const item = this.#items.get(id)
    this.#items.delete(id)
    return item
  }

  victim() {
    return this.#items.keys().next().value
  }

  /** Ids in the order of the iterators. */
  ids() {
    return [...this.#items.keys()].reverse()
  }
}

class S3FifoModel {
  /** @type {Queue} */
  #small = new Map()
  /** @type {Queue} */
  #main = new Map()
  #ghosts = new Set()
  #limits

  /** @param {{ max: number, maxBytes: number }} limits */
  constructor(limits) {
    this.#limits = limits
  }

  get size() {
    return this.#small.size + this.#main.size
  }

  get bytes() {
    return weightOf(this.#small) + weightOf(this.#main)
  }

  /** @param {any} id */
  use(id) {
    const item = this.#small.get(id) ?? this.#main.get(id)
    if (item === undefined) return false
    item.uses = Math.min(item.uses + 1, 3)
    return true
  }

  /** @type {(id: any, weight: number, replaced?: Item) => void} */
  insert(id, weight, replaced) {
    const isMain = replaced === undefined ? this.#ghosts.delete(id) : replaced.isMain
    const uses = replaced === undefined ? 0 : Math.min(replaced.uses + 1, 3)
    const queue = isMain ? this.#main : this.#small
    queue.set(id, { weight, uses, isMain })
    while (!isMain && this.#small.size > 1 && this.#isOver(0, 0)) {
      const [oldest, item] = this.#oldest(this.#small)
      this.#promote(oldest, item, item.uses)
    }
  }

  /** @type {(id: any, isRemembered: boolean) => Item | undefined} */
  remove(id, isRemembered) {
    const item = this.#small.get(id) ?? this.#main.get(id)
    if (item === undefined) return undefined
    const size = this.size
    this.#small.delete(id)
    this.#main.delete(id)
    if (isRemembered && !(item.isMain && item.uses === 0)) this.#ghosts.add(id)
    for (const ghost of this.#ghosts) {
      if (this.#ghosts.size <= size) break
      this.#ghosts.delete(ghost)
    }
    return item
  }

  /** @type {(entries: number, weight: number) => any} */
  victim(entries, weight) {
    for (let moved = 0; ; moved++) {
      const isSmall = this.#main.size === 0 || (this.#small.size > 0 && this.#isOver(entries, weight))
      const [id, item] = this.#oldest(isSmall ? this.#small : this.#main)
      if (item.uses === 0 || moved === 256) return id
      this.#promote(id, item, isSmall ? 0 : item.uses - 1)
    }
  }

  ids() {
    return [...[...this.#main.keys()].reverse(), ...[...this.#small.keys()].reverse()]
  }

  /** @type {(entries: number, weight: number) => boolean} */
  #isOver(entries, weight) {
    const { max, maxBytes } = this.#limits
    return (
      4 * (this.#small.size + entries) > max || (maxBytes < Infinity && 4 * (weightOf(this.#small) + weight) > maxBytes)
    )
  }

  /** @type {(queue: Queue) => [any, Item]} */
  #oldest(queue) {
    return /** @type {[any, Item]} */ (queue.entries().next().value)
  }

  /** @type {(id: any, item: Item, uses: number) => void} */
  #promote(id, item, uses) {
    this.#small.delete(id)
    this.#main.delete(id)
    this.#main.set(id, { ...item, uses, isMain: true })
  }
}

/** @type {(policy: 'lru' | 's3-fifo', limits: { max: number, maxBytes: number }) => LruModel | S3FifoModel} */
function modelOf(policy, limits) {
  return policy === 'lru' ? new LruModel() : new S3FifoModel(limits)
}

module.exports = { modelOf }

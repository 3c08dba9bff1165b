'use strict'

// The rules of a tier on one record.

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const rules = require('../../lib/tier/rules')

/**
 * @typedef {import('../../lib/tier/rules').Record} Record
 * @typedef {import('../../lib/tier/rules').TakeRequest} TakeRequest
 * @typedef {import('../../lib/tier/rules').FinishRequest} FinishRequest
 */

const BODY = { codec: 'j', compression: '-', bytes: Buffer.from('1') }
const LIFETIME = { refresh: 600, fresh: 1000, keep: 1500 }
const A = 'aaaaaa000000'
const A2 = 'aaaaaa000001'
const B = 'bbbbbb000000'

/** A tier with one record, and a clock. */
class Tier {
  now = 0
  generation = 'g1'
  /** @type {Record | undefined} */
  record = undefined
  /** @type {unknown[]} */
  messages = []

  /**
   * @template Request
   * @template Reply
   * @param {(record: Record | undefined, generation: string, request: Request, now: number) => { record: Record | undefined, reply: Reply, message?: unknown }} rule
   * @param {Request} request
   */
  #apply(rule, request) {
    const { record, reply, message } = rule(this.record, this.generation, request, this.now)
    this.record = record
    if (message !== undefined) this.messages.push(message)
    return reply
  }

  /**
   * @param {string} token
   * @param {Partial<TakeRequest>} [fields]
   */
  take(token, fields = {}) {
    const common = {
      leaseTtl: 3000,
      mode: /** @type {const} */ ('load'),
      known: '',
      revalidates: 200,
      servesOnError: 500
    }
    return this.#apply(rules.take, { token, ...common, notAfter: Number.POSITIVE_INFINITY, ...fields })
  }

  /** @param {string} token */
  store(token) {
    return this.#apply(rules.store, { token, body: BODY, lifetime: LIFETIME })
  }

  /**
   * @param {string} token
   * @param {Partial<FinishRequest>} fields
   */
  finish(token, fields) {
    return this.#apply(rules.finish, { token, outcome: 'error', body: BODY, keep: 0, servesOnError: 500, ...fields })
  }

  /** @param {string} token */
  renew(token) {
    return this.#apply(rules.renew, { token, leaseTtl: 3000 })
  }

  /**
   * @param {string} version
   * @param {number} [notAfter]
   */
  put(version, notAfter = Number.POSITIVE_INFINITY) {
    return this.#apply(rules.put, { version, body: BODY, lifetime: LIFETIME, notAfter })
  }

  drop() {
    return this.#apply(rules.drop, undefined)
  }

  /** @param {string} version */
  dropVersion(version) {
    return this.#apply(rules.dropVersion, { version })
  }

  clear() {
    this.generation += '1'
  }
}

/** Returns a tier that holds a value. */
function holding() {
  const tier = new Tier()
  tier.take(A)
  assert.equal(tier.store(A), 'stored')
  return tier
}

describe('a load', () => {
  test('leads if there is no record, and its value is served', () => {
    const tier = new Tier()
    assert.deepEqual(tier.take(A), { kind: 'lead' })
    assert.equal(tier.store(A), 'stored')
    tier.now = 100
    const served = { kind: 'value', leads: false, isUsable: true, version: A, refresh: 500, fresh: 900, body: BODY }
    assert.deepEqual(tier.take(B), served)
    assert.deepEqual(tier.take(B, { known: A }), { ...served, body: undefined })
    assert.deepEqual(tier.messages, [])
  })

  test('waits for another process, and receives a message about its value', () => {
    const tier = new Tier()
    tier.take(A)
    tier.now = 100
    assert.deepEqual(tier.take(B), { kind: 'busy', left: 2900 })
    assert.deepEqual(tier.take(A2), { kind: 'mine', token: A })
    tier.store(A)
    assert.deepEqual(tier.messages, [{ kind: 'stored', version: A }])
  })

  test('leads when the lease of another process has ended', () => {
    const tier = new Tier()
    tier.take(A)
    tier.now = 2999
    assert.equal(tier.take(B).kind, 'busy')
    tier.now = 3000
    assert.deepEqual(tier.take(B), { kind: 'lead' })
    assert.equal(tier.store(A), 'denied')
    assert.equal(tier.store(B), 'stored')
  })

  test('stores after its lease, if nothing has touched the record', () => {
    const tier = new Tier()
    tier.take(A)
    tier.now = 5000
    assert.equal(tier.store(A), 'stored')
  })

  test('extends its lease', () => {
    const tier = new Tier()
    tier.take(A)
    tier.now = 2000
    assert.equal(tier.renew(A), 'renewed')
    tier.now = 4999
    assert.equal(tier.take(B).kind, 'busy')
    tier.drop()
    assert.equal(tier.renew(A), 'denied')
  })

  test('that comes too late changes nothing', () => {
    const tier = new Tier()
    tier.now = 11
    assert.deepEqual(tier.take(A, { notAfter: 10 }), { kind: 'late' })
    assert.equal(tier.record, undefined)
    assert.equal(tier.put(A, 10), 'late')
    assert.equal(tier.record, undefined)
  })

  for (const [what, revoke] of /** @type {[string, (tier: Tier) => unknown][]} */ ([
    ['a delete', tier => tier.drop()],
    ['a set', tier => tier.put(B)],
    ['a clear', tier => tier.clear()],
    ['an eviction', tier => (tier.record = undefined)],
    ['the lease of another load after a delete', tier => [tier.drop(), tier.take(B)]],
    ['a later lease of the same process', tier => [tier.drop(), tier.take(A2)]]
  ])) {
    test(`does not store its value after ${what}`, () => {
      const tier = new Tier()
      tier.take(A)
      revoke(tier)
      const { record } = tier
      assert.equal(tier.store(A), 'denied')
      assert.equal(tier.finish(A, {}), 'denied')
      assert.equal(tier.record, record)
    })
  }
})

describe('a value', () => {
  test('is reloaded by one process when it is due, and served to the others', () => {
    const tier = holding()
    tier.now = 600
    const first = tier.take(B)
    assert.deepEqual([first.kind === 'value' && first.leads, first.kind === 'value' && first.isUsable], [true, true])
    const second = tier.take(A2)
    assert.deepEqual(
      [second.kind === 'value' && second.leads, second.kind === 'value' && second.isUsable],
      [false, true]
    )
    assert.equal(tier.store(B), 'stored')
    assert.deepEqual(tier.messages, [{ kind: 'stored', version: B }])
  })

  test('that is stale is served while it is reloaded, then only if the reload fails', () => {
    const tier = holding()
    tier.now = 1199
    assert.deepEqual(tier.take(B, { mode: 'look' }), { kind: 'absent' })
    const usable = tier.take(B)
    assert.deepEqual(usable.kind === 'value' && [usable.leads, usable.isUsable], [true, true])
    tier.now = 1200
    assert.equal(tier.take(A2).kind, 'busy')
    const fallback = tier.take(A2, { mode: 'fallback' })
    assert.deepEqual(fallback.kind === 'value' && [fallback.leads, fallback.fresh], [false, -200])
    tier.now = 1500
    assert.deepEqual(tier.take(A2, { mode: 'fallback' }), { kind: 'absent' })
  })

  test('is reloaded for a caller that refreshes', () => {
    const tier = holding()
    const reply = tier.take(B, { mode: 'refresh' })
    assert.deepEqual(reply.kind === 'value' && [reply.leads, reply.isUsable], [true, false])
    assert.equal(tier.take(A2, { mode: 'refresh' }).kind, 'busy')
    const other = tier.take(A2)
    assert.deepEqual(other.kind === 'value' && [other.leads, other.isUsable], [false, true])
  })

  test('expires, and is gone after a clear', () => {
    const tier = holding()
    tier.now = 1500
    assert.deepEqual(tier.take(B), { kind: 'lead' })
    const cleared = holding()
    cleared.clear()
    assert.deepEqual(cleared.take(B), { kind: 'lead' })
  })

  test('is reported by its delete', () => {
    const tier = holding()
    assert.equal(tier.drop(), true)
    assert.equal(tier.drop(), false)
    tier.take(A)
    assert.equal(tier.drop(), false)
    assert.deepEqual(tier.messages, Array(3).fill({ kind: 'dropped', version: '' }))
  })

  test('that cannot be read is removed unless it has been replaced', () => {
    const tier = holding()
    assert.equal(tier.dropVersion(B), false)
    assert.equal(tier.dropVersion(A), true)
    assert.equal(tier.record, undefined)
  })

  test('that is set is announced with its version', () => {
    const tier = new Tier()
    assert.equal(tier.put(A), 'stored')
    assert.deepEqual(tier.messages, [{ kind: 'dropped', version: A }])
  })
})

describe('a load that stores no value', () => {
  test('passes its error to waiting callers, and keeps it', () => {
    const tier = new Tier()
    tier.take(A)
    tier.take(B)
    assert.equal(tier.finish(A, { keep: 100 }), 'finished')
    assert.deepEqual(tier.messages, [{ kind: 'failed', body: BODY }])
    assert.deepEqual(tier.take(B), { kind: 'error', body: BODY })
    tier.now = 100
    assert.deepEqual(tier.take(B), { kind: 'lead' })
  })

  test('passes a value that is not stored', () => {
    const tier = new Tier()
    tier.take(A)
    tier.take(B)
    tier.finish(A, { outcome: 'unshared' })
    assert.deepEqual(tier.messages, [{ kind: 'passed', body: BODY }])
    assert.equal(tier.record, undefined)
  })

  test('releases its lease, or lets each process load', () => {
    const tier = new Tier()
    tier.take(A)
    tier.take(B)
    tier.finish(A, { outcome: 'abandoned', body: undefined })
    assert.deepEqual(tier.messages, [{ kind: 'released' }])
    assert.deepEqual(tier.take(B), { kind: 'lead' })
    tier.finish(B, { outcome: 'local', body: undefined, keep: 100 })
    assert.deepEqual(tier.take(A2), { kind: 'local' })
    assert.equal(tier.messages.length, 1)
  })

  test('leaves a value that may still be served', () => {
    const tier = holding()
    tier.now = 700
    tier.take(B)
    tier.finish(B, { keep: 100 })
    const reply = tier.take(A2)
    assert.deepEqual(reply.kind === 'value' && [reply.leads, reply.version], [true, A])
  })
})

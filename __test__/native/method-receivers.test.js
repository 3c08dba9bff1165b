'use strict'

// Methods called without their object: those that return promises reject, the others throw.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Cache, Pool, Sink, pool, transforms } = require('../../index.js')
const { CsvTable } = require('../../lib/csv/table.js')

const identity = transforms.identity()
const iteration = Object.getPrototypeOf(pool.iterate(identity, []))
const duplex = Object.getPrototypeOf(pool.stream(transforms.gzip()))

/**
 * Public classes, and which of their methods return promises.
 * @type {[name: string, prototype: any, promises: (string | symbol)[], left: (string | symbol)[]][]}
 */
const classes = [
  ['Pool', Pool.prototype, ['run', 'map', 'ready', 'close', Symbol.asyncDispose], []],
  ['Cache', Cache.prototype, ['get', 'getMany', 'refresh'], []],
  // It returns any `this`.
  ['AsyncIterator', iteration, ['next', 'return', 'throw', Symbol.asyncDispose], [Symbol.asyncIterator]],
  ['CsvTable', CsvTable.prototype, [], []],
  // Node's own streams call these.
  ['Sink', Sink.prototype, [], ['_write', '_final', '_destroy']],
  ['Duplex', duplex, [], ['_write', '_final', '_destroy', '_read']]
]

const strangers = [undefined, null, 5, 'text', {}, () => {}, new Proxy(pool, {}), Pool, Object.create(Pool.prototype)]

for (const [name, prototype, promises, left] of classes) {
  const expected = {
    name: 'TypeError',
    code: 'ERR_INVALID_THIS',
    message: new RegExp(
      `^Value of "this" must be of type ${name}\\. Received .+\\. Call the method on its object, or bind it$`
    )
  }

  test(`methods of ${name} say that they were called without it`, async () => {
    const keys = Reflect.ownKeys(prototype).filter(key => key !== 'constructor' && !left.includes(key))
    assert.ok(keys.length > 0)
    for (const key of keys) {
      const { value, get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, key))
      for (const stranger of strangers) {
        const call = () => (value ?? get).call(stranger)
        if (promises.includes(key)) await assert.rejects(call(), expected)
        else assert.throws(call, expected)
      }
    }
  })
}

test('a method that is bound, or called on its object, works', async () => {
  const run = pool.run.bind(pool)
  assert.equal(String(await run(identity, 'x')), 'x')
  const { get } = new Cache({ max: 1 })
  await assert.rejects(get('a'), { code: 'ERR_INVALID_THIS' })
})

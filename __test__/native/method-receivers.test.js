'use strict'

// Methods called without their receiver: those that return promises reject, the others throw.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { inspect } = require('node:util')
const { Cache, Pool, Sink, pool, transforms } = require('../../index.js')
const { CsvTable } = require('../../lib/csv/table.js')

const identity = transforms.identity()
const iteration = Object.getPrototypeOf(pool.iterate(identity, []))
const duplex = Object.getPrototypeOf(pool.stream(transforms.gzip()))

/**
 * Public classes with the methods that return promises and those not tested.
 * @type {[name: string, prototype: any, promises: (string | symbol)[], untested: (string | symbol)[]][]}
 */
const classes = [
  // util.inspect shows any object.
  ['Pool', Pool.prototype, ['run', 'map', 'ready', 'close', Symbol.asyncDispose], [inspect.custom]],
  ['Cache', Cache.prototype, ['get', 'getMany', 'refresh'], [inspect.custom]],
  // Its Symbol.asyncIterator returns any `this`.
  ['AsyncIterator', iteration, ['next', 'return', 'throw', Symbol.asyncDispose], [Symbol.asyncIterator]],
  ['CsvTable', CsvTable.prototype, [], []],
  // Called by Node's stream base classes.
  ['Sink', Sink.prototype, [], ['_write', '_final', '_destroy']],
  ['Duplex', duplex, [], ['_write', '_final', '_destroy', '_read']]
]

const receivers = [undefined, null, 5, 'text', {}, () => {}, new Proxy(pool, {}), Pool, Object.create(Pool.prototype)]

for (const [name, prototype, promises, untested] of classes) {
  const expected = {
    name: 'TypeError',
    code: 'ERR_INVALID_THIS',
    message: new RegExp(
      `^Value of "this" must be of type ${name}\\. Received .+\\. Call the method on its object, or bind it$`
    )
  }

  test(`methods of ${name} report an invalid receiver`, async () => {
    const others = ['constructor', Symbol.for('offloop.copy'), ...untested]
    const keys = Reflect.ownKeys(prototype).filter(key => !others.includes(key))
    assert.ok(keys.length > 0)
    for (const key of keys) {
      const { value, get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, key))
      for (const receiver of receivers) {
        const call = () => (value ?? get).call(receiver)
        if (promises.includes(key)) await assert.rejects(call(), expected)
        else assert.throws(call, expected)
      }
    }
  })
}

test('bound methods work', async () => {
  const run = pool.run.bind(pool)
  assert.equal(String(await run(identity, 'x')), 'x')
  const { get } = new Cache({ max: 1 })
  await assert.rejects(get('a'), { code: 'ERR_INVALID_THIS' })
})

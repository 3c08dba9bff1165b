'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const v8 = require('node:v8')
const hiddenClass = require('../../lib/internal/hidden-class')

v8.setFlagsFromString('--allow-natives-syntax')
const haveSameHiddenClass = /** @type {(a: object, b: object) => boolean} */ (
  new Function('a', 'b', 'return %HaveSameMap(a, b)')
)

/** @type {Map<string, object>} by the name of the class */
const examples = new Map()
const { keepHiddenClass } = hiddenClass
hiddenClass.keepHiddenClass = example => {
  examples.set(example.constructor.name, example)
  keepHiddenClass(example)
}
const { transforms } = require('../..')
const { completionPort } = require('../../lib/native/completion-port')
const { Pool, stateOf } = require('../../lib/pool')

const identity = /** @type {any} */ (transforms.identity())

test('the objects of bulk calls have the hidden class that is kept', async () => {
  const pool = new Pool({ threads: 2 })
  const inputs = Array.from({ length: 4000 }, () => Buffer.alloc(1024))
  const seen = new Set()
  for (let round = 0; round < 3; round++) {
    const results = pool.map(identity, inputs)
    for (let isDone = false; !isDone; ) {
      await new Promise(setImmediate)
      for (const object of [...stateOf(pool).operations, ...completionPort.listeners()]) {
        const name = object?.constructor.name
        const example = examples.get(name ?? '')
        if (object === undefined || example === undefined) continue
        seen.add(name)
        assert.ok(haveSameHiddenClass(object, example), name)
      }
      isDone = stateOf(pool).operations.size === 0
    }
    await results
  }
  assert.deepEqual([...seen].sort(), ['BatchTask', 'BulkScheduler'])
  await pool.close()
})

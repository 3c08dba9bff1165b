'use strict'

// Inputs, results and errors of user functions.

const assert = require('node:assert/strict')
const { AsyncLocalStorage, createHook } = require('node:async_hooks')
const { join } = require('node:path')
const { test } = require('node:test')
const { MessageChannel, threadId } = require('node:worker_threads')
const { move, OffloopError, OverloadError, Pool, pool, transforms } = require('../..')
const { fixture, userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')

test('runs a function in another thread', async () => {
  assert.notEqual(await pool.run(userFunction('thread'), undefined), threadId)
  assert.equal(await pool.run(userFunction('double'), 21), 42)
  assert.equal(await pool.run(userFunction('later'), 'soon'), 'soon')
})

test('accepts and returns every cloneable value', async () => {
  const cyclic = /** @type {any} */ ({ name: 'cyclic' })
  cyclic.self = cyclic
  const values = [
    undefined,
    null,
    0,
    -0,
    Number.NaN,
    'text',
    10n,
    true,
    [1, [], 3],
    { a: { b: [new Date(1), /x/g] } },
    new Map([[{ a: 1 }, new Set([1])]]),
    new Float64Array([1.5]),
    new ArrayBuffer(3),
    new RangeError('a value'),
    cyclic
  ]
  for (const value of values) assert.deepEqual(await pool.run(userFunction(), value), value)
  assert.deepEqual(await pool.map(userFunction(), values), values)
})

test('transforms are frozen values with a name', () => {
  assert.ok(Object.isFrozen(userFunction()))
  assert.deepEqual([userFunction().name, transforms.workerScript('./x.js').name], ['worker', 'workerScript'])
})

test('throws for invalid specifiers and options', () => {
  const bad = /** @type {any} */ (transforms)
  for (const specifier of [undefined, '', 1, {}, null]) {
    assert.throws(() => bad.worker(specifier), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.workerScript(specifier), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
  assert.throws(() => bad.worker('./x.js', { export: 1 }), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => bad.worker('./x.js', { exports: 'a' }), /'options.exports' is unknown/)
  assert.throws(() => new Pool(/** @type {any} */ ({ workers: { idle: 1 } })), /'options.workers.idle' is unknown/)
  const resourceLimits = { maxOldGenerationSizeMB: 9 }
  assert.throws(() => new Pool(/** @type {any} */ ({ workers: { resourceLimits } })), {
    message: /'options.workers.resourceLimits.maxOldGenerationSizeMB' is unknown/
  })
  for (const limit of ['30', Number.NaN, -1, 0, Infinity, null]) {
    const code = typeof limit === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE'
    const workers = /** @type {any} */ ({ resourceLimits: { maxOldGenerationSizeMb: limit } })
    assert.throws(() => new Pool({ workers }), {
      code,
      message: /"options\.workers\.resourceLimits\.maxOldGenerationSizeMb"/
    })
  }
  for (const workers of [1, null, { idleTimeout: -1 }, { maxTasks: 0 }, { argv: 'x' }, { resourceLimits: 3 }]) {
    assert.throws(() => new Pool(/** @type {any} */ ({ workers })), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ })
  }
})

test('move transfers memory and ports', async () => {
  const buffer = new ArrayBuffer(2_000_000)
  const promise = pool.run(userFunction('size'), move(buffer))
  assert.equal(buffer.byteLength, 0, 'detached immediately')
  assert.equal(await promise, 2_000_000)
  const view = new Uint16Array(100).fill(9)
  assert.deepEqual(await pool.run(userFunction(), move(view)), new Uint16Array(100).fill(9))
  assert.equal(view.byteLength, 0)
  const slab = Buffer.from('of the slab')
  assert.deepEqual(Buffer.from(await pool.run(userFunction(), move(slab))), slab)
  assert.equal(String(slab), 'of the slab', 'pooled memory is copied')
  const image = new Uint8Array(50)
  const output = await pool.run(userFunction(), move({ image, width: 3 }, [image.buffer]))
  assert.deepEqual([output, image.length], [{ image: new Uint8Array(50), width: 3 }, 0])
  const { port1, port2 } = new MessageChannel()
  const message = new Promise(resolve => port1.once('message', resolve))
  await pool.run(userFunction('port'), move(port2))
  assert.equal(await message, 'from the function')
})

test('a transfer list has no value twice', () => {
  const memory = new ArrayBuffer(8)
  const { port1 } = new MessageChannel()
  for (const [list, message] of /** @type {[any[], string][]} */ ([
    [
      [memory, memory],
      'transfer[1] must not be in the list twice: it can be transferred only once. Received an instance of ArrayBuffer'
    ],
    [
      [port1, memory, port1],
      'transfer[2] must not be in the list twice: it can be transferred only once. Received an instance of MessagePort'
    ]
  ])) {
    assert.throws(() => structuredClone(new Uint8Array(memory), { transfer: list }), { name: 'DataCloneError' })
    const expected = {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: `${message}, which is also transfer[0]`
    }
    assert.throws(() => move(new Uint8Array(memory), list), expected)
  }
  assert.equal(memory.byteLength, 8)
  port1.close()
})

test('a transfer list accepts only transferable values', () => {
  const wrong = /** @type {any[]} */ (['x', 1, null, undefined, new Uint8Array(3), new DataView(new ArrayBuffer(1))])
  for (const entry of wrong) {
    assert.throws(() => move({}, [new ArrayBuffer(1), entry]), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^transfer\[1\] must be an ArrayBuffer, a MessagePort or another transferable object/
    })
  }
})

test('the clone error has the path for scripts and moved inputs too', async () => {
  const script = transforms.workerScript(fixture('script.js'))
  const message = 'The input cannot be cloned: input.a.save is a function'
  const input = { a: { save() {} } }
  await assert.rejects(pool.run(script, input), { name: 'DataCloneError', message })
  await assert.rejects(pool.run(userFunction(), move(input, [])), { name: 'DataCloneError', message })
  const throwing = {
    get a() {
      throw new Error('no')
    }
  }
  for (const [transform, value] of [
    [script, throwing],
    [userFunction(), move(throwing, [])]
  ]) {
    const reading = { name: 'DataCloneError', message: 'The input cannot be cloned: reading input.a throws Error: no' }
    await assert.rejects(pool.run(/** @type {any} */ (transform), value), reading)
  }
})

test('does not transfer the input of a rejected task', async () => {
  const small = new Pool({ threads: 1, maxQueue: 0 })
  const shared = sharedWords()
  const running = small.run(userFunction('meet'), shared)
  await waitForValue(shared, 0, 1)
  const buffer = new ArrayBuffer(10)
  await assert.rejects(small.run(userFunction('size'), move(buffer)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  assert.equal(buffer.byteLength, 10)
  release(shared)
  await running
  await small.close()
})

test('a function can move its result', async () => {
  assert.deepEqual(await pool.run(userFunction('moved'), 100_000), new Uint8Array(100_000).fill(7))
  assert.deepEqual(await pool.run(userFunction('movedPart'), 0), { image: new Uint8Array(9), n: 1 })
})

test('the clone error has the path of the part that cannot be cloned', async () => {
  const cases = /** @type {[any, RegExp][]} */ ([
    [() => {}, /^The input cannot be cloned: input is a function$/],
    [{ users: [{}, { save() {} }] }, /: input\.users\[1\]\.save is a function$/],
    [{ 'a key': Symbol('s') }, /: input\["a key"\] is a symbol$/],
    [new Map([['k', new WeakMap()]]), /: input\.get\(k\) is an instance of WeakMap$/],
    [{ promise: Promise.resolve() }, /: input\.promise is an instance of Promise: await it first$/]
  ])
  for (const [input, message] of cases) {
    await assert.rejects(pool.run(userFunction(), input), { name: 'DataCloneError', message })
  }
  await assert.rejects(pool.run(userFunction('method'), 0), {
    name: 'DataCloneError',
    message: 'The result cannot be cloned: result.list[1].save is a function'
  })
})

test('an invalid input or result fails only its own task', async () => {
  const inputs = [1, () => {}, 3, { a: Symbol('s') }, 5]
  const settled = await Promise.allSettled(inputs.map(input => pool.run(userFunction(), input)))
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']
  )
  const results = await Promise.allSettled([
    pool.run(userFunction('double'), 1),
    pool.run(userFunction('method'), 1),
    pool.run(userFunction('double'), 2)
  ])
  assert.deepEqual(
    results.map(result => ('value' in result ? result.value : result.reason.name)),
    [2, 'DataCloneError', 4]
  )
})

test('errors keep their class and properties', async () => {
  await assert.rejects(pool.run(userFunction('customError'), 0), error => {
    assert.ok(error instanceof Error && !(error instanceof OffloopError))
    const { name, message, cause, code, details } = /** @type {any} */ (error)
    assert.deepEqual(
      [name, message, code, details],
      ['CustomError', 'on purpose', 'ERR_CUSTOM', { n: 1, list: [1, 2] }]
    )
    assert.ok(cause instanceof TypeError)
    assert.equal(cause.message, 'inside')
    return true
  })
  await assert.rejects(pool.run(userFunction('rejects'), 0), SyntaxError)
  await assert.rejects(pool.run(userFunction('text'), 0), error => error === 'a text')
  await assert.rejects(pool.run(userFunction('aggregate'), 0), error => {
    assert.ok(error instanceof AggregateError && error.errors[1] instanceof RangeError)
    return true
  })
})

test('DOMException and OffloopError keep their class', async () => {
  await assert.rejects(pool.run(userFunction('dom'), 'AbortError'), error => {
    assert.ok(error instanceof DOMException)
    assert.deepEqual([error.name, error.message, error.code], ['AbortError', 'on purpose', 20])
    return true
  })
  await assert.rejects(pool.run(userFunction('corrupt'), 0), error => {
    assert.ok(error instanceof OffloopError)
    const { name, code, transform } = error
    assert.deepEqual([name, code, transform], ['OffloopError', 'ERR_OFFLOOP_INVALID_DATA', 'gunzip'])
    assert.ok(Object.keys(error).includes('code') && !Object.keys(error).includes('name'))
    return true
  })
  await assert.rejects(pool.run(userFunction('overloaded'), 0), error => {
    assert.ok(error instanceof OverloadError)
    assert.deepEqual([error.name, error.code, error.statusCode], ['OverloadError', 'ERR_OFFLOOP_QUEUE_FULL', 503])
    return true
  })
  for (const [name, cause] of [
    ['domLater', DOMException],
    ['offloopLater', OffloopError]
  ]) {
    await assert.rejects(pool.run(userFunction(/** @type {string} */ (name)), 0), error => {
      const { code, message, cause: found } = /** @type {any} */ (error)
      assert.equal(code, 'ERR_OFFLOOP_WORKER_EXIT')
      assert.ok(found instanceof /** @type {any} */ (cause))
      assert.ok(message.endsWith(`uncaught: ${found}`), message)
      return true
    })
  }
  await assert.rejects(pool.run(userFunction('objectLater'), 0), { message: /uncaught: \{ a: 1 \}$/, cause: { a: 1 } })
})

test('a stack includes both threads', async () => {
  async function caller() {
    await pool.run(userFunction('rejects'), 0)
  }
  await assert.rejects(caller(), error => {
    const { stack = '' } = /** @type {Error} */ (error)
    assert.match(stack, /^SyntaxError: later\n.*functions\.js/)
    assert.match(stack, /--- called from ---\n.*caller.*run\.test\.js/)
    return true
  })
})

test('rejects modules that are missing, throw or lack the export', async () => {
  const missing = pool.run(transforms.worker(fixture('none.js')), 0)
  await assert.rejects(missing, { code: 'ERR_MODULE_NOT_FOUND', message: /none\.js/ })
  const end = `imported from ${join(process.cwd(), 'offloop.cjs')}`
  for (const [specifier, hint] of [
    ['no-such-package-anywhere', ''],
    [
      './none.js',
      ". A relative path is resolved against the current directory: use new URL('./none.js', import.meta.url), or in CommonJS require.resolve('./none.js')"
    ],
    ['none.js', ". Did you mean './none.js'?"],
    [fixture('none.js'), '']
  ]) {
    await assert.rejects(pool.run(transforms.worker(/** @type {any} */ (specifier)), 0), error => {
      const { code, message, stack } = /** @type {any} */ (error)
      assert.equal(code, 'ERR_MODULE_NOT_FOUND')
      assert.ok(message.endsWith(`${end}${hint}`), message)
      assert.ok(stack.includes(`${end}${hint}`), stack)
      return true
    })
  }
  await assert.rejects(pool.run(transforms.worker(fixture('throws.cjs')), 0), {
    name: 'RangeError',
    message: 'not today'
  })
  await assert.rejects(pool.run(userFunction('nothing'), 0), {
    name: 'TypeError',
    message: /no function as 'nothing'.*'double'/
  })
  const value = transforms.worker(fixture('module.mjs'), { export: 'notAFunction' })
  await assert.rejects(pool.run(value, 0), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /exports no function as 'notAFunction', but a value of type \w+\. Its functions are 'default', 'named'$/
  })
  assert.equal(await pool.run(userFunction('double'), 4), 8)
})

test("callbacks run in the caller's async context", async () => {
  const storage = new AsyncLocalStorage()
  const stores = await Promise.all(
    [1, 2, 3].map(n => storage.run(n, () => pool.run(userFunction(), n).then(() => storage.getStore())))
  )
  assert.deepEqual(stores, [1, 2, 3])
})

test('each task is an async resource', async () => {
  /** @type {string[]} */
  const types = []
  const hook = createHook({ init: (_id, type) => types.push(type) }).enable()
  await pool.run(userFunction(), 1)
  hook.disable()
  assert.ok(types.includes('OffloopTask'))
})

test('counts tasks in the statistics of the pool', async () => {
  const own = new Pool({ threads: 1 })
  await pool.map(userFunction(), [1])
  await own.map(userFunction('double'), [1, 2, 3])
  await assert.rejects(own.run(userFunction('rejects'), 0))
  const { completed, failed, running, queued, queuedBytes, byTransform } = own.stats()
  assert.deepEqual([completed, failed, running, queued, queuedBytes], [3, 1, 0, 0, 0])
  assert.equal(byTransform.worker.completed, 3)
  await own.close()
})

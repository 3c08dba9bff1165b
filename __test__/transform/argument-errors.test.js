'use strict'

// Errors about arguments: each ends with the received value, and never quotes a secret.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, transforms } = require('../..')

const { csv, json, numeric, text } = transforms
const key = Buffer.alloc(32)
const SECRET = 'correct horse'

/** Calls with a value of another type, by name of the argument. @type {Record<string, (value: any) => unknown>} */
const CALLS = {
  'The "algorithm" argument': value => transforms.digest(value),
  'The "options" argument': value => transforms.gzip(value),
  'The "options.level" property': level => transforms.gzip({ level }),
  'The "options.maxOutput" property': maxOutput => transforms.gunzip({ maxOutput }),
  'The "options.encoding" property': encoding => transforms.digest('sha256', { encoding }),
  'The "cipher" argument': value => transforms.seal(value, key),
  'The "iterations" argument': value => transforms.pbkdf2('sha256', key, value, 32),
  'The "options.delimiter" property': delimiter => csv.parse(/** @type {any} */ ({ delimiter })),
  'The "options.columns" property': columns => csv.parse({ columns }),
  'The "options.measures" property': measures => csv.aggregate({ measures }),
  'The "pattern" argument': value => text.matches(value),
  'The "replacement" argument': value => text.replace('a', value),
  'The "path" argument': value => json.select(value),
  'The "options.bins" property': bins => numeric.histogram({ bins }),
  'The "options.quantiles" property': quantiles => numeric.stats({ quantiles }),
  'The "options.k" property': k => numeric.nearest(new Float32Array(2), { k, dimensions: 2 }),
  'The "options.threads" property': threads => new Pool({ threads })
}

/** Values that no argument above may be, and what messages say of them. @type {[unknown, string][]} */
const WRONG = [
  [null, 'null'],
  [true, 'type boolean (true)'],
  [5n, 'type bigint (5n)'],
  [Symbol('s'), 'type symbol (Symbol(s))'],
  [function named() {}, 'function named'],
  [/x/, 'an instance of RegExp'],
  [new Date(0), 'an instance of Date'],
  [new Map(), 'an instance of Map'],
  [['a'], 'an instance of Array'],
  [Buffer.alloc(3), 'binary data of 3 bytes']
]

test('an argument of the wrong type is described', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    for (const [value, received] of WRONG) {
      if (name.includes('quantiles') && (Array.isArray(value) || ArrayBuffer.isView(value))) continue
      const { code, message } = thrownBy(() => call(value))
      const shown = name.includes('pattern') && value instanceof RegExp ? 'a RegExp: pass pattern.source' : received
      assert.equal(code, 'ERR_INVALID_ARG_TYPE', `${name}: ${message}`)
      assert.ok(message.startsWith(`${name} must be `) && message.includes(`. Received ${shown}`), message)
    }
  }
})

test('a text in place of another type is quoted and shortened', () => {
  assert.throws(() => transforms.gzip({ level: /** @type {any} */ ('high') }), /Received type string \('high'\)$/)
  const long = 'x'.repeat(100)
  assert.throws(() => transforms.gzip({ level: /** @type {any} */ (long) }), /Received type string \('x{25}…'\)$/)
  assert.throws(() => text.matches('a', { flags: 'q\n' }), /Received 'q\\n'$/)
  assert.throws(() => json.select(`$[${'1'.repeat(100)}`), /Received '\$\[1{58}…'$/)
})

test('an invalid value is described', () => {
  const wrong = /** @type {[() => unknown, RegExp][]} */ ([
    [() => transforms.gzip({ level: 12 }), /"options.level" .*>= 0 && <= 9\. Received 12$/],
    [() => transforms.digest(/** @type {any} */ ('md4')), /"algorithm" argument must be one of .*\. Received 'md4'$/],
    [() => transforms.hashPassword(/** @type {any} */ ({ cost: 4 })), /'options.cost' has no meaning .*\. Received 4$/],
    [
      () => transforms.hashPassword({ memoryKiB: 4 << 20, iterations: 5 }),
      /\(4194304 \* 5\) is out of range\. It must be <= 16777216\. Received 20971520$/
    ],
    [
      () => transforms.zstdCompress({ dictionary: Buffer.from([0x37, 0xa4, 0x30, 0xec, 1, 2, 3, 4, 5]) }),
      /usable zstd dictionary\. Received binary data of 9 bytes$/
    ],
    [() => csv.parse({ delimiter: ';;' }), /"options.delimiter" property must be one ASCII .*\. Received ';;'$/],
    [() => csv.parse({ delimiter: '"' }), /must be different characters\. Received '"' for both$/],
    [() => csv.parse({ header: ['a', 'a'] }), /must not name a column twice\. Received 'a'$/],
    [
      () => csv.parse({ header: /** @type {any} */ (['a', 5]) }),
      /"options.header\[1\]" .* Received type number \(5\)$/
    ],
    [() => numeric.histogram({ bins: 2, range: [5, 1] }), /"options.range" .*\. Received \[ 5, 1 \]$/],
    [() => numeric.stats({ quantiles: [0, 2] }), /"options.quantiles\[1\]" is out of range\. .*\. Received 2$/],
    [
      () => numeric.stats({ quantiles: /** @type {any} */ ([0, '1']) }),
      /quantiles\[1\]" .* Received type string \('1'\)$/
    ],
    [() => numeric.nearest(new Float32Array(3), { k: 1, dimensions: 2 }), /a multiple of 2 .*\. Received 3$/],
    [() => text.matches('('), /"pattern" argument must be .*\. Received '\('$/],
    [
      () => transforms.chain(json.parse(), /** @type {any} */ (transforms.gzip())),
      /after 'json.parse', .*\. Received 'gzip'$/
    ],
    [() => new Pool({ name: '' }), /"options.name" property must not be empty\. Received ''$/],
    [() => json.validate({ properties: { a: { minimum: '3' } } }), /\(at #\/properties\/a\/minimum\)\. Received "3"$/],
    [() => json.validateEach({ items: { $ref: '#/none' } }), /\(at #\/items\/\$ref\)\. Received "#\/none"$/]
  ])
  for (const [call, message] of wrong) assert.throws(call, { message })
})

test('a secret is never quoted', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const messages = [
    () => transforms.seal('aes-256-gcm', /** @type {any} */ (SECRET)),
    () => transforms.seal('aes-256-gcm', Buffer.from(SECRET)),
    () => transforms.pbkdf2('sha256', /** @type {any} */ (SECRET), 1, 32),
    () => transforms.zstdCompress({ dictionary: /** @type {any} */ (SECRET) }),
    () => transforms.hmac('sha256', /** @type {any} */ ({ [SECRET]: SECRET }))
  ].map(call => thrownBy(call).message)
  for (const hash of [SECRET, `$${SECRET}`, `$2b$${SECRET}`, `$scrypt$ln=4,r=8,p=1$${SECRET}`, `$horse$${SECRET}`]) {
    const error = await pool.run(transforms.verifyPassword(), { password: SECRET, hash }).catch(error => error)
    assert.match(error.message, /"input\.hash" property .*\. Received /)
    messages.push(error.message)
  }
  for (const message of messages) {
    assert.match(message, /\. Received /)
    assert.doesNotMatch(message, /correct|horse/)
  }
})

/**
 * @param {() => unknown} call
 * @returns {any}
 */
function thrownBy(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  return assert.fail('did not throw')
}

test('a missing argument is expected to have the same type as a wrong one', () => {
  const { json, pbkdf2 } = /** @type {any} */ (transforms)
  for (const make of [json.validate, json.validateEach]) {
    for (const args of [[], [undefined], [null]]) {
      const message = `The "schema" argument must be of type object or boolean. Received ${args[0]}`
      assert.throws(() => make(...args), { code: 'ERR_INVALID_ARG_TYPE', message })
    }
  }
  assert.throws(() => pbkdf2('sha256', Buffer.alloc(8), 2 ** 30, 32), { message: /"iterations" times 1 block of 32/ })
  assert.throws(() => pbkdf2('sha256', Buffer.alloc(8), 2 ** 30, 33), { message: /"iterations" times 2 blocks of 32/ })
})

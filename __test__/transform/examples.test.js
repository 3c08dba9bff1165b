'use strict'

// Runs the examples of index.d.ts and checks the results in their comments.

const assert = require('node:assert/strict')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { inspect } = require('node:util')
const { transformSync } = require('esbuild')
const { move, pool, transforms } = require('../..')
const { transformNames } = require('../support/transform-names')

const declarations = readFileSync(join(__dirname, '..', '..', 'index.d.ts'), 'utf8')

/**
 * Returns the examples within `transforms` by the name of the transform.
 * @returns {Map<string, string[]>}
 */
function examples() {
  const start = declarations.indexOf('export const transforms')
  const lines = declarations.slice(start, declarations.indexOf('\n}\n', start)).split('\n')
  /** @type {Map<string, string[]>} */
  const found = new Map()
  /** @type {string[] | undefined} */
  let example
  let namespace = ''
  for (const line of lines) {
    const [, opened] = /^ {2}readonly (\w+): \{$/.exec(line) ?? []
    const [, indent, name] = /^( {2,4})(\w+)[<(]/.exec(line) ?? []
    if (opened !== undefined) namespace = `${opened}.`
    else if (line === '  }') namespace = ''
    else if (/^ *\* @example/.test(line)) example = []
    else if (/^ *\*\//.test(line)) continue
    else if (example !== undefined && /^ *\* ?/.test(line)) example.push(line.replace(/^ *\* ?/, ''))
    else if (name !== undefined && indent.length === (namespace === '' ? 2 : 4)) {
      if (example !== undefined)
        found.set(namespace + name, [...(found.get(namespace + name) ?? []), example.join('\n')])
      example = undefined
    }
  }
  return found
}

/** Formats a result without spaces. @param {unknown} value */
function format(value) {
  return inspect(value, { depth: 9, breakLength: Number.POSITIVE_INFINITY }).replaceAll(/\s/g, '')
}

/** Compares a value with a comment, in which … stands for any rest. */
function check(/** @type {unknown} */ value, /** @type {string} */ comment) {
  const [start, ...more] = comment.replaceAll(/\s/g, '').split(/…\]?$/)
  if (more.length === 0) assert.equal(format(value), start)
  else assert.ok(format(value).startsWith(start), `${format(value)} does not start with ${start}`)
}

/** A comment that is a value, not a remark. */
const VALUE = /^(['[{<\d]|true|false|null|\w+Array\()/

/** Turns statements with a value in a comment into checks. @param {string} code */
function program(code) {
  const lines = code.split('\n').map(line => {
    const [, statement, comment] = /^(?!const |for |if )(\S.*?) \/\/ (.*)$/.exec(line) ?? []
    return comment !== undefined && VALUE.test(comment) ? `check(${statement}, ${JSON.stringify(comment)})` : line
  })
  return transformSync(lines.join('\n'), { loader: 'ts', define: { 'import.meta.url': 'here' }, format: 'esm' }).code
}

/** Returns the variables that examples use without declaring them. @param {string} directory */
async function variables(directory) {
  const key = Buffer.alloc(32, 7)
  const userId = '17'
  const password = 'correct horse'
  writeFileSync(join(directory, 'resize.js'), 'module.exports = async ({ path, width }, { signal }) => path + width')
  writeFileSync(
    join(directory, 'report.js'),
    "const { parentPort, workerData } = require('node:worker_threads'); parentPort.postMessage(workerData.year)"
  )
  const file = join(directory, 'example.js')
  return {
    pool,
    transforms,
    move,
    check,
    require: createRequire(file),
    here: pathToFileURL(file).href,
    readFile: async () => Buffer.from('{"id":1}\n{"id":"2"}'),
    console: { log() {} },
    response: { end() {} },
    body: JSON.stringify({ items: [{ price: 2 }, { price: 10 }] }),
    json: '{"a":1}',
    payload: 'payload',
    secret: 'secret',
    key,
    userId,
    password,
    salt: Buffer.alloc(16, 1),
    hash: await pool.run(transforms.hashPassword({ algorithm: 'bcrypt', cost: 4 }), password),
    sealed: await pool.run(transforms.seal('aes-256-gcm', key), { data: 'a secret', aad: userId }),
    report: { rows: [1, 2, 3] },
    schema: { properties: { id: { type: 'integer' } } },
    times: Float64Array.from({ length: 1000 }, (_, index) => index),
    embedding: new Float32Array(384).fill(1),
    matrix: new Float32Array(384 * 12).fill(0.5),
    titles: []
  }
}

test('every transform has an example', () => {
  const found = examples()
  assert.deepEqual(
    transformNames.filter(name => !found.has(name)),
    []
  )
})

test('examples run and produce the documented results', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const given = await variables(directory)
  let ran = 0
  for (const [name, codes] of examples()) {
    for (const code of codes) {
      await t.test(name, async () => {
        const body = `return (async () => {\n${program(code)}\n})()`
        const inner = Object.keys(given).filter(it => !new RegExp(`const (\\{[^}]*)?\\b${it}\\b[^=]*=`).test(code))
        const run = new Function(...inner, body)
        await run(...inner.map(it => /** @type {any} */ (given)[it]))
        ran++
      })
    }
  }
  t.diagnostic(`${ran} examples`)
})

test('detects a wrong result of an example', () => {
  assert.throws(() => check([2, 10], '[2, 11]'), assert.AssertionError)
  assert.throws(() => check('ping', "'pin'"), assert.AssertionError)
  assert.throws(() => check([{ a: 1 }, 2], '[{ a: 2 }, …]'), assert.AssertionError)
  check([{ a: 1 }, 2], '[{ a: 1 }, …]')
  assert.match(program("await pool.run(x, 'a') // [1]"), /^check\(await pool.run\(x, "a"\), "\[1\]"\)/)
})

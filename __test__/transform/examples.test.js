'use strict'

// The examples of index.d.ts: each transform has one, it runs, and what it says comes out does.

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

const declarations = readFileSync(join(__dirname, '..', '..', 'index.d.ts'), 'utf8')

/**
 * The examples within `transforms`, by the name of what they are an example of.
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

/** Names of all factories. */
function factories() {
  return Object.entries(transforms).flatMap(([name, value]) =>
    typeof value === 'function' ? [name] : Object.keys(value).map(inner => `${name}.${inner}`)
  )
}

/** What a result looks like, without spaces. @param {unknown} value */
function shown(value) {
  return inspect(value, { depth: 9, breakLength: Number.POSITIVE_INFINITY }).replaceAll(/\s/g, '')
}

/** @param {unknown} value @param {string} said what a comment says of it; behind … there may be more */
function check(value, said) {
  const [start, ...more] = said.replaceAll(/\s/g, '').split(/…\]?$/)
  if (more.length === 0) assert.equal(shown(value), start)
  else assert.ok(shown(value).startsWith(start), `${shown(value)} does not begin with ${start}`)
}

/** A comment that is a value, and no remark. */
const VALUE = /^(['[{<\d]|true|false|null|\w+Array\()/

/** Statements with what comes out in a comment become checks of it. @param {string} code */
function program(code) {
  const lines = code.split('\n').map(line => {
    const [, statement, said] = /^(?!const |for |if )(\S.*?) \/\/ (.*)$/.exec(line) ?? []
    return said !== undefined && VALUE.test(said) ? `check(${statement}, ${JSON.stringify(said)})` : line
  })
  return transformSync(lines.join('\n'), { loader: 'ts', define: { 'import.meta.url': 'here' }, format: 'esm' }).code
}

/** What the names mean that examples take for granted. @param {string} directory */
async function surroundings(directory) {
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
    sealed: await pool.run(transforms.seal('aes-256-gcm', key, { aad: Buffer.from(userId) }), 'a secret'),
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
    factories().filter(name => !found.has(name)),
    []
  )
})

test('examples run, and give what they say', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const given = await surroundings(directory)
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

test('a wrong result of an example is found', () => {
  assert.throws(() => check([2, 10], '[2, 11]'), assert.AssertionError)
  assert.throws(() => check('ping', "'pin'"), assert.AssertionError)
  assert.throws(() => check([{ a: 1 }, 2], '[{ a: 2 }, …]'), assert.AssertionError)
  check([{ a: 1 }, 2], '[{ a: 1 }, …]')
  assert.match(program("await pool.run(x, 'a') // [1]"), /^check\(await pool.run\(x, "a"\), "\[1\]"\)/)
})

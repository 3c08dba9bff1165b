'use strict'

// The lines that keep values, in texts of the program.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, describe, test } = require('node:test')
const { keeperOf, keepersOf } = require('../../lib/doctor/source/keepers.js')
const { isLimited } = require('../../lib/doctor/source/limits.js')
const { textOf } = require('../../lib/doctor/source/texts.js')
const { usesOf } = require('../../lib/doctor/source/uses.js')

const folder = mkdtempSync(join(tmpdir(), 'offloop-keepers-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

/**
 * Writes a text. Returns a function that makes the frame of a function at a part of the text.
 * @param {string} text
 */
function program(text) {
  const file = join(folder, `${files++}.js`)
  writeFileSync(file, text)
  return (/** @type {string} */ part, name = 'f') => {
    const before = text.slice(0, text.indexOf(part)).split('\n')
    const column = before[before.length - 1].length + 1
    return { name, file, line: before.length, column, isAsync: false, isUser: true }
  }
}

/**
 * Returns the line that keeps what a function of a text allocates.
 * @param {string} text whose function `f` allocates
 * @param {import('../../lib/doctor/source/keepers').Wanted['kind']} [kind]
 */
function kept(text, kind) {
  const keeper = keeperOf([program(text)('(x)')], textOf, kind && { kind, name: 'byKey' })
  return keeper && text.split('\n')[keeper.frame.line - 1].trim()
}

describe('a line that keeps', () => {
  for (const line of [
    'list.push(x)',
    'byId.set(1, x)',
    'this.items.add(x)',
    'log.text += String(x)',
    'last = { x, before: last }',
    'this.#head = [x, this.#head]',
    'table[x] = [x]',
    'found.get(1)?.push(x)',
    'this.state = { ...this.state, x }',
    'latest = { x }'
  ]) {
    test(line, () => {
      assert.equal(
        kept(`class A {\n#head; f(x) {\nthis.count = this.count + 1\nconst own = []; own.push(x)\n${line}\n}\n}`),
        line
      )
    })
  }

  for (const line of [
    'const copy = { x }',
    'const own = new Map(); own.set(1, x)',
    'x.status = "done"',
    'let y; y = { x }',
    'count += 1',
    'this.isOpen = true',
    'const later = () => list.push(x)',
    'x.set("status", 200)',
    'list.splice(0, 1)'
  ]) {
    test(`is not ${line}`, () => assert.equal(kept(`class A {\nf(x) {\n${line}\n}\n}`), undefined))
  }

  test('is not that of a constructor, which initializes its object', () => {
    const at = program('class A {\nconstructor(x) {\nthis.items = [x]\n}\n}')
    assert.equal(keeperOf([at('(x)')], textOf), undefined)
  })

  test('is in a function that a function of the stack calls', () => {
    const text =
      'function f(x) {\nstore.keep({ x })\n}\nclass Store {\nkeep(x) {\nthis.#add(x)\n}\n#add(x) {\nthis.all.push(x)\n}\n}'
    assert.equal(kept(text), 'this.all.push(x)')
  })

  test('is in a function of an imported file that a function of the stack calls', () => {
    writeFileSync(
      join(folder, 'store.mjs'),
      'export class Store {\nkeep(x) {\nthis.head = { x, next: this.head }\n}\n}'
    )
    for (const load of ["import { Store } from './store.mjs'", "const { Store } = require('./store.mjs')"]) {
      const at = program(`${load}\nfunction f(text) {\nstore.keep(JSON.parse(text))\n}`)
      const keeper = keeperOf([at('(text)')], textOf)
      assert.deepEqual([keeper?.frame.file, keeper?.frame.line], [join(folder, 'store.mjs'), 3])
    }
  })

  test('accumulates, rather than replaces', () => {
    const text = 'function f(x) {\nlatest = { x }\nkeep(x)\n}\nfunction keep(x) {\nall.push(x)\n}'
    assert.equal(kept(text), 'all.push(x)')
  })

  test('adds to a container of the kind', () => {
    const text = 'function f(x) {\nlet own = byKey.get(1)\nbyKey.set(1, own)\nown.push(x)\n}'
    assert.equal(kept(text), 'byKey.set(1, own)')
    assert.equal(kept(text, 'Array'), 'own.push(x)')
    assert.equal(kept(text, 'Set'), undefined)
    const table = 'class A {\nf(x) {\nconst own = (this.all[x.id] ??= [])\nown.push(x)\n}\n}'
    assert.equal(kept(table, 'Array'), 'own.push(x)')
    assert.equal(kept(table, 'Object'), 'const own = (this.all[x.id] ??= [])')
  })

  test('has the most live bytes of its kind, or is in the file of the container', () => {
    const at = program('function f(x) {\na.push(x)\n}\nfunction g(x) {\nb.push(x)\n}')
    const [f, g] = [at('(x) {\na'), at('(x) {\nb')]
    const allocations = [
      { before: 0, after: 1, frames: [f] },
      { before: 0, after: 9, frames: [g] }
    ]
    const names = (/** @type {typeof allocations} */ list) =>
      keepersOf(list, { kind: 'Array', name: 'all' }, f.file, textOf).map(({ name }) => name)
    assert.deepEqual(names(allocations), ['b', 'a'])
    assert.deepEqual(names([]), ['a', 'b'])
  })
})

describe('a container', () => {
  /**
   * @param {string} text
   * @param {string[]} ran parts that have run
   */
  const removal = (text, ran = []) => {
    const ranges = ran.map(part => ({ from: text.indexOf(part), to: text.indexOf(part) + part.length }))
    return usesOf(text, 'all', { ran: ranges })?.removal
  }

  test('is not emptied by a function that does not run', () => {
    const enter = 'function enter(id) { all.set(id) }'
    const leave = 'function leave(ids) { ids.forEach(id => all.delete(id)) }'
    const text = `const all = new Map()\n${enter}\n${leave}\nexport const size = () => all.size`
    assert.equal(removal(text), 'some')
    assert.equal(removal(text, [enter]), 'none')
    assert.equal(removal(text, [enter, leave]), 'some')
    assert.equal(removal(text, ['() => all.siz']), 'some')
  })

  for (const line of [
    'if (all.size > MAX) evict()',
    'if (all.size >= this.max) evict()',
    'if (MAX < all.length) evict()',
    'if (Object.keys(all).length > 100) evict()',
    'const count = all.size; if (count > limit) evict()',
    'const count = all.size; while (this.#max < count) evict()'
  ]) {
    test(`has a bound: ${line}`, () => assert.equal(removal(`const all = f()\n${line}`), 'bounded'))
  }

  for (const line of [
    'const size = () => all.size',
    'if (all.length > 0) start()',
    'if (all.length === 1) start()',
    'for (let index = 0; index < all.length; index++) start(all[index])',
    'const isEmpty = 0 >= all.size; const max = Math.max(1, 2)'
  ]) {
    test(`has none: ${line}`, () => assert.equal(removal(`const all = f()\n${line}`), 'none'))
  }
})

describe('a container that is replaced by a copy', () => {
  const uses = (/** @type {string} */ line) => usesOf(`let all = f()\n${line}`, 'all', { isCopy: true })
  const ofProperty = (/** @type {string} */ line) => usesOf(`class A {\n${line}\n}`, 'A.all', { isCopy: true })

  for (const line of [
    'all = [...all, x]',
    'all = [x, ...all]',
    'all = { ...all, [key]: x }',
    'all = all.concat(x)',
    'all = Object.assign({}, all, { x })',
    'all = new Map([...all, [key, x]])',
    'state = { count: 1, all: [...state.all, x] }'
  ]) {
    test(`grows: ${line}`, () => {
      assert.deepEqual(
        uses(line)?.adds.map(add => add.line),
        [2]
      )
      assert.equal(uses(line)?.removal, 'none')
    })
  }

  test('grows in a property', () => {
    const found = ofProperty('add(x) { this.all = [...this.all, x] }')
    assert.deepEqual([found?.adds.map(add => add.line), found?.removal], [[2], 'none'])
  })

  for (const line of [
    'all = [...all, x].slice(-9)',
    'all = [x, ...all.slice(1)]',
    'all = all.filter(isNew)',
    'all = [x]'
  ]) {
    test(`may shrink: ${line}`, () => assert.equal(uses(line)?.removal, 'some'))
  }
})

describe('an object limits its own size', () => {
  for (const [text, expected] of /** @type {[string, boolean][]} */ ([
    ['const pages = new LRUCache(100)', true],
    ['const pages = new cache.Store({ max: 100 })', true],
    ['class A { #pages = new Store({ capacity: 9 }) }', false],
    ['class A { pages = new Store({ capacity: 9 }) }', true],
    ['this.pages = new QuickLRU({ maxSize: 9 })', true],
    ['const pages = new PageCache()', false],
    ['const pages = new Map()', false],
    ['const others = new LRUCache(100)', false],
    ['const pages = {', false]
  ])) {
    test(text, () => assert.equal(isLimited(text, 'pages'), expected))
  }
})

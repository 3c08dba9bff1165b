'use strict'

// First uses of the package, as expressions with `offloop` in scope that evaluate to 'works' or a promise of it.

/** One of each export. @type {Record<string, string>} */
const FIRST_USES = {
  Pool: "new offloop.Pool({ threads: 1 }).close().then(() => 'works')",
  pool: "offloop.pool.ready().then(() => 'works')",
  transforms: "offloop.transforms.gzip().name === 'gzip' && 'works'",
  move: "offloop.move(new ArrayBuffer(8)).value.byteLength === 8 && 'works'",
  Cache: "new offloop.Cache({ max: 1, load: id => id }).get('works')",
  Sink: "offloop.pool.collect(offloop.transforms.gzip()) instanceof offloop.Sink && 'works'",
  OffloopError: "new offloop.OffloopError('ERR_OFFLOOP_CLOSED', 'works').message",
  OverloadError: "offloop.OverloadError.prototype instanceof offloop.OffloopError && 'works'",
  TieredCache:
    "(() => { try { new offloop.TieredCache({}) } catch ({ code }) { return code === 'ERR_INVALID_ARG_TYPE' && 'works' } })()",
  signalOf:
    "!offloop.signalOf(new (require('node:http').ServerResponse)({ method: 'GET', httpVersionMajor: 1 })).aborted && 'works'"
}

/** Those of parts that are loaded after the exports. @type {Record<string, string>} */
const LATER_USES = {
  map: "offloop.pool.map(offloop.transforms.identity(), ['works']).then(String)",
  iterate: "offloop.pool.iterate(offloop.transforms.identity(), ['works']).next().then(it => String(it.value))",
  stream: "offloop.pool.stream(offloop.transforms.identity()).end('works').toArray().then(Buffer.concat).then(String)",
  collect:
    "offloop.pool.collect(offloop.transforms.digest('md5')).end('').result.then(it => it.length === 16 && 'works')",
  each: "new Promise(done => offloop.pool.each(offloop.transforms.identity(), it => done(String(it))).end('works'))",
  wait: "offloop.pool.run(offloop.transforms.identity(), 'works', { wait: true }).then(String)",
  signal:
    "offloop.pool.run(offloop.transforms.identity(), 'works', { signal: new AbortController().signal }).then(String)",
  getMany: "new offloop.Cache({ max: 1, load: id => id }).getMany(['works']).then(it => it.get('works'))",
  'native storage': "new offloop.Cache({ maxBytes: 9999, storage: 'native', load: id => id }).get('works')",
  chain:
    "offloop.pool.run(offloop.transforms.chain(offloop.transforms.gzip(), offloop.transforms.gunzip()), 'works').then(String)",
  'json.parse': 'offloop.pool.run(offloop.transforms.json.parse(), \'["works"]\').then(it => it[0])',
  'json.parse, large':
    "offloop.pool.run(offloop.transforms.json.parse(), JSON.stringify(Array(99_999).fill('works'))).then(it => it[9])",
  'json.stringify': "offloop.pool.run(offloop.transforms.json.stringify(), 'works').then(it => JSON.parse(it))",
  'csv.parse': "offloop.pool.run(offloop.transforms.csv.parse(), 'works\\n1\\n').then(it => it.columns[0])",
  'text.matches': "offloop.pool.run(offloop.transforms.text.matches('w.*'), 'works').then(it => it[0].text)",
  'numeric.sort':
    "offloop.pool.run(offloop.transforms.numeric.sort(), Int32Array.of(2, 1)).then(it => it[0] === 1 && 'works')",
  worker: "offloop.pool.run(offloop.transforms.worker('node:path', { export: 'normalize' }), './works')",
  workers: "new offloop.Pool({ threads: 1, workers: { idleTimeout: 9 } }).close().then(() => 'works')"
}

const ALL_USES = { ...FIRST_USES, ...LATER_USES }

module.exports = { ALL_USES, FIRST_USES }

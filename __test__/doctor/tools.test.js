'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { isTool } = require('../../lib/doctor/probe/tools')

for (const script of [
  '/usr/lib/node_modules/npm/bin/npm-cli.js',
  '/usr/bin/npx',
  '/srv/node_modules/.bin/pnpm',
  '/srv/.yarn/releases/yarn-4.5.0.cjs',
  '/srv/node_modules/.bin/tsx',
  '/srv/node_modules/tsx/dist/cli.mjs',
  '/srv/node_modules/.bin/nodemon',
  '/srv/node_modules/.bin/pm2-runtime',
  'C:\\srv\\node_modules\\pm2\\bin\\pm2-runtime'
]) {
  test(`${script} starts the program`, () => assert.equal(isTool(script), true))
}

for (const script of [
  '',
  '/srv/server.js',
  '/srv/npm-stats.js',
  '/srv/tsx/server.ts',
  // The program is loaded in this process.
  '/srv/node_modules/ts-node/dist/bin.js',
  '/srv/node_modules/.bin/ts-node',
  '/srv/node_modules/pm2/lib/ProcessContainerFork.js',
  'C:\\srv\\node_modules\\pm2\\lib\\ProcessContainer.js'
]) {
  test(`${script || 'a program without a script'} is the program`, () => assert.equal(isTool(script), false))
}

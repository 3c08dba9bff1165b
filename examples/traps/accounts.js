'use strict'

// A database of accounts in a file: users, their teams, the teams' roles, and the roles' permissions.

const { writeFileSync } = require('node:fs')
const { readFile } = require('node:fs/promises')
const { join } = require('node:path')
const { Database } = require('node-sqlite3-wasm')

const TABLES = `
  CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
  CREATE TABLE members (user INTEGER, team INTEGER, PRIMARY KEY (user, team));
  CREATE TABLE duties (team INTEGER, role INTEGER, PRIMARY KEY (team, role));
  CREATE TABLE grants (role INTEGER, permission INTEGER, PRIMARY KEY (role, permission));
  CREATE TABLE permissions (id INTEGER PRIMARY KEY, name TEXT);`

/** 5,000 users in 8 of 200 teams each, with 5 of 40 roles each, with 50 of 300 permissions each. */
const ROWS = `
  CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 40000) SELECT i FROM n;
  INSERT INTO users SELECT i, 'user ' || i, 'user' || i || '@example.org' FROM n WHERE i < 5000;
  INSERT INTO members SELECT i / 8, i * 37 % 200 FROM n;
  INSERT INTO duties SELECT i / 5, i * 11 % 40 FROM n WHERE i < 200 * 5;
  INSERT INTO grants SELECT i / 50, i * 7 % 300 FROM n WHERE i < 40 * 50;
  INSERT INTO permissions SELECT i, 'permission ' || i FROM n WHERE i < 300;`

const PROFILE = `
  SELECT users.name, users.email, group_concat(DISTINCT permissions.name) AS permissions
  FROM users
  JOIN members ON members.user = users.id
  JOIN duties ON duties.team = members.team
  JOIN grants ON grants.role = duties.role
  JOIN permissions ON permissions.id = grants.permission
  WHERE users.id = ?`

class Accounts {
  #database
  #switches
  queries = 0

  /** @param {string} directory of the database files */
  constructor(directory) {
    this.#database = new Database(join(directory, 'accounts.db'))
    this.#database.exec(`BEGIN; ${TABLES} ${ROWS} COMMIT`)
    this.#switches = join(directory, 'switches.json')
    writeFileSync(this.#switches, JSON.stringify({ darkMode: true, export: false }))
  }

  /**
   * Data of a user's session: reads a file, then queries the database for a millisecond or two.
   * @param {number} user
   */
  async profile(user) {
    const switches = JSON.parse(await readFile(this.#switches, 'utf8'))
    this.queries++
    return { ...this.#database.get(PROFILE, user), switches }
  }
}

module.exports = { Accounts }

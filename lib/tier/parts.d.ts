// Parts of a tiered cache, which use one another.

export interface Parts {
  name: string
  times: import('./records').Times
  whenDown: 'local' | 'load' | 'fail'
  onError(error: Error): void
  codec: import('./copies').Codec
  link: import('./link').Link
  records: import('./records').Records
  held: import('./held').Held
  waits: import('./waits').Waits
  values: import('./values').Values
  counts: import('./counts').Counts
  bare: import('./bare-flights').BareFlights
  /** Versions that this process is storing: messages about them are for others. */
  writing: Set<string>
}

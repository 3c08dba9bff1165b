export interface Summary {
  best: number
  days: number
}

/** Summarizes sales by day. */
export function summarize(sales: readonly number[]): Summary {
  return { best: bestPair(sales), days: sales.length }
}

function bestPair(sales: readonly number[]): number {
  let best = 0
  for (const a of sales) for (const b of sales) if (Math.abs(a - b) > best) best = Math.abs(a - b) // guilty
  return best
}

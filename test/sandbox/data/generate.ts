/**
 * Makes `patients.csv`: 300 people who do not exist, drawn from plausible distributions by a fixed seed.
 * `node test/sandbox/data/generate.ts > test/sandbox/data/patients.csv`
 */

/** A small generator of numbers in 0..1 (mulberry32): the same seed gives the same people everywhere. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function patients(count = 300, seed = 20_240_229): string {
  const random = seeded(seed)
  const normal = (mean: number, sd: number): number =>
    mean + sd * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const person = (number: number): string => {
    const female = random() < 0.51
    const age = Math.round(Math.min(95, Math.max(18, normal(56, 16))))
    const height = normal(female ? 166 : 179, 7)
    const bmi = Math.max(17, normal(25.5 + age / 40, 4.2))
    const weight = bmi * (height / 100) ** 2
    const systolic = normal(108 + 0.35 * age + 0.3 * (bmi - 25), 12)
    const hba1c = Math.max(4.4, normal(4.6 + 0.008 * age + 0.04 * (bmi - 25), 0.45))
    const diabetes = random() < 1 / (1 + Math.exp(-3.2 * (hba1c - 6.1)))
    return [
      `P${String(number).padStart(4, '0')}`,
      female ? 'f' : 'm',
      age,
      height.toFixed(1),
      weight.toFixed(1),
      systolic.toFixed(0),
      hba1c.toFixed(2),
      diabetes ? 1 : 0,
    ].join(',')
  }
  const rows = Array.from({ length: count }, (_, index) => person(index + 1))
  return `${['patient_id,sex,age,height_cm,weight_kg,systolic_mmhg,hba1c_percent,diabetes', ...rows].join('\n')}\n`
}

if (import.meta.main) process.stdout.write(patients())

/** Throws a RangeError unless `value` is an integer in `least..most`. */
export function requireInteger(name: string, value: unknown, least: number, most: number): void {
  if (!(Number.isInteger(value) && (value as number) >= least && (value as number) <= most))
    throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${String(value)}`)
}

/** Throws a RangeError that names the first of `limits` that `values` does not keep to. */
export function requireIntegers<T extends object>(
  values: T,
  limits: Readonly<Partial<Record<keyof T, readonly [number, number]>>>,
): void {
  for (const [name, [least, most]] of Object.entries(limits) as [string, [number, number]][])
    requireInteger(name, values[name as keyof T], least, most)
}

/** Seconds across a chart. */
export const SPAN = 120;

/** The line through values, one a second, the newest at the right edge; a gap where there is none. */
export function path(values: readonly (number | null)[], top: number, width: number, height: number): string {
  const last = values.length - 1;
  let drawing = false;
  let drawn = "";
  values.forEach((value, at) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const x = width - ((last - at) * width) / (SPAN - 1);
    const y = height - 2 - (Math.min(value, top) / top) * (height - 4);
    drawn += `${drawing ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    drawing = true;
  });
  return drawn;
}

/** The next round number: 1, 2 or 5 times a power of ten. */
export function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value * 0.999_999) ?? 10;
  return step * power;
}

import { useId } from "react";
import { path, ceiling } from "./chart-path";

export interface Line {
  label: string;
  /** The newest last; gaps are null. */
  values: readonly (number | null)[];
  /** What the last value reads as. */
  now: string;
  look: 1 | 2 | 3 | 4;
  dashed?: boolean;
}

interface ChartProps {
  title: string;
  summary: string;
  lines: readonly Line[];
  /** How the top of the scale reads. */
  scale: (top: number) => string;
  ends: readonly [string, string];
  /** The least the scale reaches. */
  least: number;
}

const WIDTH = 480;
const HEIGHT = 130;

/** Values over the last two minutes, the newest at the right. Lines differ in dashes as well as in colour. */
export function Chart({ title, summary, lines, scale, ends, least }: ChartProps) {
  const id = useId();
  const top = ceiling(Math.max(least, ...lines.flatMap((line) => line.values.map((value) => value ?? 0))));
  return (
    <figure className="chart">
      <figcaption className="row-between">
        <span id={id} className="chart-title">
          {title}
        </span>
        <span className="small soft number">{scale(top)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary} preserveAspectRatio="none">
        {[0.25, 0.5, 0.75].map((at) => (
          <line key={at} x1="0" x2={WIDTH} y1={HEIGHT * at} y2={HEIGHT * at} className="chart-grid" />
        ))}
        {lines.map((line) => (
          <path key={line.label} d={path(line.values, top, WIDTH, HEIGHT)} className={`chart-line chart-${line.look}`} strokeDasharray={dashes(line)} />
        ))}
      </svg>
      <div className="row-between small soft" aria-hidden="true">
        <span>{ends[0]}</span>
        <span>{ends[1]}</span>
      </div>
      <ul className="chart-legend">
        {lines.map((line) => (
          <li key={line.label}>
            <svg viewBox="0 0 26 6" aria-hidden="true">
              <path d="M1 3h24" className={`chart-line chart-${line.look}`} strokeDasharray={dashes(line)} />
            </svg>
            {line.label} <strong className="number">{line.now}</strong>
          </li>
        ))}
      </ul>
    </figure>
  );
}

const dashes = (line: Line) => (line.dashed ? "5 4" : ["", "", "2 3", "9 3", "5 4"][line.look] || undefined);

import type { SessionSample } from "../../api/model";
import type { Words } from "../../i18n/words";
import type { Line } from "../../ui/Chart";

interface Drawn {
  title: string;
  lines: Line[];
  least: number;
  scale: (top: number) => string;
}

type Value = (sample: SessionSample) => number | null;

/** What is drawn of a session: latency in each stage, rates, loss and frames. */
export function charts(seconds: readonly SessionSample[], { t, number }: Words): Drawn[] {
  const ms = (value: number) => `${number(value, value < 10 ? 1 : 0)} ms`;
  const mbit = (value: number) => `${number(value, value < 10 ? 1 : 0)} Mbit/s`;
  const percent = (value: number) => `${number(value, value > 0 && value < 10 ? 1 : 0)} %`;
  const count = (value: number) => number(value);
  const line = (label: string, value: Value, unit: (value: number) => string, look: Line["look"], dashed = false): Line => {
    const values = seconds.map(value);
    const now = values.at(-1) ?? null;
    return { label, values, now: now === null ? "–" : unit(now), look, dashed };
  };
  return [
    {
      title: t("sessions.latency"),
      least: 10,
      scale: ms,
      lines: [
        line(t("sessions.capture"), (s) => stage(s, s.capture.p50_us), ms, 1),
        line(t("sessions.encode"), (s) => stage(s, s.encode.p50_us), ms, 2),
        line(t("sessions.send"), (s) => stage(s, s.send.p50_us), ms, 3),
        line(t("sessions.rtt"), (s) => s.rtt_us / 1_000, ms, 4, true),
      ],
    },
    {
      title: t("sessions.bitrate"),
      least: 5,
      scale: mbit,
      lines: [
        line(t("sessions.video"), (s) => s.video_kbps / 1_000, mbit, 1),
        line(t("sessions.target"), (s) => s.target_kbps / 1_000, mbit, 2, true),
      ],
    },
    {
      title: t("sessions.loss"),
      least: 5,
      scale: percent,
      lines: [
        line(t("sessions.lossShort"), (s) => s.loss_ppm / 10_000, percent, 1),
        line(t("sessions.parity"), (s) => s.fec_percent, percent, 2, true),
      ],
    },
    {
      title: t("sessions.fps"),
      least: 60,
      scale: count,
      lines: [
        line(t("sessions.sent"), (s) => s.frames_sent, count, 1),
        line(t("sessions.painted"), (s) => s.frames_captured, count, 2, true),
      ],
    },
  ];
}

/** Microseconds as milliseconds; nothing where the second had no frames. */
const stage = (sample: SessionSample, us: number) => (sample.frames_sent === 0 && us === 0 ? null : us / 1_000);

import type { SessionSample } from "../src/api/model.ts";

/** A second of a session as a healthy stream has it: figures that wander, the same for the same second. */
export function sampleAt(session: number, unixMs: number): SessionSample {
  const second = Math.floor(unixMs / 1_000);
  const wave = (period: number, phase = 0) => Math.sin((second + phase + session * 7) / period);
  const jitter = (second * 7_919 + session * 104_729) % 97;
  const spike = second % 47 === 0 ? 3 : 1;
  const stage = (us: number, spread: number) => {
    const p50_us = Math.round((us + spread * wave(9, us) + jitter * 4) * (spike > 1 ? 1.6 : 1));
    return { p50_us, p95_us: Math.round(p50_us * 1.4), max_us: p50_us * 2 };
  };
  const frames = 60 - (jitter % 13 === 0 ? 1 : 0) - (spike > 1 ? 6 : 0);
  return {
    session,
    unix_ms: unixMs,
    frames_captured: frames + (jitter % 3 === 0 ? 1 : 0),
    frames_dropped: jitter % 3 === 0 ? 1 : 0,
    frames_sent: frames,
    video_kbps: Math.round(18_200 + 1_900 * wave(13) + jitter * 9),
    target_kbps: second % 90 < 60 ? 20_000 : 22_000,
    fec_percent: spike > 1 ? 14 : 10,
    loss_ppm: spike > 1 ? 9_000 : jitter % 11 === 0 ? 1_800 : 0,
    rtt_us: Math.round(2_300 + 500 * wave(6) + jitter * 6),
    capture: stage(900, 200),
    encode: stage(4_100, 700),
    send: stage(1_600, 350),
  };
}

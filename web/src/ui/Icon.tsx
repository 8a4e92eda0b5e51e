/** Line drawings on a 24-unit grid; each is one path. They decorate: the text beside them says the same. */
const PATHS = {
  home: "M4 11 12 4l8 7v8a1 1 0 0 1-1 1h-4v-6H9v6H5a1 1 0 0 1-1-1z",
  pairing: "M8.5 15.5 15.5 8.5M10.5 6l1.8-1.8a5 5 0 0 1 7.1 7.1L17.6 13M13.5 18l-1.8 1.8a5 5 0 0 1-7.1-7.1L6.4 11",
  devices: "M3 6h13v9H3zM1.5 18.5H13M16.5 9.5h5v10h-5z",
  sessions: "M3 12h4l3-7 4 14 3-7h4",
  settings: "M4 7h9m4 0h3M4 17h3m4 0h9M13 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M7 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  diagnostics: "M14.5 6.5a4.5 4.5 0 0 1 5.6 5.6L16 8m-1.5-1.5L16 8m0 0 1.5 1.5M14.2 12.2 7 19.4a1.8 1.8 0 0 1-2.6-2.6l7.2-7.2a4.5 4.5 0 0 1 5.6-5.6",
  audit: "M6 4h12v16H6zM9 8.5h6M9 12h6M9 15.500h4",
  about: "M12 11v5.500M12 7.500v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  more: "M5 12h.1M12 12h.1M19 12h.1",
  good: "M5 12.500 10 17.500 19.500 7",
  warn: "M12 4 2.800 20h18.400zM12 10v5M12 17.600v.1",
  bad: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 9l6 6M15 9l-6 6",
  close: "M6 6l12 12M18 6 6 18",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M18.700 5.300l-1.400 1.400M6.700 17.300l-1.400 1.400",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  auto: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 8h6M12 12h8M12 16h6",
  door: "M6 21V3.500h12V21M3.500 21h17M14.500 12v.1",
  stop: "M7 7h10v10H7z",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9v.1",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.500l3.500 2",
  download: "M12 4v11m-4.500-4.500L12 15l4.500-4.500M5 20h14",
  restart: "M19.500 12a7.500 7.500 0 1 1-2.300-5.400M19.500 3.500v4h-4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a dot that sends. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" fill="#201d1a" />
      <circle cx="16" cy="16" r="5" fill="#ff6a2b" />
      <path d="M9 9a10 10 0 0 0 0 14M23 9a10 10 0 0 1 0 14" fill="none" stroke="#f4f0e8" strokeWidth="2.4" strokeLinecap="round" />
    </svg>
  );
}

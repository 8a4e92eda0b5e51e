import type { TextKey } from "../../i18n/en";

export interface ClaimForm {
  code: string;
  password: string;
  repeated: string;
}

/** The least that the host accepts as a password, in characters. */
export const LEAST_CHARACTERS = 10;

/** What has to be put right before the host is asked. */
export function wrongWith({ code, password, repeated }: ClaimForm): Partial<Record<keyof ClaimForm, TextKey>> {
  return {
    ...(code.trim() === "" && { code: "claim.codeMissing" as const }),
    ...([...password].length < LEAST_CHARACTERS && { password: "claim.short" as const }),
    ...(repeated !== password && { repeated: "claim.different" as const }),
  };
}

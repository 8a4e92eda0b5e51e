import type { components } from "./generated/schema";

type Schemas = components["schemas"];

export type AdministratorState = Schemas["AdministratorState"];
export type ApproveRequest = Schemas["ApproveRequest"];
export type ArmRequest = Schemas["ArmRequest"];
export type AuditVerdict = Schemas["AuditVerdict"];
export type Check = Schemas["Check"];
export type Device = Schemas["Device"];
export type DeviceChange = Schemas["DeviceChange"];
export type DoctorReport = Schemas["DoctorReport"];
export type EndedSession = Schemas["EndedSession"];
export type Fault = Schemas["Fault"];
export type Health = Schemas["Health"];
export type HostIdentity = Schemas["HostIdentity"];
export type HostStatus = Schemas["HostStatus"];
export type Knock = Schemas["Knock"];
export type LogLevel = Schemas["LogLevel"];
export type LogLine = Schemas["LogLine"];
export type MoonlightPin = Schemas["MoonlightPin"];
export type MoonlightWaiting = Schemas["MoonlightWaiting"];
export type Pending = Schemas["Pending"];
export type PinWindowOpen = Schemas["PinWindowOpen"];
export type Probe = Schemas["Probe"];
export type Probes = Schemas["Probes"];
export type Session = Schemas["Session"];
export type SessionSample = Schemas["SessionSample"];
export type Setting = Schemas["Setting"];
export type SettingKind = Schemas["SettingKind"];
export type SettingProblem = Schemas["SettingProblem"];
export type Settings = Schemas["Settings"];

export type PackageChange = Schemas["PackageChange"];
export type UpdateOffer = Schemas["UpdateOffer"];
export type UpdateOutcome = Schemas["UpdateOutcome"];
export type UpdateStatus = Schemas["UpdateStatus"];

/** What the event stream says has changed. */
export type Topic = "pending" | "pairing" | "devices" | "sessions" | "health" | "settings";

/** One row of the audit log; its schema leaves the fields open because each event has its own. */
export interface AuditRow {
  number: number;
  hash: string;
  unix: number;
  origin: { actor: { kind: string } & Record<string, unknown>; source?: string };
  what: { event: string } & Record<string, unknown>;
}

import type { PeerCertificate } from "node:tls";
import { AgentError } from "../errors.ts";

/** The name in a certificate that stands for the coordinator role. */
export const coordinatorName = "coordinator.qmesh.internal";

/** Refuses a caller whose certificate does not give it the coordinator role. */
export function requireCoordinator(certificate: PeerCertificate | undefined): void {
  const names = (certificate?.subjectaltname ?? "").split(", ").map((name) => name.replace(/^DNS:/, ""));
  if (names.includes(coordinatorName)) return;
  throw new AgentError("forbidden", "CALLER_NOT_COORDINATOR", "the caller's certificate has no coordinator role");
}

import { type Logger as PinoLogger, pino } from "pino";

/** Structured log lines on standard error. */
export type Logger = PinoLogger;

/** Makes the program's logger. Fields that may hold secrets are never printed. */
export function createLogger(level: string): Logger {
  const paths = ["password", "*.password", "*.passwordHash", "*.privateKey", "req.headers.authorization"];
  return pino({ level, base: null, redact: { paths, censor: "<hidden>" } }, pino.destination({ dest: 2, sync: true }));
}

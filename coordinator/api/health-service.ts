import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/health/v1/health_pb.js";

const watchEveryMs = 5000;

/** grpc.health.v1.Health for the whole program (the empty name) and for each service. */
export function healthService(services: readonly string[], stopping: AbortSignal): ServiceImpl<typeof Health> {
  const statusOf = (service: string) => {
    if (service !== "" && !services.includes(service)) return undefined;
    return stopping.aborted ? Status.NOT_SERVING : Status.SERVING;
  };
  return {
    check: async ({ service }) => {
      const status = statusOf(service);
      if (status === undefined) throw new ConnectError(`there is no service ${service}`, Code.NotFound);
      return { status };
    },
    list: async () => ({
      statuses: Object.fromEntries(
        ["", ...services].map((name) => [name, { status: statusOf(name) ?? Status.UNKNOWN }]),
      ),
    }),
    async *watch({ service }, { signal }) {
      let last: Status | undefined;
      while (!signal.aborted) {
        const status = statusOf(service) ?? Status.SERVICE_UNKNOWN;
        if (status !== last) yield { status };
        last = status;
        if (stopping.aborted) return;
        await waitFor(AbortSignal.any([signal, stopping]), watchEveryMs);
      }
    },
  };
}

function waitFor(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { Health } from "../../gen/health/v1/health_pb.js";
import { ImageService } from "../../gen/qmesh/v1/image_service_pb.js";
import { NodeService } from "../../gen/qmesh/v1/node_service_pb.js";
import { OperationService } from "../../gen/qmesh/v1/operation_service_pb.js";
import { PowerService } from "../../gen/qmesh/v1/power_service_pb.js";
import { VmService } from "../../gen/qmesh/v1/vm_service_pb.js";
import { healthService } from "./health-service.ts";
import { imageService } from "./image-service.ts";
import { nodeService } from "./node-service.ts";
import { operationService } from "./operation-service.ts";
import { powerService } from "./power-service.ts";
import { reflectionHandler } from "./reflection-service.ts";
import type { ServiceParts } from "./service-parts.ts";
import { validated } from "./validation.ts";
import { vmService } from "./vm-service.ts";

/** The services of the public contract. */
export const publicServices = [VmService, PowerService, OperationService, NodeService, ImageService] as const;

/** The handlers of every public service, each with its requests' schemas before it. */
export interface Services {
  readonly vm: ServiceImpl<typeof VmService>;
  readonly power: ServiceImpl<typeof PowerService>;
  readonly operation: ServiceImpl<typeof OperationService>;
  readonly node: ServiceImpl<typeof NodeService>;
  readonly image: ServiceImpl<typeof ImageService>;
}

/** Builds the services once, for Connect and for REST. */
export function buildServices(parts: ServiceParts): Services {
  return {
    vm: validated(VmService, vmService(parts)),
    power: validated(PowerService, powerService(parts)),
    operation: validated(OperationService, operationService(parts)),
    node: validated(NodeService, nodeService(parts)),
    image: validated(ImageService, imageService(parts)),
  };
}

/** Registers everything that speaks Connect, gRPC and gRPC-Web. */
export function registerServices(router: ConnectRouter, services: Services, stopping: AbortSignal): void {
  router.service(VmService, services.vm);
  router.service(PowerService, services.power);
  router.service(OperationService, services.operation);
  router.service(NodeService, services.node);
  router.service(ImageService, services.image);
  router.service(
    Health,
    healthService(
      publicServices.map(({ typeName }) => typeName),
      stopping,
    ),
  );
  const reflected = reflectionHandler([...publicServices, Health, ServerReflection]);
  router.service(ServerReflection, reflected);
  router.service(ServerReflectionAlpha, reflected);
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { CommandSchema } from "../../gen/qmesh/agent/v1/command_pb.js";
import type { NodeCommand } from "../ports/node-client.ts";

/** A command as the mesh's contract has it. */
export function toAgentCommand(command: NodeCommand): MessageInitShape<typeof CommandSchema> {
  return { command: toOneof(command) };
}

function toOneof(command: NodeCommand): NonNullable<MessageInitShape<typeof CommandSchema>["command"]> {
  switch (command.type) {
    case "create-vm": {
      const { type: _type, ...fields } = command;
      return {
        case: "createVm",
        value: {
          ...fields,
          baseSizeBytes: BigInt(command.baseSizeBytes),
          sshPublicKeys: [...command.sshPublicKeys],
          nameservers: [...command.nameservers],
          tags: [...command.tags],
        },
      };
    }
    case "set-vm": {
      const { type: _type, sshPublicKeys, ...fields } = command;
      return {
        case: "setVm",
        value: { ...fields, ...(sshPublicKeys ? { replaceSshPublicKeys: { keys: [...sshPublicKeys] } } : {}) },
      };
    }
    case "resize-disk":
      return {
        case: "resizeDisk",
        value: { vmid: command.vmid, slot: command.slot, sizeBytes: BigInt(command.sizeBytes) },
      };
    case "start-vm":
      return { case: "startVm", value: { vmid: command.vmid } };
    case "stop-vm": {
      const { vmid, overruleShutdown, skipLock } = command;
      return { case: "stopVm", value: { vmid, overruleShutdown, skipLock } };
    }
    case "shutdown-vm": {
      const { vmid, timeoutS, force } = command;
      return { case: "shutdownVm", value: { vmid, timeout: durationFromMs(timeoutS * 1000), force } };
    }
    case "reboot-vm": {
      const { vmid, timeoutS, fromPid } = command;
      return { case: "rebootVm", value: { vmid, timeout: durationFromMs(timeoutS * 1000), fromPid } };
    }
    case "reset-vm":
      return { case: "resetVm", value: { vmid: command.vmid } };
    case "suspend-vm":
      return { case: "suspendVm", value: { vmid: command.vmid } };
    case "resume-vm":
      return { case: "resumeVm", value: { vmid: command.vmid } };
    case "migrate-vm": {
      const { vmid, targetNode, online } = command;
      return { case: "migrateVm", value: { vmid, targetNode, online } };
    }
    case "destroy-vm": {
      const { vmid, onlySmbiosUuid, skipLock } = command;
      return { case: "destroyVm", value: { vmid, onlySmbiosUuid, skipLock } };
    }
    default:
      throw new Error(`no message for ${JSON.stringify(command satisfies never)}`);
  }
}

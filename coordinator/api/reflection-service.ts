import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";

/** A question of the reflection protocol; v1 and v1alpha have the same shape. */
interface ReflectionRequest {
  readonly host: string;
  readonly messageRequest:
    | {
        readonly case: "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType" | "listServices";
        readonly value: string;
      }
    | { readonly case: "fileContainingExtension"; readonly value: { readonly containingType: string } }
    | { readonly case: undefined; readonly value?: undefined };
}

/** Answers what clients such as `buf curl` and `grpcurl` ask to work without the proto files. */
export function reflectionHandler(services: readonly DescService[]) {
  const files = collectFiles(services.map(({ file }) => file));
  const byName = new Map(files.map((file) => [`${file.name}.proto`, file]));
  const bySymbol = new Map(files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file] as const)));

  const answer = ({ messageRequest }: ReflectionRequest) => {
    switch (messageRequest.case) {
      case "listServices":
        return {
          case: "listServicesResponse" as const,
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case "fileByFilename":
        return describe(byName.get(messageRequest.value), messageRequest.value);
      case "fileContainingSymbol":
        return describe(bySymbol.get(messageRequest.value), messageRequest.value);
      case "allExtensionNumbersOfType":
        return notFound(`${messageRequest.value} has no extensions`);
      case "fileContainingExtension":
        return notFound(`${messageRequest.value.containingType} has no extensions`);
      case undefined:
        return {
          case: "errorResponse" as const,
          value: { errorCode: Code.InvalidArgument, errorMessage: "an empty request" },
        };
      default:
        throw new Error(`unknown question ${JSON.stringify(messageRequest satisfies never)}`);
    }
  };
  return {
    async *serverReflectionInfo<R extends ReflectionRequest>(requests: AsyncIterable<R>) {
      for await (const request of requests)
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
    },
  };
}

/** A file with everything that it imports, which clients want at once. */
function describe(file: DescFile | undefined, asked: string) {
  if (!file) return notFound(`${asked} is not known`);
  const value = {
    fileDescriptorProto: collectFiles([file]).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)),
  };
  return { case: "fileDescriptorResponse" as const, value };
}

function notFound(errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode: Code.NotFound, errorMessage } };
}

function collectFiles(start: readonly DescFile[]): readonly DescFile[] {
  const found = new Set<DescFile>();
  const visit = (file: DescFile) => {
    if (found.has(file)) return;
    found.add(file);
    file.dependencies.forEach(visit);
  };
  start.forEach(visit);
  return [...found];
}

function symbolsOf(file: DescFile): readonly string[] {
  const nested = (message: DescFile["messages"][number]): string[] => [
    message.typeName,
    ...message.nestedMessages.flatMap(nested),
    ...message.nestedEnums.map(({ typeName }) => typeName),
  ];
  return [
    ...file.messages.flatMap(nested),
    ...file.enums.map(({ typeName }) => typeName),
    ...file.services.flatMap(({ typeName, methods }) => [
      typeName,
      ...methods.map(({ name }) => `${typeName}.${name}`),
    ]),
  ];
}

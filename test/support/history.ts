import { createRequire } from 'node:module';

interface ProtobufRoot {
  lookupType(name: string): unknown;
}

/**
 * Reads a history as `temporal workflow show --output json` writes it, for `Worker.runReplayHistories`. The SDK can read
 * it by itself only where all its packages share one copy of protobufjs; npm gives each its own when another package
 * wants an older one, and types of one copy are strangers to the next. So the copy that made the types is asked.
 */
export function readHistory(json: unknown): unknown {
  const sdk = createRequire(createRequire(import.meta.url).resolve('@temporalio/common/package.json'));
  const ofTypes = createRequire(sdk.resolve('@temporalio/proto'));
  const types = sdk('@temporalio/proto') as unknown;
  const { patchProtobufRoot } = sdk('@temporalio/proto/lib/patch-protobuf-root') as {
    readonly patchProtobufRoot: (root: unknown) => ProtobufRoot;
  };
  const { fromJson } = ofTypes('protobufjs/ext/protojson') as {
    readonly fromJson: (type: unknown, json: unknown, options: { readonly ignoreUnknownFields: boolean }) => unknown;
  };
  const type = patchProtobufRoot(types).lookupType('temporal.api.history.v1.History');
  return fromJson(type, json, { ignoreUnknownFields: true });
}

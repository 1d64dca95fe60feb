// Original file: proto/fedpress/v1/transfer.proto

import type { Long } from '@grpc/proto-loader';

export interface Resume {
  'transfer'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
}

export interface Resume__Output {
  'transfer': (Buffer);
  'offset': (number);
}

// Original file: proto/fedpress/v1/transfer.proto

import type { Long } from '@grpc/proto-loader';

export interface ModelHeader {
  'frameBytes'?: (number)[];
  'transfer'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
}

export interface ModelHeader__Output {
  'frameBytes': (number)[];
  'transfer': (Buffer);
  'offset': (number);
}

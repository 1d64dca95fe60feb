// Original file: proto/fedpress/v1/transfer.proto

import type { ModelHeader as _fedpress_v1_ModelHeader, ModelHeader__Output as _fedpress_v1_ModelHeader__Output } from '../../fedpress/v1/ModelHeader.ts';

export interface ModelChunk {
  'header'?: (_fedpress_v1_ModelHeader | null);
  'data'?: (Buffer | Uint8Array | string);
}

export interface ModelChunk__Output {
  'header': (_fedpress_v1_ModelHeader__Output | null);
  'data': (Buffer);
}

// Original file: proto/fedpress/v1/task.proto

import type { ValueCoder as _fedpress_v1_ValueCoder, ValueCoder__Output as _fedpress_v1_ValueCoder__Output } from '../../fedpress/v1/ValueCoder.ts';

export interface Codec {
  'topK'?: (number | string);
  'coder'?: (_fedpress_v1_ValueCoder);
  'uniformBits'?: (number);
  '_topK'?: "topK";
  'values'?: "coder"|"uniformBits";
}

export interface Codec__Output {
  'topK'?: (number);
  'coder'?: (_fedpress_v1_ValueCoder__Output);
  'uniformBits'?: (number);
  '_topK'?: "topK";
  'values'?: "coder"|"uniformBits";
}

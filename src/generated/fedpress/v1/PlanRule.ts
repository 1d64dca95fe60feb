// Original file: proto/fedpress/v1/task.proto

import type { Codec as _fedpress_v1_Codec, Codec__Output as _fedpress_v1_Codec__Output } from '../../fedpress/v1/Codec.ts';

export interface PlanRule {
  'tensors'?: (string);
  'codec'?: (_fedpress_v1_Codec | null);
  'errorFeedback'?: (boolean);
  'history'?: (boolean);
}

export interface PlanRule__Output {
  'tensors': (string);
  'codec': (_fedpress_v1_Codec__Output | null);
  'errorFeedback': (boolean);
  'history': (boolean);
}

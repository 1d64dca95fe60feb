// Original file: proto/fedpress/v1/task.proto

import type { StepDecay as _fedpress_v1_StepDecay, StepDecay__Output as _fedpress_v1_StepDecay__Output } from '../../fedpress/v1/StepDecay.ts';
import type { CosineDecay as _fedpress_v1_CosineDecay, CosineDecay__Output as _fedpress_v1_CosineDecay__Output } from '../../fedpress/v1/CosineDecay.ts';

export interface Schedule {
  'warmUpSteps'?: (number);
  'step'?: (_fedpress_v1_StepDecay | null);
  'cosine'?: (_fedpress_v1_CosineDecay | null);
  'decay'?: "step"|"cosine";
}

export interface Schedule__Output {
  'warmUpSteps': (number);
  'step'?: (_fedpress_v1_StepDecay__Output | null);
  'cosine'?: (_fedpress_v1_CosineDecay__Output | null);
  'decay'?: "step"|"cosine";
}

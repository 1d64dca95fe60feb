// Original file: proto/fedpress/v1/transfer.proto

import type { HeldModel as _fedpress_v1_HeldModel, HeldModel__Output as _fedpress_v1_HeldModel__Output } from '../../fedpress/v1/HeldModel.ts';
import type { Resume as _fedpress_v1_Resume, Resume__Output as _fedpress_v1_Resume__Output } from '../../fedpress/v1/Resume.ts';

export interface FetchRequest {
  'held'?: (_fedpress_v1_HeldModel | null);
  'version'?: (number);
  'masks'?: (Buffer | Uint8Array | string);
  'resume'?: (_fedpress_v1_Resume | null);
  'whole'?: (boolean);
  '_masks'?: "masks";
}

export interface FetchRequest__Output {
  'held': (_fedpress_v1_HeldModel__Output | null);
  'version': (number);
  'masks'?: (Buffer);
  'resume': (_fedpress_v1_Resume__Output | null);
  'whole': (boolean);
  '_masks'?: "masks";
}

// Original file: proto/fedpress/v1/task.proto

import type { TensorSpec as _fedpress_v1_TensorSpec, TensorSpec__Output as _fedpress_v1_TensorSpec__Output } from '../../fedpress/v1/TensorSpec.ts';

export interface Manifest {
  'tensors'?: (_fedpress_v1_TensorSpec)[];
}

export interface Manifest__Output {
  'tensors': (_fedpress_v1_TensorSpec__Output)[];
}

// Original file: proto/fedpress/v1/task.proto

export const Precision = {
  PRECISION_UNSPECIFIED: 'PRECISION_UNSPECIFIED',
  PRECISION_BFLOAT16: 'PRECISION_BFLOAT16',
  PRECISION_FLOAT16: 'PRECISION_FLOAT16',
} as const;

export type Precision =
  | 'PRECISION_UNSPECIFIED'
  | 0
  | 'PRECISION_BFLOAT16'
  | 1
  | 'PRECISION_FLOAT16'
  | 2

export type Precision__Output = typeof Precision[keyof typeof Precision]

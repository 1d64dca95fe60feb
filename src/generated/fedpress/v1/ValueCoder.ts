// Original file: proto/fedpress/v1/task.proto

export const ValueCoder = {
  VALUE_CODER_UNSPECIFIED: 'VALUE_CODER_UNSPECIFIED',
  VALUE_CODER_FLOAT32: 'VALUE_CODER_FLOAT32',
  VALUE_CODER_FLOAT16: 'VALUE_CODER_FLOAT16',
  VALUE_CODER_TERNARY: 'VALUE_CODER_TERNARY',
  VALUE_CODER_BFLOAT16: 'VALUE_CODER_BFLOAT16',
  VALUE_CODER_SIGN: 'VALUE_CODER_SIGN',
} as const;

export type ValueCoder =
  | 'VALUE_CODER_UNSPECIFIED'
  | 0
  | 'VALUE_CODER_FLOAT32'
  | 1
  | 'VALUE_CODER_FLOAT16'
  | 2
  | 'VALUE_CODER_TERNARY'
  | 3
  | 'VALUE_CODER_BFLOAT16'
  | 4
  | 'VALUE_CODER_SIGN'
  | 5

export type ValueCoder__Output = typeof ValueCoder[keyof typeof ValueCoder]

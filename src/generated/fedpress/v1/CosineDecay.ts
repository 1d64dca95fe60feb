// Original file: proto/fedpress/v1/task.proto


export interface CosineDecay {
  'floor'?: (number | string);
}

export interface CosineDecay__Output {
  'floor': (number);
}

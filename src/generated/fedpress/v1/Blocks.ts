// Original file: proto/fedpress/v1/task.proto


export interface Blocks {
  'keep'?: (number);
  'of'?: (number);
}

export interface Blocks__Output {
  'keep': (number);
  'of': (number);
}

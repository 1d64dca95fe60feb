// Original file: proto/fedpress/v1/task.proto


export interface Sgd {
  'learningRate'?: (number | string);
  'momentum'?: (number | string);
}

export interface Sgd__Output {
  'learningRate': (number);
  'momentum': (number);
}

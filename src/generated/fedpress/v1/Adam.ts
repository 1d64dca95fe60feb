// Original file: proto/fedpress/v1/task.proto


export interface Adam {
  'learningRate'?: (number | string);
}

export interface Adam__Output {
  'learningRate': (number);
}

// Original file: proto/fedpress/v1/task.proto


export interface TensorSpec {
  'name'?: (string);
  'shape'?: (number)[];
}

export interface TensorSpec__Output {
  'name': (string);
  'shape': (number)[];
}

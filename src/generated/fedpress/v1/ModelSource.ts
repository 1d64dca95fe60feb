// Original file: proto/fedpress/v1/task.proto


export interface ModelSource {
  'zoo'?: (string);
  'seed'?: (number);
}

export interface ModelSource__Output {
  'zoo': (string);
  'seed': (number);
}

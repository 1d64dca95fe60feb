// Original file: proto/fedpress/v1/task.proto


export interface Augment {
  'shift'?: (number);
  'flip'?: (boolean);
  'noise'?: (number | string);
}

export interface Augment__Output {
  'shift': (number);
  'flip': (boolean);
  'noise': (number);
}

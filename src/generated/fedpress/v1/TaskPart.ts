// Original file: proto/fedpress/v1/task.proto


export interface TaskPart {
  'width'?: (number | string);
  'masks'?: (Buffer | Uint8Array | string);
}

export interface TaskPart__Output {
  'width': (number);
  'masks': (Buffer);
}

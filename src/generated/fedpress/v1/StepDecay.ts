// Original file: proto/fedpress/v1/task.proto


export interface StepDecay {
  'everySteps'?: (number);
  'factor'?: (number | string);
}

export interface StepDecay__Output {
  'everySteps': (number);
  'factor': (number);
}

// Original file: proto/fedpress/v1/task.proto


export interface ResidualDecay {
  'afterRounds'?: (number);
  'factor'?: (number | string);
}

export interface ResidualDecay__Output {
  'afterRounds': (number);
  'factor': (number);
}

// Original file: proto/fedpress/v1/task.proto


export interface Grid {
  'exponent'?: (number);
  'weightBudget'?: (number);
}

export interface Grid__Output {
  'exponent': (number);
  'weightBudget': (number);
}
